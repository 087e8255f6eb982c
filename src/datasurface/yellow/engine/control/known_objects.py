"""The rows of `ds_known_object`: which tables, views and rows a merge left as they should be, and how they looked then.

An object that still looks so, and is still wanted so, need not be examined again
(docs/design/20261121-known-objects.md). How it looks, `found`, is a hash that the server makes of its own catalogue;
how it is wanted is the caller's matter. Nothing here commits or decides.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from psycopg2 import sql

from datasurface.yellow.engine import database_errors, queries
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.control.control_tables import RevisionOutcome
from datasurface.yellow.engine.roles import Roles
from datasurface.yellow.plan import names
from datasurface.yellow.plan.platforms import ControlTables

_STATEMENTS: Final = queries.load("known_objects.sql")
_DEPLOYED: Final = [RevisionOutcome.APPLIED.value, RevisionOutcome.ROLLED_BACK.value]
#: Names of rows that are no relation's: no identifier of ours has a colon.
DEPLOYED_ROW: Final = "rows:deployed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a merge may rely on. `intact` are relations that look as they were left, with what they were wanted to be.

    `others` are relations that are known and look otherwise or are gone, and views of ours that nobody knows. `rows`
    are pairs of wanted and found, by the names of `rows_of` and DEPLOYED_ROW. `is_kept` is False where the installation
    has no table to remember anything in.
    """

    intact: Mapping[str, str]
    others: frozenset[str]
    rows: Mapping[str, tuple[str, str]]
    is_kept: bool


#: Where nothing is known everything is examined.
NOTHING: Final = Known(intact={}, others=frozenset(), rows={}, is_kept=False)


def rows_of(platform_name: str) -> str:
    """The name under which a platform's rows are known."""
    return f"rows:{platform_name}"


def read(session: Session, schema: str, roles: Roles) -> Known:
    """What is known, held against the catalogue, by a fixed number of statements."""
    if _rows(session, schema, "find_table", table=names.KNOWN_TABLE) != [(True,)]:
        return NOTHING
    relations = _rows(session, schema, "read_known")
    unknown = _rows(session, schema, "read_unknown_views", owner=roles.views)
    return Known(
        intact={name: wanted for name, wanted, is_intact in relations if is_intact},
        others=frozenset(name for name, _, is_intact in relations if not is_intact) | {name for (name,) in unknown},
        rows={name: (wanted, found) for name, wanted, found in _rows(session, schema, "read_known_rows")},
        is_kept=True,
    )


def found(session: Session, schema: str, relations: Collection[str]) -> Mapping[str, str]:
    """How relations look now; one that is not there has no entry."""
    return dict(_rows(session, schema, "read_found", names=list(relations))) if relations else {}


def found_rows(session: Session, schema: str, platform_name: str, control: ControlTables) -> str:
    """How a platform's plans, DAG rows and its row of ds_platform look now."""
    places = {
        "stream_plan": sql.Identifier(schema, control.stream_plan),
        "airflow_dsg": sql.Identifier(schema, control.airflow_dsg),
    }
    return str(_rows(session, schema, "read_platform_rows", places, platform_name=platform_name)[0][0])


def found_deployed(session: Session, schema: str) -> str | None:
    """Which row of ds_revision is the deployed one; None before the first."""
    found = _rows(session, schema, "read_deployed_row", outcomes=_DEPLOYED)
    return str(found[0][0]) if found else None


def remember(session: Session, schema: str, wanted: Mapping[str, str], found: Mapping[str, str]) -> None:
    """Know from now on the objects that have an entry in both."""
    both = [name for name in wanted if name in found]
    if both:
        values = {"wanted": [wanted[name] for name in both], "found": [found[name] for name in both]}
        _run(session, schema, "write_known", names=both, **values)


def forget(session: Session, schema: str, objects: Collection[str]) -> None:
    """Know these objects no longer."""
    if objects:
        _run(session, schema, "forget_known", names=list(objects))


def _rows(
    session: Session, schema: str, statement: str, places: Mapping[str, sql.Composable] | None = None, **values: Any
) -> list[tuple[Any, ...]]:
    doing = f"{statement.replace('_', ' ')} of {session.endpoint}"
    with database_errors.reporting(doing), session.raw.cursor() as cursor:
        cursor.execute(_formatted(schema, statement, places), {"schema": schema, **values})
        return cursor.fetchall()


def _run(session: Session, schema: str, statement: str, **values: Any) -> None:
    with (
        database_errors.reporting(f"{statement.replace('_', ' ')} in {names.KNOWN_TABLE}"),
        session.raw.cursor() as cursor,
    ):
        cursor.execute(_formatted(schema, statement, None), values)


def _formatted(schema: str, statement: str, places: Mapping[str, sql.Composable] | None) -> sql.Composed:
    known = sql.Identifier(schema, names.KNOWN_TABLE)
    return _STATEMENTS[statement].format(
        known=known,
        known_relations=_STATEMENTS["known"].format(known=known),
        given=_STATEMENTS["given"],
        relations=_STATEMENTS["relations"],
        platform=sql.Identifier(schema, names.PLATFORM_TABLE),
        revision=sql.Identifier(schema, names.REVISION_TABLE),
        **(places or {}),
    )
