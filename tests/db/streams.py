"""A stream of its own for one test: source tables as the test writes them, a plan made from columns, runs and rows."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from psycopg2 import sql

from datasurface.dsl import Consistency, MilestoneStrategy
from datasurface.yellow.engine import ddl, roles
from datasurface.yellow.engine.batch import run
from datasurface.yellow.engine.batch.looking import LookOutcome
from datasurface.yellow.engine.batch.run import RunRequest
from datasurface.yellow.engine.batch.run_result import RunResult
from datasurface.yellow.engine.control import migrate, plan_store, platform_store
from datasurface.yellow.engine.control.platform_store import StoredPlatform
from datasurface.yellow.engine.links import Links
from datasurface.yellow.engine.tables import merge_tables, table_metadata
from datasurface.yellow.plan import names
from datasurface.yellow.plan.platforms import PlatformPlan, control_tables
from datasurface.yellow.plan.streams import SourcePlan, StreamPlan
from datasurface.yellow.plan.tables import BATCH_IN, BATCH_OUT, OPEN_BATCH, ColumnPlan, TablePlan
from tests.db.installation import Installation

SCHEMA = "public"
STORE = "Store1"
PLATFORMS = {MilestoneStrategy.LIVE_ONLY: "YellowLive", MilestoneStrategy.BATCH_MILESTONED: "YellowForensic"}


def column(name: str, sql_type: str = "text", **facts: Any) -> ColumnPlan:
    """A column of a plan; `is_key=True` makes it of the key and required."""
    return ColumnPlan(
        name=name, sql_type=sql_type, is_required=facts.pop("is_required", facts.get("is_key", False)), **facts
    )


def table(dataset: str, *columns: ColumnPlan, platform: str = "YellowLive") -> TablePlan:
    """The plan of a dataset of the same name as its source table."""
    return TablePlan(
        dataset=dataset,
        source_table=dataset,
        merge_table=names.merge_table(platform, STORE, dataset),
        staging_table=names.staging_table(platform, STORE, dataset),
        columns=columns,
    )


def plan(strategy: MilestoneStrategy, *tables: TablePlan, **changes: Any) -> StreamPlan:
    """The plan of a stream of all `tables` together, or, with `dataset`, of a stream of that one."""
    platform = PLATFORMS[strategy]
    dataset = changes.pop("dataset", None)
    own = [replace(each, **_own_names(platform, each.dataset)) for each in tables]
    text = repr([(each.dataset, each.columns) for each in own])
    made = StreamPlan(
        platform=platform,
        platform_name=names.platform_name(platform),
        stream_key=names.stream_key(STORE, dataset),
        store=STORE,
        dataset=dataset,
        consistency=Consistency.SINGLE_DATASET if dataset else Consistency.MULTI_DATASET,
        strategy=strategy,
        control=control_tables(platform),
        source=SourcePlan(
            container="customer_db",
            host="nowhere",
            port=1,
            database="none",
            schema=SCHEMA,
            credential="customer_reader",
        ),
        job_credential=None,
        run_budget_seconds=0,
        look_interval_seconds=1,
        store_hashes=False,
        latency_seconds=60,
        tables=own,
        schema_hash=hashlib.sha256(text.encode()).hexdigest(),
    )
    return replace(made, **changes)


def _own_names(platform: str, dataset: str) -> dict[str, str]:
    return {
        "merge_table": names.merge_table(platform, STORE, dataset),
        "staging_table": names.staging_table(platform, STORE, dataset),
    }


@dataclass(kw_only=True)
class Stream:
    """A deployed stream of a test's installation."""

    installation: Installation
    plan: StreamPlan
    outcomes: list[LookOutcome] = field(default_factory=list)

    @property
    def is_forensic(self) -> bool:
        return self.plan.strategy is MilestoneStrategy.BATCH_MILESTONED

    @property
    def links(self) -> Links:
        return Links(self.installation.connections, application_name="test job")

    def request(self, **changes: Any) -> RunRequest:
        return RunRequest(platform=self.plan.platform, store=self.plan.store, dataset=self.plan.dataset, **changes)

    def run(self, *, links: Links | None = None, **changes: Any) -> RunResult:
        """Run the stream once, in this process; keeps what each look did in `outcomes`."""
        return run.run(self.request(**changes), links or self.links, lambda _, outcome: self.outcomes.append(outcome))

    def batch(self, batch_id: int) -> dict[str, Any] | None:
        """A row of the batch table."""
        rows = self.query(
            "SELECT * FROM {} WHERE key = %s AND batch_id = %s",
            self.plan.control.batch_metrics,
            parameters=[self.plan.stream_key, batch_id],
        )
        return rows[0] if rows else None

    def counter(self) -> dict[str, Any]:
        """The stream's row of the counter."""
        return self.query(
            "SELECT * FROM {} WHERE key = %s", self.plan.control.batch_counter, parameters=[self.plan.stream_key]
        )[0]

    def rows(self, dataset: str | None = None) -> list[tuple[Any, ...]]:
        """The present rows of a dataset in the plan's columns, sorted as text."""
        tables = self.tables(dataset)
        columns = [each.name for each in tables.plan.columns]
        where = (
            sql.SQL("{} = {}").format(sql.Identifier(BATCH_OUT), sql.Literal(OPEN_BATCH))
            if self.is_forensic
            else sql.SQL("true")
        )
        return sorted((tuple(row[name] for name in columns) for row in self._select(tables, where)), key=repr)

    def history(self, dataset: str | None = None) -> list[tuple[Any, ...]]:
        """All versions of a dataset: batch in, batch out (None: open), then the plan's columns."""
        tables = self.tables(dataset)
        columns = [each.name for each in tables.plan.columns]
        rows = self._select(tables, sql.SQL("true"))
        versions = [
            (row[BATCH_IN], None if row[BATCH_OUT] == OPEN_BATCH else row[BATCH_OUT], *(row[c] for c in columns))
            for row in rows
        ]
        return sorted(versions, key=repr)

    def tables(self, dataset: str | None = None) -> merge_tables.MergeTables:
        """The tables of a dataset, of the only one if none is named."""
        found = [each for each in merge_tables.of_stream(self.plan, SCHEMA) if dataset in (None, each.plan.dataset)]
        return found[0]

    def source(self, *statements: str) -> None:
        """Run statements in the source database, in one transaction."""
        with self.installation.session("admin", "source") as session:
            with session.raw.cursor() as cursor:
                cursor.execute("SET search_path = public")
                for statement in statements:
                    cursor.execute(statement)
            session.commit()

    def query(self, text: str, *tables: str, parameters: Sequence[Any] | None = None) -> list[dict[str, Any]]:
        """Rows of a query in the merge database; `{}` are tables of it."""
        places = [sql.Identifier(SCHEMA, name) for name in tables]
        return self._fetched(sql.SQL(text).format(*places), parameters)

    def execute(self, statement: sql.Composable) -> None:
        """Run a statement in the merge database as a superuser, in a transaction of its own."""
        with self.installation.session("admin") as session:
            with session.raw.cursor() as cursor:
                cursor.execute(statement)
            session.commit()

    def redeploy(self, plan: StreamPlan) -> None:
        """Store another plan of the same stream; its tables are the test's matter."""
        self.plan = plan
        with self.installation.session("admin") as session:
            plan_store.write(session, SCHEMA, plan.platform, [plan], revision="dir-000000000002")
            session.commit()

    def _select(self, tables: merge_tables.MergeTables, where: sql.Composable) -> list[dict[str, Any]]:
        return self._fetched(sql.SQL("SELECT * FROM {} WHERE {}").format(tables.merge, where), None)

    def _fetched(self, query: sql.Composable, parameters: Sequence[Any] | None) -> list[dict[str, Any]]:
        with self.installation.session("admin") as session, session.raw.cursor() as cursor:
            cursor.execute(query, parameters)
            header = [each.name for each in cursor.description or ()]
            return [dict(zip(header, row, strict=True)) for row in cursor.fetchall()]


