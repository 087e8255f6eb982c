"""The merge database of a test as the model merge would leave it before any table or view: roles and control tables."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg2 import sql

from datasurface.dsl import MilestoneStrategy
from datasurface.yellow.engine import columns, roles
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.control import migrate
from datasurface.yellow.engine.lock_waits import Patience
from datasurface.yellow.engine.tables import table_sync
from datasurface.yellow.engine.tables.table_sync import TableChanges
from datasurface.yellow.engine.views.view_reconcile import Reconciliation, ViewReconcile
from datasurface.yellow.engine.views.view_sync import ViewSync
from datasurface.yellow.plan import names
from datasurface.yellow.plan.platforms import PlatformPlan, control_tables
from datasurface.yellow.plan.streams import StreamPlan
from datasurface.yellow.plan.views import ViewColumn, ViewKind, ViewPlan
from tests.db.installation import Installation
from tests.db.streams import PLATFORMS, SCHEMA

WORKSPACE = "Consumer1"


@dataclass(kw_only=True)
class Deployment:
    """The merge database through the model merge's own login; what it writes is committed."""

    installation: Installation
    session: Session = field(init=False)

    def __post_init__(self) -> None:
        self.session = self.installation.session("apply")
        for strategy, platform in PLATFORMS.items():
            settings = platform_plan(platform, strategy)
            roles.make_platform_role(self.session, SCHEMA, self.installation.roles, settings.platform_name)
            migrate.migrate_platform(self.session, settings, SCHEMA, self.installation.roles)
        roles.make_reader_role(self.session, SCHEMA, self.installation.roles, WORKSPACE)
        self.session.commit()

    @property
    def view_sync(self) -> ViewSync:
        return ViewSync(session=self.session, schema=SCHEMA, roles=self.installation.roles)

    def examined(self, *streams: StreamPlan) -> TableChanges:
        """What the streams' tables need."""
        changes = table_sync.examine(self.session, SCHEMA, streams, self.installation.roles)
        self.session.rollback()
        return changes

    def synced(self, *streams: StreamPlan) -> TableChanges:
        """Bring the streams' tables to their plans; returns what that took."""
        changes = self.examined(*streams)
        assert not changes.problems
        for creation in changes.creations:
            table_sync.create(self.session, creation, self.installation.roles)
        for alteration in changes.alterations:
            table_sync.alter(self.session, SCHEMA, alteration)
        self.session.commit()
        return changes

    def reconciled(self, *views: ViewPlan, platform_name: str | None = None, seconds: float = 0.0) -> Reconciliation:
        """Bring the views to these plans."""
        reconcile = ViewReconcile(sync=self.view_sync, patience=Patience.of_seconds(seconds))
        return reconcile.to(views, platform_name=platform_name)

    def query(self, text: str, *tables: str, who: str = "admin") -> list[tuple[Any, ...]]:
        """Rows of a query in the merge database; `{}` are tables of its schema."""
        with self.installation.session(who, "merge") as session, session.raw.cursor() as cursor:
            cursor.execute(sql.SQL(text).format(*[sql.Identifier(SCHEMA, name) for name in tables]))
            return cursor.fetchall() if cursor.description else []

    def execute(self, text: str, *tables: str) -> None:
        """Run statements in the merge database as a superuser and commit; `{}` are tables of its schema."""
        with self.installation.session("admin") as session:
            with session.raw.cursor() as cursor:
                cursor.execute(sql.SQL(text).format(*[sql.Identifier(SCHEMA, name) for name in tables]))
            session.commit()

    def column_types(self, table: str) -> dict[str, str]:
        """Names and types of a relation's columns in their order."""
        facts = columns.read(self.session, SCHEMA, [table]).get(table, {})
        self.session.rollback()
        return {name: fact.sql_type for name, fact in facts.items()}


def platform_plan(platform: str, strategy: MilestoneStrategy) -> PlatformPlan:
    """A platform's settings."""
    return PlatformPlan(
        platform=platform,
        platform_name=names.platform_name(platform),
        strategy=strategy,
        control=control_tables(platform),
        merge_container="merge_db",
        merge_host="nowhere",
        merge_port=1,
        merge_database="none",
        infrastructure_schedule="@daily",
        retention_days=30,
    )


def view_plans(stream: StreamPlan, workspace: str = WORKSPACE, **changes: Any) -> Sequence[ViewPlan]:
    """The views that a workspace has of every dataset of a stream; of a forensic one also the history."""
    is_forensic = stream.strategy is MilestoneStrategy.BATCH_MILESTONED
    kinds = [ViewKind.CURRENT, ViewKind.HISTORY] if is_forensic else [ViewKind.CURRENT]
    group = "ForensicDSG" if is_forensic else "LiveDSG"
    name_of = {ViewKind.CURRENT: names.view, ViewKind.HISTORY: names.history_view}
    return [
        ViewPlan(
            name=name_of[kind](stream.platform, workspace, group, table.dataset),
            kind=kind,
            platform=stream.platform,
            workspace=workspace,
            group=group,
            store=stream.store,
            dataset=table.dataset,
            is_forensic=is_forensic,
            merge_table=table.merge_table,
            batch_metrics=stream.control.batch_metrics,
            stream_key=stream.stream_key,
            columns=[ViewColumn(name=column.name, sql_type=column.sql_type) for column in table.columns],
            **changes,
        )
        for table in stream.tables
        for kind in kinds
    ]
