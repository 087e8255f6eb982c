"""Reconciles the views with what the last merge stored, each in a transaction of its own, and counts truly.

The model merge changes views in its one transaction; this heals what happened to them since, and says of each view that
it cannot heal why. A view that fails keeps no other from being brought in order.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from datasurface.errors import DatasurfaceError, ModelError, TransientError
from datasurface.yellow.engine import lock_waits, locks, platform_store, view_steps
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.lock_waits import Patience
from datasurface.yellow.engine.roles import Roles
from datasurface.yellow.engine.view_facts import Views
from datasurface.yellow.engine.view_steps import ViewAction, ViewStep
from datasurface.yellow.engine.view_sync import ViewSync
from datasurface.yellow.plan import names
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


def reconcile(
    session: Session, schema: str, roles: Roles, *, platform: str | None = None, patience: Patience
) -> Reconciliation:
    """Bring the views to what the last merge stored, all of them or those of one platform, given by either name.

    Holds the lock of the model merge. Raises TransientError if a merge is under way, ModelError for a platform that was
    never deployed.
    """
    with locks.held(session, locks.MERGE_LOCK, timeout_seconds=patience.remaining_seconds) as is_ours:
        if not is_ours:
            raise TransientError("a model merge is under way", fix="Reconcile the views again when it is done")
        stored = platform_store.read(session, schema)
        platform_name = None if platform is None else names.platform_name(platform)
        if platform_name is not None and platform_name not in stored:
            known = ", ".join(each.settings.platform for each in stored.values()) or "none"
            raise ModelError(f"platform {platform} is not deployed; deployed: {known}")
        plans = [view for name, each in stored.items() if platform_name in (None, name) for view in each.views]
        sync = ViewSync(session=session, schema=schema, roles=roles)
        return ViewReconcile(sync=sync, patience=patience).to(plans, platform_name=platform_name)
