"""Rows for the experiments' sources, and changes of a share of them, by SQL in the source's own server."""

from collections.abc import Mapping, Sequence
from typing import Final

from psycopg2 import sql

from bench import statements
from bench.arena import Arena
from bench.ground import Column, Landscape
from bench.options import Kind
from datasurface.yellow.engine.connect import Session

_QUERIES: Final = statements.load("experiments.sql")
_TOUCHED: Final = 8


def key(name: str, model_type: str, sql_type: str) -> Column:
    """A column of the key."""
    return Column(name=name, model_type=model_type, sql_type=sql_type, is_key=True)


def varchar(name: str, length: int = 100) -> Column:
    """A text column."""
    return Column(name=name, model_type=f"VarChar:{length}", sql_type=f"varchar({length})")


def change(place: Arena, landscape: Landscape, changing: Mapping[str, str], step: int, share: float) -> None:
    """Change a share of each table that keeps its number of rows: a quarter go and as many come, the rest are updated.

    `changing` has the column that an update changes, per table; a table's first column is its key. Commits.
    """
    with place.admin(place.source_database) as session, session.raw.cursor() as cursor:
        for table, column in changing.items():
            names = [each.name for each in landscape.datasets[table]]
            places = {
                "table": sql.Identifier("public", table),
                "column": sql.Identifier(column),
                "columns": sql.SQL(", ").join(map(sql.Identifier, names)),
                "others": sql.SQL(", ").join(sql.Identifier("t", name) for name in names[1:]),
            }
            cursor.execute(_QUERIES["draw_rows"].format(**places), {"step": step, "parts": round(1 / share)})
            drawn = cursor.rowcount
            leaving = drawn // 4
            for statement, first, last in (
                ("add_drawn", 1, leaving),
                ("remove_drawn", 1, leaving),
                ("change_drawn", leaving + 1, drawn),
            ):
                parameters = {"step": step, "first": first, "last": last}
                cursor.execute(_QUERIES[statement].format(**places), parameters)
            cursor.execute(_QUERIES["drop_drawn"])
        session.commit()


def touch(place: Arena) -> None:
    """Write one row of some tables as it is, so that a look has to compare: no sign says that nothing was written."""
    with place.admin(place.source_database) as session, session.raw.cursor() as cursor:
        for table in place.stream(Kind.LIVE.platform).tables[:_TOUCHED]:
            cursor.execute(_QUERIES["touch"].format(table=sql.Identifier("public", table.source_table)))
        session.commit()


def vacuum_as_autovacuum(place: Arena, database: str) -> None:
    """VACUUM (ANALYZE) where autovacuum would by its default settings, so that its work falls between measurements."""
    with place.admin(database) as session, session.raw.cursor() as cursor:
        session.raw.autocommit = True
        cursor.execute(_QUERIES["flush_statistics"])
        cursor.execute(_QUERIES["worth_vacuum"])
        vacuum(session, [f"{schema}.{name}" for schema, name in cursor.fetchall()])


def vacuum(session: Session, names: Sequence[str]) -> None:
    """VACUUM (ANALYZE) of tables, each written schema.table; the session is outside of transactions."""
    with session.raw.cursor() as cursor:
        for name in names:
            cursor.execute(_QUERIES["vacuum"].format(table=sql.Identifier(*name.split(".", 1))))
