"""How long a model of a thousand stores takes: to be planned, to be applied unchanged, and with one dataset changed.

The server has PostgreSQL's own lock table, 64 × 100: a first apply that finishes has fitted into it.
"""

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bench import findings, large_model, meter, statements, targets, tuned_server
from bench.arena import Arena
from bench.findings import Findings, Goal
from bench.large_model import Size
from bench.meter import Command, Reading
from bench.options import Options
from datasurface import loader
from datasurface.demo.embedded import EmbeddedServer
from datasurface.demo.installation import Installation, install
from datasurface.errors import ModelError
from datasurface.yellow.engine.init.init_plan import DemoSource, InitPlan
from datasurface.yellow.engine.roles import Roles
from datasurface.yellow.plan.ecosystem_plan import plan_ecosystem

NAME: Final = "model-scale"
_FULL: Final = Size(stores=1_000, datasets=40)
_SMOKE: Final = Size(stores=4, datasets=10)
_SETTINGS: Final = {"max_connections": "100", "max_locks_per_transaction": "64"}
_MIB: Final = 1024 * 1024


def goals() -> dict[str, Goal]:
    """Times without another word are wall seconds; the whole command of a change is longer by load, lint and plan."""
    return {
        "planned": Goal(name="1,000 stores: load, lint, plan", limit=15, unit=" s"),
        "memory": Goal(name="1,000 stores: memory of load, lint, plan", limit=1536, unit=" MiB"),
        "unchanged": Goal(name="1,000 stores: apply of the unchanged model", limit=10, unit=" s"),
        "changed": Goal(name="1,000 stores: apply of one changed dataset after its plan", limit=5, unit=" s"),
    }


def measured(options: Options) -> Findings:
    """Plan, apply for the first time, apply unchanged twice, apply with one dataset changed."""
    size = _FULL if findings.is_full(options) else _SMOKE
    with tempfile.TemporaryDirectory(prefix="datasurface-bench-") as name, EmbeddedServer() as server:
        folder = Path(name)
        tuned_server.configure(server, _SETTINGS)
        place = _place(server, folder)
        model = large_model.write(folder / "model", size)
        planned = _taken(place, [sys.executable, "-m", "bench.planned", str(model)])
        readings = {"planned": planned}
        for step in ("first", "settled", "unchanged"):
            readings[step] = _applied(place, model)
        large_model.write(model, Size(stores=size.stores, datasets=size.datasets, changed=1))
        readings["changed"] = _applied(place, model)
    values = {
        "planned": planned.wall_seconds,
        "memory": planned.tree_bytes / _MIB,
        "unchanged": float(json.loads(readings["unchanged"].log)["seconds"]),
        "changed": max(0.0, readings["changed"].wall_seconds - planned.wall_seconds),
    }
    return Findings(
        experiment=NAME,
        targets=[goal.judged(options, targets.spread([values[key]])) for key, goal in goals().items()],
        measurements=[_row(step, size, reading) for step, reading in readings.items()],
    )


def _place(server: EmbeddedServer, folder: Path) -> Arena:
    """An installation without a source: nothing is read here."""
    demo = DemoSource(ddl="CREATE TABLE IF NOT EXISTS nothing ();", seed="", tables=("nothing",))
    plan = InitPlan(roles=Roles(""), link_host=server.endpoint().host, link_port=server.port, demo=demo)
    installation = Installation(server=server.endpoint(), admin=server.login, plan=plan, folder=folder)
    tiny = loader.load(large_model.write(folder / "tiny", Size(stores=1, datasets=1)))
    install(installation, tiny.ecosystem)
    pid = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
    return Arena(
        installation=installation,
        plan=plan_ecosystem(tiny.ecosystem, tiny.mapping),
        binaries=server.binaries,
        postmaster_pid=pid,
    )


def _applied(place: Arena, model: Path) -> Reading:
    return _taken(place, [str(Path(sys.executable).with_name("datasurface")), "model", "apply", str(model), "--json"])


def _taken(place: Arena, arguments: list[str]) -> Reading:
    environment = {
        "DATASURFACE_CONNECTIONS": str(place.installation.connections_path),
        "PYTHONPATH": str(statements.FOLDER.parent),
    }
    reading = meter.measure(place, Command(arguments=arguments, environment=environment))
    if reading.exit_status != 0:
        raise ModelError(f"{' '.join(arguments[1:4])} ended with status {reading.exit_status}: {reading.log[-500:]}")
    return reading


def _row(step: str, size: Size, reading: Reading) -> Mapping[str, Any]:
    return {
        "experiment": NAME,
        "step": step,
        "stores": size.stores,
        "datasets": size.stores * size.datasets,
        "wall_seconds": round(reading.wall_seconds, 3),
        "client_cpu_seconds": round(reading.client_cpu_seconds, 3),
        "server_cpu_seconds": reading.server_cpu_seconds,
        "largest_process_bytes": reading.largest_process_bytes,
        "tree_bytes": reading.tree_bytes,
        "wal_bytes": reading.wal_bytes,
    }
