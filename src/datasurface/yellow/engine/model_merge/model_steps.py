"""The steps of a merge in the databases, in their order; `model_apply` decides whether they are taken.

First come additive steps, each a bounded transaction that may be repeated: roles, tables, columns, types, new views.
They leave what is deployed as it is, so that a merge that dies between them has changed nothing that anybody sees. Then
one short transaction makes the new revision true.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from itertools import islice
from typing import Final, TypeVar

from datasurface.yellow.engine import lock_waits, roles
from datasurface.yellow.engine.control import known_objects, migrate, plan_store, platform_store, revisions
from datasurface.yellow.engine.control.dag_store import DagChanges
from datasurface.yellow.engine.control.known_objects import Known
from datasurface.yellow.engine.control.plan_store import PlanChanges
from datasurface.yellow.engine.control.platform_store import StoredPlatform
from datasurface.yellow.engine.control.revisions import Decision
from datasurface.yellow.engine.lock_waits import Patience
from datasurface.yellow.engine.model_merge import wanted_objects
from datasurface.yellow.engine.model_merge.model_examination import Examination
from datasurface.yellow.engine.tables import table_sync
from datasurface.yellow.engine.tables.table_sync import Alteration, Creation
from datasurface.yellow.engine.views.view_facts import Views
from datasurface.yellow.engine.views.view_steps import ViewAction, ViewStep
from datasurface.yellow.engine.views.view_sync import ViewSync
from datasurface.yellow.plan import dag_config
from datasurface.yellow.plan.dag_config import DagRow
from datasurface.yellow.plan.ecosystem_plan import EcosystemPlan
from datasurface.yellow.plan.platforms import PlatformPlan
from datasurface.yellow.plan.streams import StreamPlan

T = TypeVar("T")
#: Each table takes about four locks of its own.
_TABLES_PER_STEP: Final = 50
_VIEWS_PER_STEP: Final = 100
_ROLES_PER_STEP: Final = 100


class MergeStep(StrEnum):
    """What a merge has just done; all before WRITTEN is committed and changes nothing that anybody sees."""

    ROLES = "roles and control tables are there"
    TABLES = "new tables are there"
    COLUMNS = "new columns and wider types are there"
    NEW_VIEWS = "new views are there, and nobody may read them"
    WRITTEN = "the revision is written and not committed"
    COMMITTED = "the revision is committed"


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeCounts:
    """What a merge really did; of tables the merge tables are counted, staging tables follow them."""

    tables_created: int = 0
    tables_altered: int = 0
    views: Mapping[ViewAction, int] = field(default_factory=lambda: dict.fromkeys(ViewAction, 0))
    streams_written: int = 0
    streams_removed: int = 0
    dags_written: int = 0
    dags_removed: int = 0
    is_recorded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelMerge:
    """A merge that nothing stands against; `decision` is what is recorded with it, `digest` is the model's.

    What is `known` to be right is left alone, and what the merge leaves as it should be is known from then on.
    The session is outside of a transaction and holds the locks of the merge and of the streams whose tables change.
    """

    sync: ViewSync
    plan: EcosystemPlan
    examined: Examination
    decision: Decision
    known: Known
    digest: str | None
    patience: Patience
    report: Callable[[MergeStep], None]

    def run(self) -> MergeCounts:
        """Take all steps. A TransientError says that something was not let go of in time."""
        self._transaction(self._make_platforms)
        for workspaces in _chunks(self._new_workspaces(), _ROLES_PER_STEP):
            self._transaction(partial(self._make_readers, workspaces))
        self.report(MergeStep.ROLES)
        for creations in _chunks(self.examined.tables.creations, _TABLES_PER_STEP):
            self._transaction(partial(self._make_tables, creations))
        self.report(MergeStep.TABLES)
        for alteration in self.examined.tables.alterations:
            self._transaction(partial(self._alter_table, alteration))
        self.report(MergeStep.COLUMNS)
        views = self._views_before()
        plans = self.examined.plans
        new = [step for step in self.sync.steps(plans, views) if step.action is ViewAction.CREATED]
        for made in _chunks(new, _VIEWS_PER_STEP):
            self._transaction(partial(self.sync.prepare, made))
        self.report(MergeStep.NEW_VIEWS)
        views = self._read_views() if new else views
        steps = self.sync.steps(plans, views)
        counts = self._transaction(partial(self._write, steps, views, frozenset(step.name for step in new)))
        self.report(MergeStep.COMMITTED)
        return counts

    def _make_platforms(self) -> None:
        session, schema, named = self.sync.session, self.sync.schema, self.sync.roles
        whole = roles.whole_platforms(session, schema, named)
        for platform in self.plan.platforms:
            if named.platform_tables(platform.platform_name) not in whole:
                roles.make_platform_role(session, schema, named, platform.platform_name)
            migrate.migrate_platform(session, platform, schema, named)

    def _new_workspaces(self) -> list[str]:
        """The workspaces whose roles are not there, or not as they should be."""
        there = roles.whole_readers(self.sync.session, self.sync.schema, self.sync.roles)
        self.sync.session.commit()
        return [workspace for workspace in self.plan.workspaces if self.sync.roles.reader(workspace) not in there]

    def _make_readers(self, workspaces: Sequence[str]) -> None:
        for workspace in workspaces:
            roles.make_reader_role(self.sync.session, self.sync.schema, self.sync.roles, workspace)

    def _make_tables(self, creations: Sequence[Creation]) -> None:
        for creation in creations:
            table_sync.create(self.sync.session, creation, self.sync.roles)
        self._remember_as_they_are([creation.ref.name for creation in creations])

    def _alter_table(self, alteration: Alteration) -> None:
        """Alter a table; views that a widened column is shown by come again just as they are deployed."""
        deployed = {view.name: view for stored in self.examined.stored.values() for view in stored.views}
        aside = self.examined.aside.get(alteration.ref.name, ())
        with self.sync.set_aside(aside, deployed, self.examined.views):
            table_sync.alter(self.sync.session, self.sync.schema, alteration)
        self._remember_as_they_are([alteration.ref.name])

    def _write(self, steps: Sequence[ViewStep], views: Views, made: frozenset[str]) -> MergeCounts:
        """The one transaction that makes the revision true; views come last, because that locks their readers out."""
        written = [self._write_platform(*each) for each in self._platforms() if not self._is_written(each[0])]
        counted = dict.fromkeys(ViewAction, 0)
        counted[ViewAction.UNCHANGED] = len(self.plan.views) - len(self.examined.plans)
        for step in steps:
            self.sync.take(step, views)
            counted[ViewAction.CREATED if step.name in made else step.action] += 1
        is_recorded = revisions.record(self.sync.session, self.sync.schema, self.decision)
        if self.known.is_kept:
            self._remember(steps, is_recorded=is_recorded)
        self.report(MergeStep.WRITTEN)
        tables = self.examined.tables
        return MergeCounts(
            tables_created=sum(creation.ref.is_merge for creation in tables.creations),
            tables_altered=sum(alteration.ref.is_merge for alteration in tables.alterations),
            views=counted,
            streams_written=sum(len(plans.written) for plans, _ in written),
            streams_removed=sum(len(plans.removed) for plans, _ in written),
            dags_written=sum(len(dags.written) for _, dags in written),
            dags_removed=sum(len(dags.removed) for _, dags in written),
            is_recorded=is_recorded,
        )

    def _write_platform(
        self, settings: PlatformPlan, streams: Sequence[StreamPlan], rows: Sequence[DagRow]
    ) -> tuple[PlanChanges, DagChanges]:
        session, schema = self.sync.session, self.sync.schema
        plans = plan_store.write(session, schema, settings.platform, streams, revision=self.decision.revision)
        views = tuple(view for view in self.plan.views if view.platform == settings.platform)
        known = self.examined.stored.get(settings.platform_name)
        databases = {view.consumer_database for view in views if view.consumer_database is not None}
        databases |= set() if known is None else set(known.consumer_databases)
        stored = StoredPlatform(settings=settings, views=views, consumer_databases=tuple(sorted(databases)))
        return plans, platform_store.write(session, schema, stored, rows)

    def _is_written(self, settings: PlatformPlan) -> bool:
        """Whether all that is written of a platform is known to be there already."""
        return self.known.rows.get(known_objects.rows_of(settings.platform_name)) == self._rows_of(settings)

    def _rows_of(self, settings: PlatformPlan) -> tuple[str, str]:
        """How the rows of a platform shall be, and how they look."""
        session, schema = self.sync.session, self.sync.schema
        address = (session.endpoint.host, session.endpoint.port, session.endpoint.database)
        wanted = wanted_objects.of_platform_rows(self.plan, address)
        return wanted, known_objects.found_rows(session, schema, settings.platform_name, settings.control)

    def _remember(self, steps: Sequence[ViewStep], *, is_recorded: bool) -> None:
        """Know what is right now: what was found so, what was done, and the rows that were written."""
        session, schema = self.sync.session, self.sync.schema
        known_objects.remember(session, schema, self.examined.wanted, self.examined.right)
        self._remember_as_they_are(
            [each.name for each in steps if each.plan and each.action is not ViewAction.UNCHANGED]
        )
        rows = {known_objects.rows_of(each[0].platform_name): self._rows_of(each[0]) for each in self._platforms()}
        deployed = known_objects.found_deployed(session, schema)
        if is_recorded and self.digest is not None and deployed is not None:
            rows[known_objects.DEPLOYED_ROW] = (self.digest, deployed)
        new = {name: pair for name, pair in rows.items() if self.known.rows.get(name) != pair}
        wanted = {name: pair[0] for name, pair in new.items()}
        known_objects.remember(session, schema, wanted, {name: pair[1] for name, pair in new.items()})
        known_objects.forget(
            session, schema, (self.known.others | self.known.intact.keys()) - self.examined.wanted.keys()
        )

    def _remember_as_they_are(self, changed: Sequence[str]) -> None:
        """Know objects that this transaction has changed, and that nobody else can change before its end."""
        if self.known.is_kept:
            found = known_objects.found(self.sync.session, self.sync.schema, changed)
            known_objects.remember(self.sync.session, self.sync.schema, self.examined.wanted, found)

    def _platforms(self) -> Iterator[tuple[PlatformPlan, Sequence[StreamPlan], Sequence[DagRow]]]:
        """Every platform with its streams and DAG rows, also one that left the model: it has none."""
        address = self.sync.session.endpoint
        rows = dag_config.at_address(self.plan.dags, host=address.host, port=address.port, database=address.database)
        for platform in self.plan.platforms:
            yield (
                platform,
                [stream for stream in self.plan.streams if stream.platform == platform.platform],
                [row for row in rows if row.platform_name == platform.platform_name],
            )
        present = {platform.platform_name for platform in self.plan.platforms}
        for name, stored in self.examined.stored.items():
            if name not in present:
                yield stored.settings, (), ()

    def _views_before(self) -> Views:
        """The views as they are now; those that were set aside have come again and are no longer what was examined."""
        return self._read_views() if any(self.examined.aside.values()) else self.examined.views

    def _read_views(self) -> Views:
        views = self.sync.read(self.examined.view_names, only_named=self.known.is_kept)
        self.sync.session.commit()
        return views

    def _transaction(self, work: Callable[[], T]) -> T:
        return lock_waits.transaction(self.sync.session, work, self.patience)


def _chunks(elements: Iterable[T], size: int) -> Iterator[list[T]]:
    remaining = iter(elements)
    while chunk := list(islice(remaining, size)):
        yield chunk
