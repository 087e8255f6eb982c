"""Asking a server for what a sign is made of, and whether a sign would say everything of what a stream reads there.

Reads catalogues in the caller's transaction and writes nothing. What the answers mean is `signs`' matter.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import psycopg2
import psycopg2.errors
from psycopg2 import sql

from datasurface.yellow.engine import columns, database_errors, queries
from datasurface.yellow.engine.batch import applied
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.source import signs
from datasurface.yellow.engine.source.readings import Reading
from datasurface.yellow.engine.source.signs import ServerState
from datasurface.yellow.plan.streams import StreamPlan

_STATEMENTS: Final = queries.load("signs.sql")
#: A server without these functions, or a login that may not call them, gives no sign.
_NOT_TO_BE_ASKED: Final = (
    psycopg2.errors.InsufficientPrivilege,
    psycopg2.errors.UndefinedFunction,
    psycopg2.errors.FeatureNotSupported,
)


def read(session: Session) -> ServerState | None:
    """The server in the snapshot of the session's transaction; None where it cannot say enough, as a standby."""
    with database_errors.reporting(f"asking {session.endpoint} what was written"):
        applied.run(session, sql.SQL("SAVEPOINT ds_sign"))
        try:
            row = _first_row(session, "read_server")
        except _NOT_TO_BE_ASKED:
            row = None
        applied.run(session, sql.SQL("ROLLBACK TO SAVEPOINT ds_sign"))
    if row is None:
        return None
    snapshot, system, started_at, checkpoint, database = row
    return ServerState(
        snapshot=snapshot, system=system, started_at=started_at, checkpoint=checkpoint, database=database
    )


def can_be_told(session: Session, stream: StreamPlan, readings: Sequence[Reading]) -> bool:
    """Whether the rows that `readings` give depend on this database's transactions and on nothing else."""
    relations = sorted({table.source_table for table in stream.tables})
    with database_errors.reporting(f"looking what kind of tables {session.endpoint} has"):
        if _first_row(session, "has_other_extensions", own=list(signs.OWN_EXTENSIONS)) != (False,):
            return False
        plain = _first_row(session, "are_plain", schema=stream.source.schema, relations=relations, count=len(relations))
    if plain != (True,):
        return False
    return signs.are_read_as_stored(readings, columns.read(session, stream.source.schema, relations))


def clock_and_places(merge: Session, schema: str, tables: Sequence[str]) -> tuple[datetime, str]:
    """The merge database's time, and a text that changes when one of `tables` is made anew or rewritten."""
    with database_errors.reporting(f"asking {merge.endpoint} where tables lie"):
        row = _first_row(merge, "read_places", schema=schema, tables=list(tables))
    if row is None:
        raise RuntimeError("SELECT without FROM returns one row")
    return row[0], row[1] or ""


def _first_row(session: Session, statement: str, **parameters: object) -> tuple[Any, ...] | None:
    with session.raw.cursor() as cursor:
        cursor.execute(_STATEMENTS[statement], parameters)
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row
