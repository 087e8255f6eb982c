"""The source's side of a batch: one snapshot, how each table is read in it, and the checks on its values.

Everything here happens in one REPEATABLE READ READ ONLY transaction of the source and writes nothing.
"""

from collections.abc import Sequence
from typing import Any, Final

import psycopg2
import psycopg2.errors
from psycopg2 import sql

from datasurface.errors import ModelError
from datasurface.yellow.engine import columns, database_errors, lock_table
from datasurface.yellow.engine.batch import applied
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.difference.delta import described_key
from datasurface.yellow.engine.source.readings import Check, Reading, reading
from datasurface.yellow.plan.streams import StreamPlan


def begin(session: Session, stream: StreamPlan) -> Sequence[Reading]:
    """Take a snapshot of the source and say how each table of the stream is read in it, in the plan's order.

    The transaction stays open for the reading. Raises ModelError for a missing table or column.
    """
    tables = [table.source_table for table in stream.tables]
    _refuse_what_cannot_be_locked(session, stream, tables)
    session.begin_snapshot(lambda: _keep_in_place(session, stream.source.schema, tables))
    applied.run(session, sql.SQL("SAVEPOINT ds_lines"))
    facts = columns.read(session, stream.source.schema, tables)
    for table in stream.tables:
        if table.source_table not in facts:
            raise ModelError(
                f"{table.dataset}: there is no table {stream.source.schema}.{table.source_table} "
                f"in {session.endpoint}, or {session.username} may not see it",
                fix="Correct the model's `tables` or `schema`, or restore the table",
            )
    encoding = session.raw.get_parameter_status("server_encoding") or "UTF8"
    return [reading(table, stream.source.schema, facts[table.source_table], encoding) for table in stream.tables]


def go_back(session: Session) -> None:
    """Leave the snapshot as `begin` left it, also after a statement that was stopped or failed."""
    applied.run(session, sql.SQL("ROLLBACK TO SAVEPOINT ds_lines"))


def _refuse_what_cannot_be_locked(session: Session, stream: StreamPlan, tables: Sequence[str]) -> None:
    """Count the locks of a large stream before they are taken, in a transaction of their own: counting reads."""
    if len(tables) <= lock_table.ALWAYS_FIT:
        return
    needed = lock_table.relations_locked(session, stream.source.schema, tables) + _LOCKS_OF_READING
    doing = f"reading the {len(tables)} tables of {stream.stream_key} in one snapshot"
    lock_table.refuse_if_short(session, needed, doing, instead=_SMALLER_STREAMS)
    session.rollback()


def _keep_in_place(session: Session, schema: str, tables: Sequence[str]) -> None:
    """Let nobody truncate, rewrite or swap a table while it is read: to a snapshot from before it would look empty.

    Readers and writers go on. What cannot be locked is read without: a materialized view, a foreign table, a table of
    which the login may read some columns alone. A missing table is the caller's to find.
    """
    waiting = [[sql.Identifier(schema, table) for table in tables]]
    while waiting:
        places = waiting.pop()
        if places and not _is_locked(session, places) and len(places) > 1:
            half = len(places) // 2
            waiting += [places[half:], places[:half]]


def _is_locked(session: Session, places: Sequence[sql.Identifier]) -> bool:
    applied.run(session, sql.SQL("SAVEPOINT ds_lock"))
    try:
        applied.run(session, sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(sql.SQL(", ").join(places)))
    except _NOT_TO_BE_LOCKED:
        applied.run(session, sql.SQL("ROLLBACK TO SAVEPOINT ds_lock; RELEASE SAVEPOINT ds_lock"))
        return False
    applied.run(session, sql.SQL("RELEASE SAVEPOINT ds_lock"))
    return True


def verify(session: Session, table: Reading) -> None:
    """Check in the snapshot that no value of the table is lost by how it is read; mostly one scan, none without checks.

    Raises ModelError naming the columns, how many values each and the key of the first one, as a hash where the key is
    classified.
    """
    with database_errors.reporting(f"reading {table.table.dataset}"):
        try:
            found = [
                value
                for start in range(0, len(table.checks), _CHECKS_PER_SCAN)
                for value in _counted(session, table, table.checks[start : start + _CHECKS_PER_SCAN])
            ]
        except _NO_CAST:
            raise ModelError(_failing_casts(session, table), fix=_FIX) from None
    problems = [
        _problem(table, check, count, key)
        for check, count, key in zip(table.checks, found[::2], found[1::2], strict=True)
        if count
    ]
    if problems:
        raise ModelError("; ".join(problems), fix=_FIX)


#: Beside the tables: indexes and parts of what is being read, catalogues, and the locks of the transaction itself.
_LOCKS_OF_READING: Final = 64
_SMALLER_STREAMS: Final = "capture the store's datasets one by one (Consistency.SINGLE_DATASET), or divide the store"
_NOT_TO_BE_LOCKED: Final = (
    psycopg2.errors.WrongObjectType,
    psycopg2.errors.InsufficientPrivilege,
    psycopg2.errors.UndefinedTable,
    psycopg2.errors.InvalidSchemaName,
)
#: What the server says where a value, or a whole type, has no way into the model's type.
_NO_CAST: Final = (psycopg2.DataError, psycopg2.errors.CannotCoerce)
#: A check takes two columns of a result, which can have 1,664.
_CHECKS_PER_SCAN: Final = 800
_FIX: Final = "Fix the model or the source, then it goes on by itself"


def _counted(session: Session, table: Reading, checks: Sequence[Check]) -> Sequence[Any]:
    """Per check two values, as `_counting` has them. An error leaves the snapshot as it was."""
    applied.run(session, sql.SQL("SAVEPOINT ds_checks"))
    try:
        with session.raw.cursor() as cursor:
            cursor.execute(_counting(table, checks))
            return cursor.fetchone() or ()
    except _NO_CAST:
        applied.run(session, sql.SQL("ROLLBACK TO SAVEPOINT ds_checks"))
        raise


def _counting(table: Reading, checks: Sequence[Check]) -> sql.Composed:
    """Per check: how many rows meet its condition, and the least key among them as text."""
    key = sql.SQL(" || E'\\t' || ").join(
        sql.SQL("coalesce({}::text, '\\N')").format(sql.Identifier("s", column)) for column in table.source_key
    )
    counts = sql.SQL(", ").join(
        sql.SQL('count(*) FILTER (WHERE {0}), min(({1}) COLLATE "C") FILTER (WHERE {0})').format(check.condition, key)
        for check in checks
    )
    return sql.SQL("SELECT {} FROM {} AS s").format(counts, table.relation)


def _problem(table: Reading, check: Check, count: int, key: str) -> str:
    values = "1 value" if count == 1 else f"{count} values"
    where = f"{table.table.dataset}.{check.column}"
    return f"{where}: {values} {check.problem} (first: {described_key(table.table, key.encode())})"


def _failing_casts(session: Session, table: Reading) -> str:
    """Which columns hold a value that cannot be cast at all."""
    failing = []
    for check in table.checks:
        try:
            _counted(session, table, [check])
        except _NO_CAST as error:
            failing.append(f"{table.table.dataset}.{check.column}: a value {check.problem} ({error.pgcode})")
    return "; ".join(failing)
