"""What has to be done so that the views are what the plan asks for: decided from facts, before anything is done. Pure.

A view is replaced in place where its columns stay, each with its type, and new ones come behind; anything else takes
dropping it first, which is no longer safe if something of a stranger's depends on it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from psycopg2.extensions import connection

from datasurface.yellow.engine.roles import Roles
from datasurface.yellow.engine.views import view_grants, view_statements
from datasurface.yellow.engine.views.view_facts import Dependent, ViewFact, Views
from datasurface.yellow.engine.views.view_statements import CreateView, Mark
from datasurface.yellow.plan import names
from datasurface.yellow.plan.views import ViewPlan


class ViewAction(StrEnum):
    """What becomes of a view."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DROPPED = "dropped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewStep:
    """What has to be done about one view.

    `plan` None: it goes. `fact` None: it is not there yet. `order` is that of its columns. `is_defined`: its text is
    right already. `is_in_place`: it need not be dropped. `problem` says why nothing can be done, then it is FAILED.
    """

    name: str
    action: ViewAction
    plan: ViewPlan | None
    fact: ViewFact | None
    order: Sequence[str] = ()
    is_defined: bool = False
    is_in_place: bool = True
    problem: str | None = None

    @property
    def drops(self) -> bool:
        """Whether a view that is there has to go, perhaps to come again."""
        return self.fact is not None and self.problem is None and (self.plan is None or not self.is_in_place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deciding:
    """What decisions need to know: where the views are, whose they are, how one is made, and how names are spelled."""

    schema: str
    roles: Roles
    create: CreateView
    raw: connection

    def digest(self, plan: ViewPlan, order: Sequence[str]) -> str:
        """The hash of the view's text."""
        return view_statements.digest(self.create(plan, order, self.schema).as_string(self.raw))


def steps(
    deciding: Deciding, plans: Iterable[ViewPlan], views: Views, *, platform_name: str | None = None
) -> list[ViewStep]:
    """The steps to these views and no other of ours, sorted by name.

    With `platform_name` only views of that platform may go.
    """
    planned = {plan.name: plan for plan in plans}
    found = [_step(deciding, plan, views) for plan in planned.values()]
    for fact in views.ours():
        if fact.name not in planned and fact.mark and platform_name in (None, fact.mark.platform_name):
            found.append(ViewStep(name=fact.name, action=ViewAction.DROPPED, plan=None, fact=fact))
    return sorted(found, key=lambda step: step.name)


def strangers(name: str, dependents: Mapping[str, Sequence[Dependent]]) -> str | None:
    """Why the view cannot be dropped, if anything depends on it; nothing of ours ever does."""
    found = dependents.get(name, ())
    if not found:
        return None
    listed = ", ".join(sorted({dependent.description for dependent in found}))
    return f"{name} has to be dropped, and something that is not ours depends on it: {listed}"


def _step(deciding: Deciding, plan: ViewPlan, views: Views) -> ViewStep:
    fact = views.by_name.get(plan.name)
    fresh = tuple(view_statements.shown(plan))
    if fact is None:
        return ViewStep(name=plan.name, action=ViewAction.CREATED, plan=plan, fact=None, order=fresh)
    if not fact.is_ours(views.owner):
        problem = f"{plan.name} is there already and is no view of ours: it belongs to {fact.owner}"
        return ViewStep(name=plan.name, action=ViewAction.FAILED, plan=plan, fact=fact, problem=problem)
    is_in_place = _keeps_columns(plan, fact)
    order = view_statements.order(plan, fact.columns) if is_in_place else fresh
    is_defined = is_in_place and _is_defined(deciding, plan, order, fact)
    is_granted = view_grants.changes(plan, fact.grants, deciding.roles, views.readers).is_empty
    return ViewStep(
        name=plan.name,
        action=ViewAction.UNCHANGED if is_defined and is_granted else ViewAction.UPDATED,
        plan=plan,
        fact=fact,
        order=order,
        is_defined=is_defined,
        is_in_place=is_in_place,
    )


def _keeps_columns(plan: ViewPlan, fact: ViewFact) -> bool:
    """Whether every column that is there is wanted, with the type that it has."""
    shown = view_statements.shown(plan)
    return all(shown.get(name) == column.sql_type for name, column in fact.columns.items())


def _is_defined(deciding: Deciding, plan: ViewPlan, order: Sequence[str], fact: ViewFact) -> bool:
    """Whether the view is what we would write, and nobody has changed it since we did."""
    right = Mark(
        platform_name=names.platform_name(plan.platform),
        workspace=plan.workspace,
        definition=deciding.digest(plan, order),
        stored=fact.stored or "",
    )
    return fact.mark == right and fact.has_barrier and tuple(fact.columns) == tuple(order)
