"""Asks every view the way its workspace does: by the workspace's own role, in the merge database and in others.

That a view is there and has its grants says little; what counts is that a SELECT of its reader is answered. The model
merge's login may act as every reader. Rows are read and thrown away; nothing is changed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from psycopg2 import sql

from datasurface.errors import DatasurfaceError
from datasurface.yellow.engine import database_errors, queries
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.control import platform_store
from datasurface.yellow.engine.links import Links
from datasurface.yellow.engine.roles import Roles, acting_as
from datasurface.yellow.engine.views import consumer_views
from datasurface.yellow.plan import names
from datasurface.yellow.plan.views import ViewPlan

_STATEMENTS: Final = queries.load("views.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderAnswer:
    """Whether a view answered its reader; `reason` says why not and is None where it did."""

    view: str
    database: str
    reader: str
    reason: str | None = None

    @property
    def is_ok(self) -> bool:
        """True where it answered."""
        return self.reason is None


def ask(links: Links, *, platform: str | None = None) -> tuple[ReaderAnswer, ...]:
    """Ask every view that the last merge planned, of all platforms or of one, given by either name.

    First those of the merge database, then those of consumers' databases. Raises an error if the merge database cannot
    be asked at all; a consumers' database that is away is the answer of its views.
    """
    platform_name = None if platform is None else names.platform_name(platform)
    with links.apply() as session:
        stored = platform_store.read(session, links.schema)
        session.commit()
        plans = [view for name, each in stored.items() if platform_name in (None, name) for view in each.views]
        plans.sort(key=lambda plan: plan.name)
        roles = Roles(links.connections.role_prefix)
        answers = list(_answers(session, links.schema, plans, roles))
        for database in sorted({plan.consumer_database for plan in plans if plan.consumer_database is not None}):
            there = [plan for plan in plans if plan.consumer_database == database]
            answers += _answers_elsewhere(links, session, database, there)
    return tuple(answers)


def _answers_elsewhere(links: Links, merge: Session, database: str, plans: Sequence[ViewPlan]) -> list[ReaderAnswer]:
    roles = Roles(links.connections.role_prefix)
    try:
        with consumer_views.open_consumer(merge.endpoint, links.connections, database) as session:
            return list(_answers(session, consumer_views.SCHEMA, plans, roles))
    except DatasurfaceError as error:
        return [
            ReaderAnswer(view=plan.name, database=database, reader=roles.reader(plan.workspace), reason=str(error))
            for plan in plans
        ]


def _answers(session: Session, schema: str, plans: Sequence[ViewPlan], roles: Roles) -> Iterator[ReaderAnswer]:
    for plan in plans:
        reader = roles.reader(plan.workspace)
        yield ReaderAnswer(
            view=plan.name,
            database=session.endpoint.database,
            reader=reader,
            reason=_refusal(session, sql.Identifier(schema, plan.name), reader, plan.name),
        )


def _refusal(session: Session, view: sql.Identifier, reader: str, name: str) -> str | None:
    """Why a view does not answer its reader; None if it does. Raises an error if the session is lost."""
    try:
        with (
            acting_as(session, reader),
            database_errors.reporting(f"asking view {name} as role {reader}"),
            session.raw.cursor() as cursor,
        ):
            cursor.execute(_STATEMENTS["limit_asking"])
            cursor.execute(_STATEMENTS["ask"].format(view=view))
    except DatasurfaceError as error:
        if session.raw.closed:
            raise
        return str(error)
    finally:
        session.rollback()
    return None
