"""The staging path: for a dataset without a key, and where the difference outgrows the job's memory.

The snapshot lies in a table of the merge database and one join finds the difference there. It gives the same delta as
the streaming comparison and costs the server more.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from psycopg2 import sql

from datasurface.yellow.engine import copy, queries, sql_types
from datasurface.yellow.engine.batch import applied, merge_lines, merge_statements
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.difference import checksums
from datasurface.yellow.engine.difference.delta import Counts
from datasurface.yellow.engine.tables.merge_tables import MergeTables
from datasurface.yellow.plan.tables import KEY_HASH, OPEN_BATCH

_STATEMENTS: Final = queries.load("staging.sql")
_DELTA: Final = sql.Identifier("pg_temp", "ds_delta")


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A staged snapshot: how many rows, and the checksum of their lines."""

    rows: int
    checksum: int


def stage(session: Session, tables: MergeTables, blocks: Iterable[bytes], batch_id: int) -> Staged:
    """Fill the staging table with a snapshot, in the caller's transaction, which the caller commits.

    Writes: the staging table, emptied first. Reads `blocks`, lines of `tables.columns` cut anywhere.
    """
    applied.run(session, _statement("empty_staging", tables))
    lines = SummedLines(blocks)
    in_batch = merge_lines.with_batch_columns(tables, (batch_id,))
    columns = (*tables.columns, *tables.hash_columns, "ds_surf_batch_id")
    copy.rows_in(session.raw, copy.copy_in(tables.staging, columns), map(in_batch, lines))
    applied.run(session, _statement("analyze_staging", tables))
    return Staged(rows=lines.rows, checksum=lines.checksum)


def apply_staged(session: Session, tables: MergeTables, staged: Staged, batch_id: int) -> Counts:
    """Bring the merge table to the staged state and return the counts. Raises RowsDoNotFit.

    Runs in the caller's transaction under a lock on the merge table: rows are addressed by where they lie.
    """
    applied.run(session, _STATEMENTS["tune_join"])
    applied.run(session, _statement("make_delta" if tables.plan.key else "make_counted_delta", tables))
    applied.run(session, merge_statements.analyze(_DELTA, ["op"]))
    with session.raw.cursor() as cursor:
        cursor.execute(_statement("count_delta", tables))
        inserted, updated, deleted, before = cursor.fetchone() or (0, 0, 0, 0)
    applied.run(session, merge_statements.setting("planner_decides"))
    # A key that stands twice in the snapshot joins one row twice: alike it would pass unseen, else one row would win.
    applied.expect(before + inserted - deleted, staged.rows, table=tables.plan.merge_table, step="join_staged")
    counts = Counts(inserted=inserted, updated=updated, deleted=deleted, total=staged.rows)
    for step, expected in _steps(tables, counts):
        if expected:
            found = applied.run(session, _statement(step, tables, batch_id))
            applied.expect(found, expected, table=tables.plan.merge_table, step=step)
    applied.run(session, _statement("drop_delta", tables))
    return counts


def staged_rows(session: Session, tables: MergeTables, batch_id: int) -> int:
    """How many rows of a batch lie in the staging table."""
    with session.raw.cursor() as cursor:
        cursor.execute(_statement("count_staged", tables, batch_id))
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def delete_staged(session: Session, tables: MergeTables, batch_id: int) -> int:
    """Take a batch's rows out of the staging table, in the caller's transaction; returns how many there were."""
    return applied.run(session, _statement("delete_staged", tables, batch_id))


class SummedLines:
    """Blocks of whole lines; once they have gone by, `rows` and `checksum` say what went by."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = blocks
        self.rows = 0
        self.checksum = 0

    def __iter__(self) -> Iterator[bytes]:
        for block in merge_lines.whole_lines(self._blocks):
            self.rows += block.count(b"\n")
            self.checksum = (self.checksum + checksums.of_block(block)) % checksums.MODULUS
            yield block


def _steps(tables: MergeTables, counts: Counts) -> tuple[tuple[str, int], ...]:
    if tables.is_forensic:
        return (
            ("close_staged", counts.updated + counts.deleted),
            ("insert_versions", counts.inserted + counts.updated),
        )
    return (
        ("remove_staged", counts.deleted),
        ("change_staged", counts.updated),
        ("insert_staged", counts.inserted),
    )


def _statement(name: str, tables: MergeTables, batch_id: int | None = None) -> sql.Composed:
    stored = (*tables.columns, *tables.hash_columns)
    changing = [column for column in stored if column not in tables.plan.key]
    return _STATEMENTS[name].format(
        batch_id=sql.Literal(batch_id),
        staging=tables.staging,
        merge=tables.merge,
        delta=_DELTA,
        open=sql.Literal(OPEN_BATCH),
        open_rows=tables.open_rows("x"),
        columns=merge_statements.identifiers(stored),
        staged_columns=merge_statements.identifiers(stored, "s"),
        join_columns=merge_statements.identifiers(tables.plan.key or (KEY_HASH,)),
        same_key=merge_statements.same_key(tables, "s", "m"),
        staged_values=_values(tables, "s"),
        merge_values=_values(tables, "m"),
        row_values=_values(tables, "x"),
        assignments=sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(name), sql.Identifier("s", name)) for name in changing
        ),
    )


def _values(tables: MergeTables, alias: str) -> sql.Composed:
    """The dataset's values in the plan's types, so that both sides print alike."""
    return sql.SQL(", ").join(
        sql.SQL("{}::{}").format(sql.Identifier(alias, column.name), sql_types.of_plan(column.sql_type))
        for column in tables.plan.wire_columns
    )