def deploy(installation: Installation, stream: StreamPlan, *source: str) -> Stream:
    """Make the source tables by `source` and the stream's own tables and plan; the job owns them."""
    deployed = Stream(installation=installation, plan=stream)
    grant = f'GRANT SELECT ON ALL TABLES IN SCHEMA public TO "{installation.roles.customer_reader}"'
    default = (
        f'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO "{installation.roles.customer_reader}"'
    )
    deployed.source(default, *source, grant)
    with installation.session("admin") as session:
        with session.raw.cursor() as cursor:
            cursor.execute(
                sql.SQL("GRANT CREATE, USAGE ON SCHEMA public TO {}").format(sql.Identifier(installation.roles.job))
            )
        migrate.migrate_common(session, SCHEMA)
        with roles.acting_as(session, installation.roles.job):
            pass
        migrate.migrate_platform(session, _platform(stream), SCHEMA)
        platform_store.write(session, SCHEMA, StoredPlatform(settings=_platform(stream), views=()), ())
        plan_store.write(session, SCHEMA, stream.platform, [stream], revision="dir-000000000001")
        for tables in merge_tables.of_stream(stream, SCHEMA):
            ddl.create(session, table_metadata.of_merge(tables))
            ddl.create(session, table_metadata.of_staging(tables))
        _hand_over(session, stream, installation.roles.job)
        session.commit()
    return deployed


def _hand_over(session: Any, stream: StreamPlan, owner: str) -> None:
    control = stream.control
    owned = [control.batch_counter, control.batch_metrics]
    owned += [name for each in stream.tables for name in (each.merge_table, each.staging_table)]
    with session.raw.cursor() as cursor:
        for name in owned:
            cursor.execute(
                sql.SQL("ALTER TABLE {} OWNER TO {}").format(sql.Identifier(SCHEMA, name), sql.Identifier(owner))
            )
        for name in (control.stream_plan, names.PLATFORM_TABLE):
            cursor.execute(
                sql.SQL("GRANT SELECT ON {} TO {}").format(sql.Identifier(SCHEMA, name), sql.Identifier(owner))
            )


def _platform(stream: StreamPlan) -> PlatformPlan:
    return PlatformPlan(
        platform=stream.platform,
        platform_name=stream.platform_name,
        strategy=stream.strategy,
        control=stream.control,
        merge_container="merge_db",
        merge_host="nowhere",
        merge_port=1,
        merge_database="none",
        infrastructure_schedule="@daily",
        retention_days=30,
    )
