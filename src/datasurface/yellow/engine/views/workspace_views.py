"""Reconciles the views of all workspaces, in the merge database and in consumers' databases, with the last merge.

No model is needed: what there should be stands in `ds_platform`. Nothing here changes a table or a plan.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from datasurface.errors import ModelError, TransientError
from datasurface.yellow.engine import locks
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.control import platform_store
from datasurface.yellow.engine.control.platform_store import StoredPlatform
from datasurface.yellow.engine.links import Links
from datasurface.yellow.engine.lock_waits import Patience
from datasurface.yellow.engine.roles import Roles
from datasurface.yellow.engine.views import consumer_views
from datasurface.yellow.engine.views.consumer_views import ConsumerDatabase
from datasurface.yellow.engine.views.view_reconcile import Reconciliation, ViewReconcile
from datasurface.yellow.engine.views.view_sync import ViewSync
from datasurface.yellow.plan import names


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceViews:
    """What became of the views, in the merge database and in others."""

    views: Reconciliation
    consumers: Sequence[ConsumerDatabase]

    @property
    def is_ok(self) -> bool:
        """True where every view is as it should be."""
        return self.views.is_ok and all(consumer.is_ok for consumer in self.consumers)


def reconcile(links: Links, *, platform: str | None = None, wait_seconds: float = 30.0) -> WorkspaceViews:
    """Bring the views to what the last merge stored, all of them or those of one platform, given by either name.

    Holds the lock of the model merge; views in use are waited for, `wait_seconds` for all together. Raises
    TransientError if a merge is under way, ModelError for a platform that was never deployed.
    """
    with links.apply() as session, locks.held(session, locks.MERGE_LOCK, timeout_seconds=wait_seconds) as is_ours:
        if not is_ours:
            raise TransientError("a model merge is under way", fix="Reconcile the views again when it is done")
        patience = Patience.of_seconds(wait_seconds, sleep=links.wait)
        stored = platform_store.read(session, links.schema)
        platform_name = None if platform is None else _known(platform, stored)
        return WorkspaceViews(
            views=_reconciled(links, session, stored, platform_name, patience),
            consumers=consumer_views.sync_stored(session, links.schema, links.connections, patience, platform=platform),
        )


def _reconciled(
    links: Links,
    session: Session,
    stored: Mapping[str, StoredPlatform],
    platform_name: str | None,
    patience: Patience,
) -> Reconciliation:
    plans = [view for name, each in stored.items() if platform_name in (None, name) for view in each.views]
    sync = ViewSync(session=session, schema=links.schema, roles=Roles(links.connections.role_prefix))
    return ViewReconcile(sync=sync, patience=patience).to(plans, platform_name=platform_name)


def _known(platform: str, stored: Mapping[str, StoredPlatform]) -> str:
    """The safe name of a platform that was deployed."""
    platform_name = names.platform_name(platform)
    if platform_name not in stored:
        known = ", ".join(each.settings.platform for each in stored.values()) or "none"
        raise ModelError(f"platform {platform} is not deployed; deployed: {known}")
    return platform_name
