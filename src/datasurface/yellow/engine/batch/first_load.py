"""The first load of a merge table, and its key: rows go in by COPY, the index is built when they are there.

The VACUUM (ANALYZE) that follows the commit tells the planner of them; within the batch it would be a tenth of the time
that readers wait for the rows. Runs in the batch's transaction, under a lock on the merge table.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from datasurface.yellow.engine import columns, copy
from datasurface.yellow.engine.batch import applied, crash_points, merge_lines, merge_statements
from datasurface.yellow.engine.batch.crash_points import CrashPoint
from datasurface.yellow.engine.batch.merge_statements import setting, statement
from datasurface.yellow.engine.batch.staging import Staged, SummedLines
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.tables.merge_tables import MergeTables
from datasurface.yellow.plan.tables import KEY_HASH


def load(session: Session, tables: MergeTables, blocks: Iterable[bytes], batch_id: int) -> Staged:
    """Copy a snapshot into a merge table without open rows, then build the key if it is not there.

    Returns its rows and their checksum. Raises psycopg2.errors.UniqueViolation where two rows have one key.
    """
    _free_columns(session, tables)
    lines = SummedLines(_watched(blocks))
    in_batch = merge_lines.with_batch_columns(tables, tables.batch_values(batch_id))
    filled = (*tables.columns, *tables.hash_columns, *tables.batch_columns)
    added = copy.rows_in(session.raw, copy.copy_in(tables.merge, filled), map(in_batch, lines))
    applied.expect(added, lines.rows, table=tables.plan.merge_table, step="first_load")
    if not stored_keys(session, tables.schema, [tables]):
        _build_key(session, tables)
    return Staged(rows=lines.rows, checksum=lines.checksum)


def close_all(session: Session, tables: MergeTables, batch_id: int) -> int:
    """Make room for another key: close or remove every open row, drop the old key; returns how many rows there were."""
    closed = applied.run(
        session,
        statement("close_all_versions" if tables.is_forensic else "remove_all_rows", tables, batch_id),
    )
    if not tables.is_forensic:
        applied.run(session, statement("drop_primary_key", tables))
    applied.run(session, statement("drop_index", tables))
    return closed


def _free_columns(session: Session, tables: MergeTables) -> None:
    """Let every column be null that is not of the key: the table may have been made, or filled, under another one."""
    facts = columns.read(session, tables.schema, [tables.plan.merge_table]).get(tables.plan.merge_table, {})
    for name, fact in facts.items():
        if fact.is_required and name not in (*tables.plan.key, *tables.batch_columns):
            applied.run(session, merge_statements.drop_not_null(tables, name))


def _watched(blocks: Iterable[bytes]) -> Iterator[bytes]:
    for block in blocks:
        crash_points.reached(CrashPoint.WHILE_COPYING)
        yield block


def is_empty(session: Session, tables: MergeTables) -> bool:
    """Whether the merge table holds no row at all, open or closed."""
    return applied.first_value(session, statement("is_empty", tables)) is True


def has_open_rows(session: Session, tables: MergeTables) -> bool:
    """Whether the merge table holds a row of the present."""
    return applied.first_value(session, statement("has_open_rows", tables)) is True


def stored_keys(session: Session, schema: str, tables: Sequence[MergeTables]) -> Mapping[str, tuple[str, ...]]:
    """By merge table, the columns by which its index finds rows; empty: the key's hash.

    A table whose index no batch has built is not there. The index tells the key also where a dataset was away for a
    while and comes back under another one.
    """
    indexes = {each.key_index: each.plan.merge_table for each in tables}
    with session.raw.cursor() as cursor:
        cursor.execute(setting("index_columns"), {"schema": schema, "indexes": list(indexes)})
        found = cursor.fetchall()
    return {indexes[index]: tuple(name for name in names if name != KEY_HASH) for index, names in found}


def _build_key(session: Session, tables: MergeTables) -> None:
    if not tables.plan.key:
        applied.run(session, statement("make_hash_index", tables))
    elif tables.is_forensic:
        applied.run(session, statement("make_unique_index", tables))
    else:
        _build_live_key(session, tables)


def _build_live_key(session: Session, tables: MergeTables) -> None:
    """The primary key; where a column came into the key later it sorts by another order, and the index has to do."""
    applied.run(session, statement("make_live_index", tables))
    facts = columns.read(session, tables.schema, [tables.plan.merge_table])[tables.plan.merge_table]
    if all(facts[name].collation in (None, "C") for name in tables.plan.key):
        applied.run(session, statement("make_primary_key", tables))
        return
    for name in tables.plan.key:
        applied.run(session, merge_statements.set_not_null(tables, name))
