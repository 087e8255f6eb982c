"""Where an experiment takes place: a server of its own, with another model and another source than the rounds have."""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench import statements, tuned_server
from bench.arena import Arena
from bench.options import Kind
from datasurface import loader
from datasurface.demo.embedded import EmbeddedServer
from datasurface.demo.installation import Installation, install
from datasurface.errors import ModelError
from datasurface.yellow.engine.batch import run
from datasurface.yellow.engine.batch.run import RunRequest
from datasurface.yellow.engine.batch.run_result import RunResult
from datasurface.yellow.engine.control.control_tables import RevisionOutcome
from datasurface.yellow.engine.init.init_plan import DemoSource, InitPlan
from datasurface.yellow.engine.links import Links
from datasurface.yellow.engine.model_merge import model_apply
from datasurface.yellow.engine.roles import Roles
from datasurface.yellow.plan.ecosystem_plan import plan_ecosystem

_MODEL: Final = statements.FOLDER / "experiment_model"
_STRATEGIES: Final = {Kind.LIVE: "LIVE_ONLY", Kind.FORENSIC: "BATCH_MILESTONED"}
_GROUPS: Final = {Kind.LIVE: "LiveDSG", Kind.FORENSIC: "ForensicDSG"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a made-up dataset: `model_type` is the model's class with its numbers, `VarChar:20`."""

    name: str
    model_type: str
    sql_type: str
    is_key: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Landscape:
    """Datasets of one store, by name, on the platforms of `kinds`; `settings` are of the server, which starts anew."""

    datasets: Mapping[str, Sequence[Column]]
    kinds: Sequence[Kind]
    settings: Mapping[str, str] = field(default_factory=dict)
    run_budget_seconds: int = 0

    def source_ddl(self) -> str:
        """Statements that make the source's tables."""
        return "".join(_table_ddl(name, columns) for name, columns in self.datasets.items())


@contextmanager
def opened(landscape: Landscape) -> Iterator[Arena]:
    """Start a server, install, apply the model; everything goes at the end."""
    with tempfile.TemporaryDirectory(prefix="datasurface-bench-") as name, EmbeddedServer() as server:
        folder = Path(name)
        tuned_server.configure(server, landscape.settings)
        roles = Roles("")
        demo = DemoSource(ddl=landscape.source_ddl(), seed="", tables=tuple(landscape.datasets))
        plan = InitPlan(roles=roles, link_host=server.endpoint().host, link_port=server.port, demo=demo)
        installation = Installation(server=server.endpoint(), admin=server.login, plan=plan, folder=folder)
        loaded = loader.load(_written(landscape, folder / "model"))
        install(installation, loaded.ecosystem)
        outcome = model_apply.apply_revision(Links(installation.connections), loaded, None)
        if outcome.outcome is not RevisionOutcome.APPLIED:
            raise ModelError(
                f"an experiment's model is {outcome.outcome}: {[each.message for each in outcome.findings]}"
            )
        pid = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
        yield Arena(
            installation=installation,
            plan=plan_ecosystem(loaded.ecosystem, loaded.mapping),
            binaries=server.binaries,
            postmaster_pid=pid,
        )


def run_here(place: Arena, kind: Kind, *, in_full: bool = False) -> RunResult:
    """One look of the job in this process: what it does to the databases without the start of an interpreter."""
    stream = place.stream(kind.platform)
    request = RunRequest(platform=stream.platform, store=stream.store, budget_seconds=0, in_full=in_full)
    return run.run(request, Links(place.installation.connections), lambda _plan, _outcome: None)


def _table_ddl(name: str, columns: Sequence[Column]) -> str:
    lines = [f'"{column.name}" {column.sql_type}{" NOT NULL" if column.is_key else ""}' for column in columns]
    if key := [f'"{column.name}"' for column in columns if column.is_key]:
        lines.append(f"PRIMARY KEY ({', '.join(key)})")
    return f'CREATE TABLE IF NOT EXISTS "{name}" ({", ".join(lines)});\n'


def _written(landscape: Landscape, folder: Path) -> Path:
    """The experiments' model with these datasets and platforms, as a folder that the loader takes."""
    shutil.copytree(_MODEL, folder)
    document = {
        "datasets": {
            name: [[column.name, column.model_type, column.is_key] for column in columns]
            for name, columns in landscape.datasets.items()
        },
        "platforms": {kind.platform: _STRATEGIES[kind] for kind in landscape.kinds},
        "run_budget_seconds": landscape.run_budget_seconds,
    }
    (folder / "landscape.json").write_text(json.dumps(document), encoding="utf-8")
    mapping = [
        {
            "dsgName": _GROUPS[kind],
            "workspace": "Consumer1",
            "assignments": [{"dataPlatform": kind.platform, "status": "PROVISIONED"}],
        }
        for kind in landscape.kinds
    ]
    (folder / "dsg_platform_mapping.json").write_text(json.dumps(mapping), encoding="utf-8")
    return folder
