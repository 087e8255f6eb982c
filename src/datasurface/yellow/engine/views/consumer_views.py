"""Shows a workspace's views in another database as well, through postgres_fdw.

There each view of the merge database has a foreign table, which nobody but the views' owner may read, and a view of the
same name on top for the workspace's role. All of it happens apart from the merge: a database that is away keeps no
revision from being applied, and the next merge or reconcile tries again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from datasurface.connections import Connections, Endpoint
from datasurface.errors import DatasurfaceError
from datasurface.yellow.engine import columns
from datasurface.yellow.engine.connect import Purpose, Session, open_session
from datasurface.yellow.engine.control import platform_store
from datasurface.yellow.engine.lock_waits import Patience
from datasurface.yellow.engine.roles import Roles
from datasurface.yellow.engine.views import consumer_links
from datasurface.yellow.engine.views.consumer_links import ConsumerLinks
from datasurface.yellow.engine.views.view_reconcile import Reconciliation
from datasurface.yellow.engine.views.view_sync import ViewSync
from datasurface.yellow.plan import names
from datasurface.yellow.plan.views import ViewPlan

#: Schema of a consumers' database.
SCHEMA: Final = "public"
_NO_DATABASE: Final = "3D000"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerDatabase:
    """What became of the views of one consumers' database; `reason`: it could not be worked on at all."""

    database: str
    views: Reconciliation
    reason: str | None = None

    @property
    def is_ok(self) -> bool:
        """True where every view there is as it should be."""
        return self.reason is None and self.views.is_ok


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerViews:
    """Brings consumers' databases to the views of the merge database, whose session is outside of a transaction."""

    merge: Session
    merge_schema: str
    connections: Connections
    patience: Patience

    def sync(
        self, plans: Iterable[ViewPlan], databases: Iterable[str], *, platform_name: str | None = None
    ) -> Sequence[ConsumerDatabase]:
        """Bring every consumers' database to `plans`, those of which that are for it.

        `databases` are visited even if no plan is for them any more, to drop what is left; one that is gone is fine.
        With `platform_name` no view of another platform is dropped.
        """
        wanted: dict[str, list[ViewPlan]] = {database: [] for database in databases}
        for plan in plans:
            if plan.consumer_database is not None:
                wanted.setdefault(plan.consumer_database, []).append(plan)
        return [self._database(name, wanted[name], platform_name) for name in sorted(wanted)]

    def _database(self, database: str, plans: Sequence[ViewPlan], platform_name: str | None) -> ConsumerDatabase:
        try:
            remote = columns.read(self.merge, self.merge_schema, [plan.name for plan in plans])
            self.merge.commit()
            with open_consumer(self.merge.endpoint, self.connections, database) as session:
                roles = Roles(self.connections.role_prefix)
                sync = ViewSync(session=session, schema=SCHEMA, roles=roles, create=consumer_links.create_view)
                # The link's own rights are over there; here it is nobody.
                here = [replace(plan, consumer_database=None) for plan in plans]
                links = ConsumerLinks(sync=sync, merge_schema=self.merge_schema, remote=remote, patience=self.patience)
                return ConsumerDatabase(database=database, views=links.to(here, platform_name))
        except DatasurfaceError as error:
            is_gone = not plans and _NO_DATABASE in error.message
            reason = None if is_gone else str(error)
            return ConsumerDatabase(database=database, views=Reconciliation(results=()), reason=reason)


def open_consumer(merge: Endpoint, connections: Connections, database: str) -> Session:
    """A session of a consumers' database as the model merge; it is on the server of `merge` unless a
    container of its name says otherwise.

    Raises TransientError if it is away, ModelError if the login is refused.
    """
    endpoint = connections.endpoint(database, host=merge.host, port=merge.port, database=database)
    login = connections.role_login("apply")
    return open_session(endpoint, login, application_name="datasurface consumer views", purpose=Purpose.CONTROL)


def sync_stored(
    merge: Session, schema: str, connections: Connections, patience: Patience, *, platform: str | None = None
) -> Sequence[ConsumerDatabase]:
    """Bring consumers' databases to what the last merge stored, of all platforms or of one, given by either name."""
    settings = platform_store.read(merge, schema, views=())
    has_consumers = any(each.consumer_databases for each in settings.values())
    stored = platform_store.read(merge, schema) if has_consumers else settings
    merge.commit()
    platform_name = None if platform is None else names.platform_name(platform)
    chosen = [each for name, each in stored.items() if platform_name in (None, name)]
    consumers = ConsumerViews(merge=merge, merge_schema=schema, connections=connections, patience=patience)
    return consumers.sync(
        [view for each in chosen for view in each.views],
        {database for each in chosen for database in each.consumer_databases},
        platform_name=platform_name,
    )
