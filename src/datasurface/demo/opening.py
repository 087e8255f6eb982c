"""The first steps: a server, a model without findings, databases and roles, and a source with rows."""

from collections.abc import Callable, Mapping
from typing import Final

from psycopg2 import sql

from datasurface.demo import deployment, statements
from datasurface.demo.customers_source import CustomersSource
from datasurface.demo.flights_source import FlightsSource
from datasurface.demo.installation import Installation, install
from datasurface.demo.records import ModelRead, ServerStarted, SourceMade
from datasurface.demo.source import ChangingSource
from datasurface.demo.stage import SCHEMA, Stage
from datasurface.errors import ModelError
from datasurface.lint.check import check
from datasurface.loader import load
from datasurface.model.datastores import Datastore
from datasurface.yellow.engine.difference.delta import Counts
from datasurface.yellow.engine.init.init_plan import InitPlan
from datasurface.yellow.engine.roles import Roles
from datasurface.yellow.plan import findings as physical_names

_QUERIES: Final = statements.load("tour.sql")

#: The sources that the tour can play, by the container that a model names.
SOURCES: Final[Mapping[str, Callable[[Datastore, Stage], ChangingSource]]] = {
    "customer_db": lambda _, stage: CustomersSource(seed=stage.options.seed, changes=stage.options.changes),
    "flights_db": lambda store, stage: FlightsSource(store=store, seed=stage.options.seed),
}


def start_server(stage: Stage) -> ServerStarted:
    """Make and start the server, with a folder for what the installation needs."""
    stage.server.create()
    stage.server.start()
    (stage.server.folder / "demo").mkdir(mode=0o700)
    return ServerStarted(version=stage.server.version, folder=stage.server.folder)


def read_model(stage: Stage) -> ModelRead:
    """Load the model in a process of its own, check it, and choose the source that it describes."""
    stage.model = load(stage.options.model)
    ecosystem, mapping = stage.model.ecosystem, stage.model.mapping
    report = check(ecosystem, mapping, stage.model.mapping_findings)
    errors = [*report.errors, *physical_names.findings(ecosystem, mapping)]
    deployment.refuse_findings(errors, stage.options.model)
    stage.source = _source(stage)
    return ModelRead(
        ecosystem=ecosystem.name,
        stores=sum(1 for _ in ecosystem.stores()),
        datasets=sum(1 for _ in ecosystem.datasets()),
        platforms=len(ecosystem.data_platforms),
        workspaces=sum(1 for _ in ecosystem.workspaces()),
        findings=len(report.findings),
    )


def make_source(stage: Stage) -> SourceMade:
    """Make databases, roles and the source by the code of `datasurface init`, then load what no script holds."""
    tables = stage.source.tables
    server = stage.server.endpoint()
    plan = InitPlan(roles=Roles(), link_host=server.host, link_port=server.port, demo=tables)
    stage.installation = Installation(
        server=server, admin=stage.server.login, plan=plan, folder=stage.server.folder / "demo"
    )
    install(stage.installation, stage.model.ecosystem)
    stage.source.fill(stage.installation, stage.progress)
    rows = _row_counts(stage)
    stage.expected = {table: Counts(inserted=count, total=count) for table, count in rows.items()}
    return SourceMade(rows=rows)


def _source(stage: Stage) -> ChangingSource:
    stores = [store for _, store in stage.model.ecosystem.stores()]
    known = [store for store in stores if store.capture.container.name in SOURCES]
    if len(stores) != 1 or len(known) != 1:
        containers = sorted({store.capture.container.name for store in stores})
        raise ModelError(
            f"the tour has no data for this model: its stores are captured from {', '.join(containers) or 'nowhere'}",
            fix=f"Take a model with one store, captured from one of {', '.join(SOURCES)}",
        )
    return SOURCES[known[0].capture.container.name](known[0], stage)


def _row_counts(stage: Stage) -> dict[str, int]:
    counts = {}
    with stage.source_session() as session, session.raw.cursor() as cursor:
        for table in stage.source.tables.tables:
            cursor.execute(_QUERIES["count_rows"].format(table=sql.Identifier(SCHEMA, table)))
            counts[table] = int((cursor.fetchone() or (0,))[0])
    return counts
