"""The source of the benchmark: filled and changed by SQL in its own server, the same rows on every machine."""

from collections.abc import Mapping
from typing import Any, Final

from psycopg2 import extensions, sql

from bench import statements
from bench.options import Options, Phase
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.difference.delta import Counts
from datasurface.yellow.engine.init.init_plan import DemoSource

_QUERIES: Final = statements.load("source.sql")
TABLES: Final = ("customers", "addresses")


def scripts() -> DemoSource:
    """The tables, for `datasurface init` to make."""
    return DemoSource(ddl=_QUERIES["make_tables"].string, seed="", tables=TABLES)


def fill(session: Session, options: Options) -> None:
    """Put all rows in, and commit; the session is the superuser's, in the source database."""
    with session.raw.cursor() as cursor:
        cursor.execute(_QUERIES["fill_customers"], {"rows": options.customers})
        cursor.execute(_QUERIES["fill_addresses"], {"rows": options.addresses, "customers": options.customers})
    session.commit()
    _tidy(session)


def enter_phase(session: Session, phase: Phase, number: int) -> Mapping[str, Counts]:
    """Bring the source into the state of a phase; returns per table what a batch must count."""
    counts = {}
    with session.raw.cursor() as cursor:
        for table in TABLES:
            before = _row_count(cursor, table)
            if phase.is_initial:
                counts[table] = Counts(inserted=before, total=before)
            elif phase.share:
                counts[table] = _change(cursor, table, number, before, round(before * phase.share))
            else:
                cursor.execute(_QUERIES["write_something"])
                counts[table] = Counts(total=before)
    session.commit()
    if phase.share:
        _tidy(session)
    return counts


def change_all(session: Session) -> None:
    """Update every row, and commit."""
    with session.raw.cursor() as cursor:
        for table in TABLES:
            rows = _row_count(cursor, table)
            places = {"table": sql.Identifier("public", table)}
            cursor.execute(_QUERIES["draw_rows"].format(**places), {"phase": 1, "rows": rows})
            parameters: dict[str, Any] = {"phase": 1, "first": 1, "last": rows}
            cursor.execute(_QUERIES[f"change_{table}"].format(**places), parameters)
            cursor.execute(_QUERIES["drop_drawn"])
    session.commit()
    _tidy(session)


def _change(cursor: extensions.cursor, table: str, number: int, rows: int, changed: int) -> Counts:
    """40 % of the changed rows are new ones, 50 % are updated, 10 % go."""
    deleted, updated = changed // 10, changed // 2
    inserted = changed - deleted - updated
    places = {"table": sql.Identifier("public", table)}
    cursor.execute(_QUERIES["draw_rows"].format(**places), {"phase": number, "rows": changed})
    first = 1
    for statement, count in (
        ("remove_drawn", deleted),
        (f"change_{table}", updated),
        (f"add_{table}", inserted),
    ):
        parameters: dict[str, Any] = {"phase": number, "first": first, "last": first + count - 1}
        cursor.execute(_QUERIES[statement].format(**places), parameters)
        if cursor.rowcount != count:
            raise RuntimeError(f"{statement} touched {cursor.rowcount} rows of {table}, not {count}")
        first += count
    cursor.execute(_QUERIES["drop_drawn"])
    return Counts(inserted=inserted, updated=updated, deleted=deleted, total=rows + inserted - deleted)


def _row_count(cursor: extensions.cursor, table: str) -> int:
    cursor.execute(_QUERIES["count_rows"].format(table=sql.Identifier("public", table)))
    return int((cursor.fetchone() or (0,))[0])


def _tidy(session: Session) -> None:
    session.raw.autocommit = True
    with session.raw.cursor() as cursor:
        for table in TABLES:
            cursor.execute(_QUERIES["tidy"].format(table=sql.Identifier("public", table)))
    session.raw.autocommit = False
