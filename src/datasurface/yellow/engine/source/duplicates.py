"""Keys that stand more than once in the source: found only once something failed because of them."""

from psycopg2 import sql

from datasurface.errors import ModelError
from datasurface.yellow.engine import database_errors, sql_types
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.difference.delta import described_key
from datasurface.yellow.engine.source import snapshot
from datasurface.yellow.engine.source.readings import Reading
from datasurface.yellow.plan.streams import StreamPlan


def refuse(source: Session, stream: StreamPlan) -> None:
    """Raise ModelError naming each dataset with such keys, how many and the first; return if there are none.

    Reads the source in a snapshot of its own; one that the session is in is rolled back.
    """
    source.rollback()
    problems = [
        problem
        for reading in snapshot.begin(source, stream)
        if reading.table.key and (problem := _problem(source, reading)) is not None
    ]
    source.rollback()
    if problems:
        raise ModelError(
            "; ".join(problems), fix="Remove the duplicates in the source, or correct the key in the model"
        )


def _problem(source: Session, reading: Reading) -> str | None:
    doing = f"looking for duplicate keys of {reading.table.dataset}"
    with database_errors.reporting(doing), source.raw.cursor() as cursor:
        cursor.execute(_repeated_keys(reading))
        count, first = cursor.fetchone() or (0, None)
    if not count:
        return None
    keys = "1 key stands" if count == 1 else f"{count} keys stand"
    columns = ", ".join(reading.table.key)
    return (
        f"{reading.table.dataset}: {keys} in more than one row, by the model's key ({columns}) "
        f"(first: {described_key(reading.table, first.encode())})"
    )


def _repeated_keys(reading: Reading) -> sql.Composed:
    """How many keys stand in more than one row, and the least of them as text; keys in the model's types.

    Equal is what the merge table's index calls equal: 1.0 and 1.00 are one key there.
    """
    columns = [column for column in reading.table.wire_columns if column.is_key]
    text = sql.SQL(" || E'\\t' || ").join(
        sql.SQL('{}::text COLLATE "C"').format(sql.Identifier("k", column.name)) for column in columns
    )
    values = sql.SQL(", ").join(
        sql.SQL('{} COLLATE "C"' if sql_types.is_collatable(column.sql_type) else "{}").format(
            sql.Identifier("k", column.name)
        )
        for column in columns
    )
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in reading.table.wire_columns)
    return sql.SQL(
        'SELECT count(*), min(key COLLATE "C") FROM '
        "(SELECT min({}) AS key FROM ({}) AS k ({}) GROUP BY {} HAVING count(*) > 1) AS repeated"
    ).format(text, reading.query, names, values)
