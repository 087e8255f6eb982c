"""The peers: what else moves a table's snapshot into PostgreSQL, each at its own best settings, metered as ours is.

dlt runs from `.venv-bench`. dbt and sling are looked for on PATH and named in the results; they are not run.
"""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from bench import floor, meter, statements
from bench.arena import Arena
from bench.meter import Command, Reading
from bench.options import Kind
from datasurface.errors import UsageError

PYTHON: Final = statements.FOLDER.parent / ".venv-bench" / "bin" / "python"
_PROGRAM: Final = statements.FOLDER / "dlt_pipeline.py"
_PROBE: Final = (
    "import importlib.metadata as m, dlt, adbc_driver_postgresql, connectorx, pandas; "
    "print(*(m.version(n) for n in ('dlt', 'connectorx', 'adbc-driver-postgresql')))"
)
#: A peer that hangs must not take the others' results with it.
_LIMIT_SECONDS: Final = 900.0
#: Peers that are named and not run.
OTHERS: Final = ("dbt", "sling")


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A contender that is not ours. `kind` is what of ours it is compared with."""

    name: str
    strategy: str
    kind: Kind

    @property
    def option(self) -> str:
        """Its name on the command line."""
        return self.name.replace(" ", "-")

    @property
    def dataset(self) -> str:
        """The schema that it fills."""
        return self.name.replace(" ", "_")


#: `upsert` never deletes, `replace` keeps nothing; `cdc` deletes, skips rows that are equal, and reads by chunks.
KNOWN: Final[Mapping[str, Peer]] = {
    peer.name: peer
    for peer in (
        Peer(name="dlt upsert", strategy="upsert", kind=Kind.LIVE),
        Peer(name="dlt replace", strategy="replace", kind=Kind.LIVE),
        Peer(name="dlt cdc", strategy="cdc", kind=Kind.LIVE),
        Peer(name="dlt scd2", strategy="scd2", kind=Kind.FORENSIC),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """Whether dlt can run here: its versions, or why not; and which of the others PATH has."""

    versions: Mapping[str, str]
    others: Mapping[str, str]
    reason: str = ""


NOT_ASKED: Final = Availability(versions={}, others={}, reason="were not measured in this run")


def chosen(text: str) -> Sequence[Peer]:
    """`all`, `none`, or some of the peers by their options' names. Raises UsageError."""
    by_option = {peer.option: peer for peer in KNOWN.values()}
    if text in ("all", "none"):
        return list(by_option.values()) if text == "all" else []
    names = [part.strip() for part in text.split(",") if part.strip()]
    if unknown := [name for name in names if name not in by_option]:
        raise UsageError(f"there is no peer {unknown[0]!r}", fix=f"Use all, none or some of {', '.join(by_option)}")
    return [by_option[name] for name in names]


def available() -> Availability:
    """Look for the peers."""
    others = {name: shutil.which(name) or "absent" for name in OTHERS}
    if not PYTHON.exists():
        return Availability(versions={}, reason="dlt is not installed: make .venv-bench/locks.stamp", others=others)
    probe = subprocess.run([PYTHON, "-c", _PROBE], capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        last = (probe.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return Availability(versions={}, reason=f"dlt does not start: {last}", others=others)
    names = ("dlt", "connectorx", "adbc-driver-postgresql")
    return Availability(versions=dict(zip(names, probe.stdout.split(), strict=True)), others=others)


def run(arena: Arena, peer: Peer) -> Reading:
    """Load the source once; the reading's exit status says whether it worked."""
    folder = arena.installation.folder
    load = _Load(
        strategy=peer.strategy,
        tables=[table.source_table for table in floor.tables(arena)],
        source=_url(arena, "postgresql+psycopg2", arena.source_database),
        destination=_url(arena, "postgresql", arena.merge_database),
        dataset=peer.dataset,
        folder=str(_state(arena) / peer.dataset),
    )
    file = folder / "load.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(asdict(load)), encoding="utf-8")
    environment = {"HOME": str(folder), "RUNTIME__DLTHUB_TELEMETRY": "false", "LC_ALL": "C.UTF-8"}
    arguments = [str(PYTHON), "-P", str(_PROGRAM), str(file)]
    command = Command(arguments=arguments, environment=environment, limit_seconds=_LIMIT_SECONDS)
    return meter.measure(arena, command)


def forget(arena: Arena) -> None:
    """Before a round: what the peers remember of the databases that are gone."""
    shutil.rmtree(_state(arena), ignore_errors=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Load:
    """What dlt_pipeline.py reads."""

    strategy: str
    tables: Sequence[str]
    source: str
    destination: str
    dataset: str
    folder: str


def _state(arena: Arena) -> Path:
    return arena.installation.folder / "dlt"


def _url(arena: Arena, scheme: str, database: str) -> str:
    server, admin = arena.installation.server, arena.installation.admin
    return f"{scheme}://{quote(admin.username)}:{quote(admin.password)}@{server.host}:{server.port}/{database}"
