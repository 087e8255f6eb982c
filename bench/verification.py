"""Right or wrong: contents both ways, and counts against what was done to the source."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from psycopg2 import extensions, sql

from bench import floor, statements
from bench.arena import Arena
from bench.options import Kind
from bench.ours import OurReading
from bench.peers import Peer
from datasurface.yellow.engine.difference.delta import Counts
from datasurface.yellow.plan.tables import BATCH_OUT, OPEN_BATCH, TablePlan

_QUERIES: Final = statements.load("arena.sql")
_DLT_VALID_TO: Final = "_dlt_valid_to"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """The tables that a contender filled, one per table of the source; where `is_open`, rows are to be the source's."""

    tables: Sequence[tuple[TablePlan, sql.Identifier]]
    is_open: sql.Composable
    has_history: bool


def of_ours(arena: Arena, kind: Kind) -> Copies:
    """The merge tables of one kind."""
    has_history = kind is Kind.FORENSIC
    is_open = sql.SQL("{} = {}").format(sql.Identifier(BATCH_OUT), sql.Literal(OPEN_BATCH))
    plans = arena.stream(kind.platform).tables
    return Copies(
        tables=[(table, sql.Identifier("public", table.merge_table)) for table in plans],
        is_open=is_open if has_history else sql.SQL("true"),
        has_history=has_history,
    )


def of_peer(arena: Arena, peer: Peer) -> Copies:
    """What dlt filled."""
    has_history = peer.kind is Kind.FORENSIC
    is_open = sql.SQL("{} IS NULL").format(sql.Identifier(_DLT_VALID_TO))
    return Copies(
        tables=[(table, sql.Identifier(peer.dataset, table.source_table)) for table in floor.tables(arena)],
        is_open=is_open if has_history else sql.SQL("true"),
        has_history=has_history,
    )


def our_problems(ours: OurReading, expected: Mapping[str, Counts]) -> Iterator[str]:
    """What our own report says that is not so."""
    if ours.reading.exit_status != 0:
        yield f"exit status {ours.reading.exit_status}: {ours.result.message}"
    wanted = sum(expected.values(), Counts())
    if ours.counts != wanted:
        yield f"counted {ours.counts}, the source's changes are {wanted}"


def problems(arena: Arena, copies: Copies, expected: Mapping[str, Counts]) -> Sequence[str]:
    """What is wrong with the rows after a phase; the floor must have copied the same state of the source."""
    found: list[str] = []
    with arena.admin(arena.merge_database) as session, session.raw.cursor() as cursor:
        for plan, table in copies.tables:
            cursor.execute(_QUERIES["widen_memory"])
            found += _differences(cursor, copies, plan, table, expected[plan.source_table].total)
        session.rollback()
    return found


def closed_versions(arena: Arena, copies: Copies) -> int:
    """How many versions ended so far; 0 where no history is kept."""
    if not copies.has_history:
        return 0
    with arena.admin(arena.merge_database) as session, session.raw.cursor() as cursor:
        total = 0
        for _, table in copies.tables:
            cursor.execute(_QUERIES["count_closed"].format(merge=table, is_open=copies.is_open))
            total += int((cursor.fetchone() or (0,))[0])
    return total


def _differences(
    cursor: extensions.cursor, copies: Copies, plan: TablePlan, table: sql.Identifier, expected_rows: int
) -> Iterator[str]:
    """Tables of equal length of which one has nothing that the other lacks are equal: then one way is both ways."""
    places = {
        "merge": table,
        "staging": sql.Identifier("public", floor.staging(plan)),
        "columns": sql.SQL(", ").join(sql.Identifier(column.name) for column in plan.columns),
        "is_open": copies.is_open,
    }
    name = ".".join(table.strings)

    def counted(statement: str) -> tuple[int, ...]:
        cursor.execute(_QUERIES[statement].format(**places))
        return tuple(int(value) for value in cursor.fetchone() or ())

    rows, source_rows = counted("count_open")
    if source_rows != expected_rows:
        yield f"the source has {source_rows} rows for {name}, not {expected_rows}"
    if rows != source_rows:
        yield f"{name} has {rows} rows, the source {source_rows}"
    (superfluous,) = counted("count_superfluous")
    missing = superfluous if rows == source_rows else counted("count_missing")[0]
    if superfluous or missing:
        yield f"{name}: {superfluous} rows too many, {missing} missing (EXCEPT ALL)"
