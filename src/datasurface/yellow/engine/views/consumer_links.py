"""Foreign tables in a consumers' database, and the views of the same names as in the merge database on top of them.

A foreign table has the columns of the view behind it, with its collations, because both servers may sort. It changes in
one transaction with the view on it. Nothing here knows which databases there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from psycopg2 import sql

from datasurface.errors import DatasurfaceError
from datasurface.yellow.engine import columns, database_errors, lock_waits, queries, sql_types
from datasurface.yellow.engine.columns import ColumnFact, RelationKind
from datasurface.yellow.engine.init.link_steps import LINK_SERVER
from datasurface.yellow.engine.lock_waits import Patience
from datasurface.yellow.engine.roles import acting_as
from datasurface.yellow.engine.views import view_statements, view_steps
from datasurface.yellow.engine.views.view_facts import ViewFact, Views
from datasurface.yellow.engine.views.view_reconcile import Reconciliation, ViewResult
from datasurface.yellow.engine.views.view_steps import ViewAction, ViewStep
from datasurface.yellow.engine.views.view_sync import ViewSync
from datasurface.yellow.plan import names
from datasurface.yellow.plan.views import ViewPlan

_STATEMENTS: Final = queries.load("consumer_views.sql")


def link_table(view_name: str) -> str:
    """The foreign table behind a view."""
    return names.dependent(view_name, "_link")


def create_view(plan: ViewPlan, names_in_order: Sequence[str], schema: str) -> sql.Composed:
    """The statement that makes the view of a foreign table, or replaces it in place."""
    return _STATEMENTS["create_view"].format(
        view=view_statements.place(plan.name, schema),
        columns=sql.SQL(", ").join(map(sql.Identifier, names_in_order)),
        link=sql.Identifier(schema, link_table(plan.name)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerLinks:
    """Views and foreign tables of one consumers' database; `remote` are the columns of the views behind them."""

    sync: ViewSync
    merge_schema: str
    remote: columns.Columns
    patience: Patience

    def to(self, plans: Sequence[ViewPlan], platform_name: str | None) -> Reconciliation:
        views = self.sync.read(plan.name for plan in plans)
        steps = self.sync.steps(plans, views, platform_name=platform_name)
        local = columns.read(self.sync.session, self.sync.schema, [link_table(step.name) for step in steps])
        steps = [self._judged(step, local.get(link_table(step.name), {})) for step in steps]
        dependents = self.sync.dependents(step.name for step in steps if step.drops)
        self.sync.session.commit()
        results = []
        for step in steps:
            reason = step.problem or view_steps.strangers(step.name, dependents)
            link = local.get(link_table(step.name), {})
            results.append(self._result(step, views, link, reason))
        return Reconciliation(results=results)

    def _judged(self, step: ViewStep, link: Mapping[str, ColumnFact]) -> ViewStep:
        """The step, with what the foreign table behind the view needs."""
        if step.plan is None or step.problem is not None:
            return step
        remote = self.remote.get(step.name, {})
        if any(fact.relation_kind is not RelationKind.FOREIGN_TABLE for fact in link.values()):
            return replace(
                step, action=ViewAction.FAILED, problem=f"{link_table(step.name)} is no foreign table of ours"
            )
        fits = all(name in remote and _is_alike(fact, remote[name]) for name, fact in link.items())
        is_whole = fits and link.keys() == remote.keys()
        action = ViewAction.UPDATED if step.action is ViewAction.UNCHANGED and not is_whole else step.action
        return replace(step, action=action, is_in_place=step.is_in_place and fits)

    def _result(self, step: ViewStep, views: Views, link: Mapping[str, ColumnFact], reason: str | None) -> ViewResult:
        if reason is None and step.action is not ViewAction.UNCHANGED:
            try:
                lock_waits.transaction(self.sync.session, partial(self._take, step, views, link), self.patience)
            except DatasurfaceError as error:
                if self.sync.session.raw.closed:
                    raise
                reason = str(error)
        if reason is not None:
            return ViewResult(name=step.name, action=ViewAction.FAILED, reason=reason)
        return ViewResult(name=step.name, action=step.action)

    def _take(self, step: ViewStep, views: Views, link: Mapping[str, ColumnFact]) -> None:
        plan, fact = step.plan, step.fact
        if plan is None:
            self.sync.take(step, views)
            self._drop_link(step.name)
        elif fact is not None and step.is_in_place:
            self._extend_link(step.name, link)
            self.sync.take(step, views)
        elif fact is None:
            self._drop_link(step.name)
            self._create_link(step.name)
            self.sync.take(step, views)
        else:
            self._remake(plan, fact, views)

    def _remake(self, plan: ViewPlan, fact: ViewFact, views: Views) -> None:
        with self.sync.set_aside([fact], {plan.name: plan}, views):
            self._drop_link(plan.name)
            self._create_link(plan.name)

    def _create_link(self, view_name: str) -> None:
        listed = sql.SQL(", ").join(map(_column, self.remote.get(view_name, {}).values()))
        self._run(
            "create_link",
            view_name,
            columns=listed,
            server=sql.Identifier(LINK_SERVER),
            remote_schema=sql.Literal(self.merge_schema),
            remote_view=sql.Literal(view_name),
        )

    def _extend_link(self, view_name: str, link: Mapping[str, ColumnFact]) -> None:
        new = [fact for name, fact in self.remote.get(view_name, {}).items() if name not in link]
        if new:
            added = sql.SQL(", ").join(sql.SQL("ADD COLUMN {}").format(_column(fact)) for fact in new)
            self._run("extend_link", view_name, columns=added)

    def _drop_link(self, view_name: str) -> None:
        self._run("drop_link", view_name)

    def _run(self, statement: str, view_name: str, **places: sql.Composable) -> None:
        link = link_table(view_name)
        with (
            database_errors.reporting(f"{statement.replace('_', ' ')} {link}"),
            acting_as(self.sync.session, self.sync.roles.views),
            self.sync.session.raw.cursor() as cursor,
        ):
            place = sql.Identifier(self.sync.schema, link)
            cursor.execute(_STATEMENTS[statement].format(link=place, **places))


def _column(fact: ColumnFact) -> sql.Composed:
    collation: sql.Composable = sql.SQL("")
    if fact.collation not in (None, "default"):
        collation = sql.SQL(" COLLATE {}").format(sql.Identifier("pg_catalog", str(fact.collation)))
    return sql.SQL("{} {}{}").format(sql.Identifier(fact.name), sql_types.of_catalogue(fact.sql_type), collation)


def _is_alike(local: ColumnFact, remote: ColumnFact) -> bool:
    return (local.sql_type, local.collation) == (remote.sql_type, remote.collation)
