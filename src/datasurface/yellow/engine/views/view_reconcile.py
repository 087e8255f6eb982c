"""Brings views to their plans, each in a transaction of its own, and counts truly.

The model merge changes views in its one transaction; this heals what happened to them since, and says of each view that
it cannot heal why. A view that fails keeps no other from being brought in order.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from datasurface.errors import DatasurfaceError
from datasurface.yellow.engine import lock_waits
from datasurface.yellow.engine.lock_waits import Patience
from datasurface.yellow.engine.views import view_steps
from datasurface.yellow.engine.views.view_facts import Views
from datasurface.yellow.engine.views.view_steps import ViewAction, ViewStep
from datasurface.yellow.engine.views.view_sync import ViewSync
from datasurface.yellow.plan.views import ViewPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewResult:
    """What became of one view; `reason` is set where it failed, and only there."""

    name: str
    action: ViewAction
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """What became of all views, by name."""

    results: Sequence[ViewResult]

    @property
    def counts(self) -> Mapping[ViewAction, int]:
        """How many views each thing happened to; 0 where it happened to none."""
        counted = Counter(result.action for result in self.results)
        return {action: counted[action] for action in ViewAction}

    @property
    def is_ok(self) -> bool:
        """True where every view is as it should be."""
        return self.counts[ViewAction.FAILED] == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewReconcile:
    """Reconciles views through a session outside of a transaction; `patience` is for all of them together."""

    sync: ViewSync
    patience: Patience

    def to(self, plans: Sequence[ViewPlan], *, platform_name: str | None = None) -> Reconciliation:
        """Bring the views to the plans; with `platform_name` no view of another platform is dropped."""
        views = self.sync.read(plan.name for plan in plans)
        steps = self.sync.steps(plans, views, platform_name=platform_name)
        dependents = self.sync.dependents(step.name for step in steps if step.drops)
        self.sync.session.commit()
        return Reconciliation(
            results=[self._result(step, views, view_steps.strangers(step.name, dependents)) for step in steps]
        )

    def _result(self, step: ViewStep, views: Views, stranger: str | None) -> ViewResult:
        reason = step.problem or stranger
        if reason is None:
            try:
                if step.action is not ViewAction.UNCHANGED:
                    lock_waits.transaction(self.sync.session, lambda: self.sync.take(step, views), self.patience)
            except DatasurfaceError as error:
                if self.sync.session.raw.closed:
                    raise
                reason = str(error)
        if reason is not None:
            return ViewResult(name=step.name, action=ViewAction.FAILED, reason=reason)
        return ViewResult(name=step.name, action=step.action)
