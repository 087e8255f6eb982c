"""Ours: `datasurface job snapshot-merge` as a process, as a pod or a person starts it."""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bench import meter, statements
from bench.arena import Arena
from bench.meter import Command, Reading
from bench.options import Kind
from datasurface.errors import ModelError
from datasurface.yellow.engine.batch.run_result import RunResult
from datasurface.yellow.engine.difference.delta import Counts

_QUERIES: Final = statements.load("arena.sql")
_PROGRAM: Final = "from datasurface.cli.main import main; main()"


@dataclass(frozen=True, slots=True, kw_only=True)
class OurReading:
    """A run of the job. `start_seconds` is what passes before the run begins: the interpreter and its imports.

    `vacuum_seconds` is part of the wall time and spent after the commit; None where the server does not say.
    """

    reading: Reading
    result: RunResult
    start_seconds: float
    vacuum_seconds: float | None

    @property
    def counts(self) -> Counts:
        """What the job counted."""
        result = self.result
        return Counts(inserted=result.inserted, updated=result.updated, deleted=result.deleted, total=result.total)


def run(arena: Arena, kind: Kind) -> OurReading:
    """Run the job once. Raises ModelError if it ends without a result."""
    result_file = arena.installation.folder / "result.json"
    result_file.unlink(missing_ok=True)
    stream = arena.stream(kind.platform)
    arguments = ["job", "snapshot-merge", "--platform", stream.platform, "--store", stream.store]
    environment = {
        "DATASURFACE_CONNECTIONS": str(arena.installation.connections_path),
        "DATASURFACE_RESULT_FILE": str(result_file),
        "DATASURFACE_LOG_FORMAT": "json",
        "DATASURFACE_LOG_LEVEL": "info",
    }
    command = Command(arguments=[sys.executable, "-c", _PROGRAM, *arguments], environment=environment)
    vacuumed_before = _vacuum_seconds(arena)
    reading = meter.measure(arena, command)
    vacuumed = _vacuum_seconds(arena)
    if not result_file.exists():
        last = (reading.log.strip().splitlines() or ["it said nothing"])[-1]
        raise ModelError(f"the job ended with {reading.exit_status} and without a result: {last[:300]}")
    return OurReading(
        reading=reading,
        result=RunResult.model_validate_json(result_file.read_text(encoding="utf-8")),
        start_seconds=_start_seconds(reading),
        vacuum_seconds=None if vacuumed is None or vacuumed_before is None else vacuumed - vacuumed_before,
    )


def _start_seconds(reading: Reading) -> float:
    """From the start of the process to the log's first line."""
    for event in _events(reading.log):
        if event.get("event") == "run begins":
            return max(0.0, datetime.fromisoformat(event["timestamp"]).timestamp() - reading.began_at)
    return 0.0


def _events(log: str) -> Iterator[Mapping[str, Any]]:
    for line in log.splitlines():
        if line.startswith("{"):
            yield json.loads(line)


def _vacuum_seconds(arena: Arena) -> float | None:
    """Time spent so far in vacuuming by hand; PostgreSQL counts it from version 18 on."""
    with arena.admin(arena.merge_database) as session, session.raw.cursor() as cursor:
        if session.raw.server_version < 180000:  # noqa: PLR2004 - as libpq counts
            return None
        cursor.execute(_QUERIES["vacuum_milliseconds"])
        return float((cursor.fetchone() or (0,))[0]) / 1000
