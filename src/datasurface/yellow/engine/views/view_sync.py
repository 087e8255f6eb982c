"""Changes the views of a database, each in the caller's transaction; what to change `view_steps` decides.

A view is replaced in place wherever PostgreSQL allows it, so that whoever reads it never misses it; else it is dropped
and made anew. Only views that are ours are touched (docs/design/20261121-views.md). Nothing here commits.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import psycopg2
from psycopg2 import sql

from datasurface.errors import StateError
from datasurface.yellow.engine import database_errors, queries
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.roles import Roles, acting_as
from datasurface.yellow.engine.views import view_facts, view_grants, view_statements, view_steps
from datasurface.yellow.engine.views.view_facts import Dependent, ViewFact, Views
from datasurface.yellow.engine.views.view_grants import GrantChanges
from datasurface.yellow.engine.views.view_statements import CreateView
from datasurface.yellow.engine.views.view_steps import Deciding, ViewAction, ViewStep
from datasurface.yellow.plan.views import ViewPlan

_STATEMENTS: Final = queries.load("views.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewSync:
    """The views of one schema of a database, through a session that may act as their owner.

    `create` says how a view is made; by default over the merge tables beside it.
    """

    session: Session
    schema: str
    roles: Roles
    create: CreateView = view_statements.create

    @property
    def deciding(self) -> Deciding:
        """What `view_steps` needs to know."""
        return Deciding(schema=self.schema, roles=self.roles, create=self.create, raw=self.session.raw)

    def read(self, view_names: Iterable[str], *, only_named: bool = False) -> Views:
        """The named views and, unless `only_named`, all of ours."""
        owner, readers = self.roles.views, self.roles.readers
        return view_facts.read(
            self.session, self.schema, view_names, owner=owner, readers=readers, only_named=only_named
        )

    def steps(self, plans: Sequence[ViewPlan], views: Views, *, platform_name: str | None = None) -> list[ViewStep]:
        """As `view_steps.steps`."""
        return view_steps.steps(self.deciding, plans, views, platform_name=platform_name)

    def dependents(self, relations: Iterable[str]) -> Mapping[str, Sequence[Dependent]]:
        """What uses the relations directly, by relation."""
        found: dict[str, list[Dependent]] = {}
        for dependent in view_facts.dependents(self.session, self.schema, sorted(relations)):
            found.setdefault(dependent.relation, []).append(dependent)
        return found

    def take(self, step: ViewStep, views: Views) -> None:
        """Do what the step says. Raises StateError where it says that nothing can be done.

        `views` are those that the step was decided on.
        """
        if step.problem is not None:
            raise StateError(step.problem)
        if step.action is ViewAction.UNCHANGED:
            return
        doing = f"view {step.name} could not be {step.action}"
        with database_errors.reporting(doing), acting_as(self.session, self.roles.views):
            if step.plan is None:
                self._drop(step.name)
            elif step.fact is None:
                self._create(step.plan, step.order)
                self._grant(step.plan, view_grants.after_drop(step.plan, (), self.roles, views.readers))
            else:
                self._update(step, step.plan, step.fact, views)

    def prepare(self, steps: Iterable[ViewStep]) -> None:
        """Make views that are not there yet, without any right to read them."""
        for step in steps:
            doing = f"view {step.name} could not be {step.action}"
            if step.plan is not None and step.fact is None:
                with database_errors.reporting(doing), acting_as(self.session, self.roles.views):
                    self._create(step.plan, step.order)

    @contextmanager
    def set_aside(self, facts: Iterable[ViewFact], plans: Mapping[str, ViewPlan], views: Views) -> Iterator[None]:
        """Drop views of ours for the block and make them again as `plans` has them, with the rights they had.

        A view that `plans` does not have does not come again.
        """
        in_order = sorted(facts, key=lambda fact: fact.name)
        with database_errors.reporting("dropping views for a moment"), acting_as(self.session, self.roles.views):
            for fact in in_order:
                self._drop(fact.name)
        yield
        with database_errors.reporting("making views again"), acting_as(self.session, self.roles.views):
            for fact in in_order:
                plan = plans.get(fact.name)
                if plan is not None:
                    self._create(plan, view_statements.order(plan, fact.columns))
                    self._grant(plan, view_grants.after_drop(plan, fact.grants, self.roles, views.readers))

    def _update(self, step: ViewStep, plan: ViewPlan, fact: ViewFact, views: Views) -> None:
        is_remade = False
        if not step.is_defined:
            is_remade = not (step.is_in_place and self._replaced(plan, step.order))
            if is_remade:
                self._drop(plan.name)
                self._create(plan, tuple(view_statements.shown(plan)))
        granting = view_grants.after_drop if is_remade else view_grants.changes
        self._grant(plan, granting(plan, fact.grants, self.roles, views.readers))

    def _replaced(self, plan: ViewPlan, order: Sequence[str]) -> bool:
        """Replace a view in place; False if the server refuses, because a collation differs for one."""
        with self.session.raw.cursor() as cursor:
            cursor.execute("SAVEPOINT replacing_view")
            try:
                self._create(plan, order)
            except psycopg2.errors.InvalidTableDefinition:
                cursor.execute("ROLLBACK TO SAVEPOINT replacing_view")
                return False
            cursor.execute("RELEASE SAVEPOINT replacing_view")
        return True

    def _create(self, plan: ViewPlan, order: Sequence[str]) -> None:
        """Make or replace a view and mark it with the hash of what the server made of our text."""
        view = view_statements.place(plan.name, self.schema)
        with self.session.raw.cursor() as cursor:
            cursor.execute(self.create(plan, order, self.schema))
            cursor.execute(_STATEMENTS["read_stored_text"], {"schema": self.schema, "name": plan.name})
            row = cursor.fetchone()
            comment = view_statements.comment(
                plan, definition=self.deciding.digest(plan, order), stored=row[0] if row else ""
            )
            cursor.execute(_STATEMENTS["comment_on_view"].format(view=view, comment=sql.Literal(comment)))

    def _drop(self, name: str) -> None:
        with self.session.raw.cursor() as cursor:
            cursor.execute(_STATEMENTS["drop_view"].format(view=view_statements.place(name, self.schema)))

    def _grant(self, plan: ViewPlan, changes: GrantChanges) -> None:
        with self.session.raw.cursor() as cursor:
            for statement in changes.statements(view_statements.place(plan.name, self.schema)):
                cursor.execute(statement)
