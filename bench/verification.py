"""Right or wrong: contents both ways, and counts against what was done to the source."""

from collections.abc import Mapping, Sequence
from typing import Final

from psycopg2 import sql

from bench import floor, statements
from bench.arena import Arena
from bench.options import Kind
from bench.ours import OurReading
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.difference.delta import Counts
from datasurface.yellow.plan.tables import BATCH_OUT, OPEN_BATCH, TablePlan

_QUERIES: Final = statements.load("arena.sql")


def problems(arena: Arena, kind: Kind, ours: OurReading, expected: Mapping[str, Counts]) -> Sequence[str]:
    """What is wrong after a phase; empty if all is right. The floor must have copied the same state of the source."""
    found = []
    if ours.reading.exit_status != 0:
        found.append(f"exit status {ours.reading.exit_status}: {ours.result.message}")
    wanted = sum(expected.values(), Counts())
    if ours.counts != wanted:
        found.append(f"counted {ours.counts}, the source's changes are {wanted}")
    with arena.admin(arena.merge_database) as session:
        for table in arena.stream(kind.platform).tables:
            found += _differences(session, kind, table, expected[table.source_table])
    return found


def closed_versions(arena: Arena, kind: Kind) -> int:
    """How many versions of a forensic platform ended so far; 0 for a live one."""
    if kind is Kind.LIVE:
        return 0
    with arena.admin(arena.merge_database) as session, session.raw.cursor() as cursor:
        total = 0
        for table in arena.stream(kind.platform).tables:
            places = {"merge": sql.Identifier("public", table.merge_table), "is_open": _is_open(kind)}
            cursor.execute(_QUERIES["count_closed"].format(**places))
            total += int((cursor.fetchone() or (0,))[0])
    return total


def _differences(session: Session, kind: Kind, table: TablePlan, expected: Counts) -> Sequence[str]:
    places = {
        "merge": sql.Identifier("public", table.merge_table),
        "staging": sql.Identifier("public", floor.staging(table)),
        "columns": sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns),
        "is_open": _is_open(kind),
    }
    with session.raw.cursor() as cursor:
        cursor.execute(_QUERIES["widen_memory"])
        cursor.execute(_QUERIES["compare"].format(**places))
        rows, only_in_merge, only_in_source = cursor.fetchone() or (0, 0, 0)
    session.rollback()
    found = []
    if rows != expected.total:
        found.append(f"{table.merge_table} has {rows} rows, the source {expected.total}")
    if only_in_merge or only_in_source:
        found.append(f"{table.merge_table}: {only_in_merge} rows too many, {only_in_source} missing (EXCEPT ALL)")
    return found


def _is_open(kind: Kind) -> sql.Composable:
    if kind is Kind.LIVE:
        return sql.SQL("true")
    return sql.SQL("{} = {}").format(sql.Identifier(BATCH_OUT), sql.Literal(OPEN_BATCH))
