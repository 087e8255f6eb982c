"""From the source's commit to the row in the live view, as it is in production: a job with a run budget, and a reader.

The job is a process of its own and looks every two seconds; so many changes come, one by one, that every look finds
some. A poller reads the view as a consumer would.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from psycopg2 import sql

from bench import findings, floor, ground, right_or_wrong, source_data, statements
from bench.arena import Arena
from bench.findings import Findings, Goal
from bench.history import LANDSCAPE
from bench.options import Kind, Options
from bench.records import Spread
from datasurface.errors import TransientError

NAME: Final = "latency"
_QUERIES: Final = statements.load("experiments.sql")
_CHANGES: Final = 100
_PAUSE_SECONDS: Final = 0.5
_POLL_SECONDS: Final = 0.05
_PATIENCE_SECONDS: Final = 120
_PROGRAM: Final = "from datasurface.cli.main import main; main()"
_VIEW: Final = "yellowlive_consumer1_livedsg_customers_view"


def goals() -> dict[str, Goal]:
    """What a change may take to be seen."""
    return {
        "p99": Goal(name=f"live, source commit → view, {_CHANGES} single changes, p99", limit=5.0, unit=" s"),
        "p50": Goal(name=f"live, source commit → view, {_CHANGES} single changes, p50", limit=5.0, unit=" s"),
    }


def measured(options: Options) -> Findings:
    """Change rows one by one while a job looks at the source, and wait for each in the view."""
    customers = findings.size(options)
    changes = _CHANGES if findings.is_full(options) else _CHANGES // 10
    with ground.opened(LANDSCAPE) as place:
        with place.admin(place.source_database) as session:
            source_data.fill(session, findings.sized(options))
        ground.run_here(place, Kind.LIVE)
        with _job(place):
            delays = _delays(place, [f"C{1 + n * (customers // changes):09d}" for n in range(changes)])
        floor.make_staging(place)
        floor.run(place)
        wrong = [*right_or_wrong.problems(place, [Kind.LIVE], NAME)]
    delays.sort()
    shown = {
        "p50": Spread(median=_percentile(delays, 0.50), least=delays[0], most=delays[-1]),
        "p99": Spread(median=_percentile(delays, 0.99), least=delays[0], most=delays[-1]),
    }
    return Findings(
        experiment=NAME,
        targets=[goal.judged(options, shown[name]) for name, goal in goals().items()],
        measurements=[{"experiment": NAME, "delay_seconds": [round(each, 3) for each in delays]}],
        problems=wrong,
    )


def _percentile(ordered: Sequence[float], share: float) -> float:
    """The least value that so many of all do not exceed."""
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]


@contextmanager
def _job(place: Arena) -> Iterator[None]:
    """The job as a pod runs it, until the block ends."""
    stream = place.stream(Kind.LIVE.platform)
    arguments = ["job", "snapshot-merge", "--platform", stream.platform, "--store", stream.store]
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "DATASURFACE_CONNECTIONS": str(place.installation.connections_path),
        "DATASURFACE_RESULT_FILE": str(place.installation.folder / "latency-result.json"),
    }
    log = place.installation.folder / "latency.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, *arguments, "--budget-seconds", "3600"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield
            if process.poll() is not None:
                raise TransientError(f"the job ended by itself with status {process.returncode}")
        finally:
            process.terminate()
            process.wait(_PATIENCE_SECONDS)


def _delays(place: Arena, keys: Sequence[str]) -> list[float]:
    """Change the rows of `keys`, one at a time, and say after how many seconds each was seen."""
    committed: dict[str, float] = {}
    seen: dict[str, float] = {}
    ended = threading.Event()
    poller = threading.Thread(target=_poll, args=(place, committed, seen, ended), daemon=True)
    poller.start()
    try:
        with place.admin(place.source_database) as session, session.raw.cursor() as cursor:
            for key in keys:
                cursor.execute(_QUERIES["change_one"], {"key": key, "mark": f"seen-{key}"})
                session.commit()
                committed[key] = time.perf_counter()
                time.sleep(_PAUSE_SECONDS)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while len(seen) < len(keys) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
    finally:
        ended.set()
        poller.join()
    if missing := len(keys) - len(seen):
        raise TransientError(f"{missing} of {len(keys)} changes were not seen in the view")
    return [seen[key] - committed[key] for key in keys]


def _poll(place: Arena, committed: dict[str, float], seen: dict[str, float], ended: threading.Event) -> None:
    """Read the view as its consumer does until told to stop."""
    query = _QUERIES["seen_in_view"].format(view=sql.Identifier("public", _VIEW))
    with place.admin(place.merge_database) as session, session.raw.cursor() as cursor:
        session.raw.autocommit = True
        while not ended.wait(_POLL_SECONDS):
            awaited = [key for key in list(committed) if key not in seen]
            if not awaited:
                continue
            cursor.execute(query, {"keys": awaited})
            now = time.perf_counter()
            for (key,) in cursor.fetchall():
                seen[key] = now
