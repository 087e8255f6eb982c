"""Applying the delta that the streaming comparison found, live or forensic.

All of it happens in the caller's transaction, under a lock on the merge table that shuts other writers out. Keys go
sorted into a temporary table; new rows go by COPY straight into the merge table.
"""

from collections.abc import Iterable
from typing import Final

from psycopg2 import sql

from datasurface.yellow.engine import copy, database_errors
from datasurface.yellow.engine.batch import applied, merge_lines
from datasurface.yellow.engine.batch.merge_statements import CHANGES, KEYS, analyze, setting, statement
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.difference.delta import Delta
from datasurface.yellow.engine.tables.merge_tables import MergeTables

#: Above this share of changed keys the planner's own choice of join is faster than walking the index.
_INDEX_WALK_SHARE: Final = 1 / 3


def apply_delta(session: Session, tables: MergeTables, delta: Delta, batch_id: int) -> None:
    """Bring the merge table to the source's state in `batch_id`. Raises RowsDoNotFit.

    Writes: live: rows deleted, changed and added; forensic: versions closed with `batch_id` - 1 and opened.
    """
    if not delta.counts.changed:
        return
    few = delta.counts.updated + delta.counts.deleted <= _INDEX_WALK_SHARE * max(1, delta.counts.total)
    applied.run(session, setting("planner_walks_index" if few else "planner_decides"))
    if tables.is_forensic:
        _apply_forensic(session, tables, delta, batch_id)
    else:
        _apply_live(session, tables, delta, batch_id)
    applied.run(session, setting("planner_decides"))


def _apply_forensic(session: Session, tables: MergeTables, delta: Delta, batch_id: int) -> None:
    in_place = delta.counts.updated > 0 and not _has_hidden_columns(session, tables)
    ended = [delta.deleted_keys] if in_place else [delta.updated_keys, delta.deleted_keys]
    count = delta.counts.deleted + (0 if in_place else delta.counts.updated)
    if count:
        with_keys = _Filled(session, tables, KEYS, tables.plan.key)
        with_keys.fill("make_keys", ended)
        with_keys.use("close_versions", batch_id, expected=count)
    if in_place:
        _renew_versions(session, tables, delta, batch_id)
        _add_rows(session, tables, batch_id, [delta.inserted], delta.counts.inserted)
        return
    added = delta.counts.inserted + delta.counts.updated
    _add_rows(session, tables, batch_id, [delta.inserted, delta.updated], added)


def _renew_versions(session: Session, tables: MergeTables, delta: Delta, batch_id: int) -> None:
    """Give the open rows their new values where they lie, and put closed copies of the old ones elsewhere.

    So the open rows keep the order that they share with the source, on which the speed of the next looks depends: a
    hundred batches would otherwise make them a quarter slower.
    """
    with_changes = _Filled(session, tables, CHANGES, (*tables.columns, *tables.hash_columns))
    with_changes.fill("make_changes", [merge_lines.with_batch_columns(tables, ())(delta.updated)])
    kept = applied.run(session, statement("keep_versions", tables, batch_id))
    applied.expect(kept, delta.counts.updated, table=tables.plan.merge_table, step="keep_versions")
    with_changes.use("renew_versions", batch_id, expected=delta.counts.updated)


def _has_hidden_columns(session: Session, tables: MergeTables) -> bool:
    """Whether the table has columns that left the model: a closed version keeps their values, a new one has none."""
    known = [*tables.columns, *tables.hash_columns, *tables.batch_columns]
    name = tables.merge.as_string(session.raw)
    return applied.first_value(session, setting("has_other_columns"), table=name, known=known) is True


def _apply_live(session: Session, tables: MergeTables, delta: Delta, batch_id: int) -> None:
    if delta.counts.deleted:
        with_keys = _Filled(session, tables, KEYS, tables.plan.key)
        with_keys.fill("make_keys", [delta.deleted_keys])
        with_keys.use("remove_rows", batch_id, expected=delta.counts.deleted)
    if delta.counts.updated:
        with_changes = _Filled(session, tables, CHANGES, (*tables.columns, *tables.hash_columns))
        with_changes.fill("make_changes", [merge_lines.with_batch_columns(tables, ())(delta.updated)])
        with_changes.use("change_rows", batch_id, expected=delta.counts.updated)
    _add_rows(session, tables, batch_id, [delta.inserted], delta.counts.inserted)


def _add_rows(session: Session, tables: MergeTables, batch_id: int, lines: Iterable[bytes], expected: int) -> None:
    if not expected:
        return
    in_batch = merge_lines.with_batch_columns(tables, tables.batch_values(batch_id))
    columns = (*tables.columns, *tables.hash_columns, *tables.batch_columns)
    added = copy.rows_in(session.raw, copy.copy_in(tables.merge, columns), map(in_batch, lines))
    applied.expect(added, expected, table=tables.plan.merge_table, step="add_rows")


class _Filled:
    """A temporary table that holds part of the delta while one statement uses it."""

    def __init__(self, session: Session, tables: MergeTables, place: sql.Identifier, columns: Iterable[str]) -> None:
        self._session = session
        self._tables = tables
        self._place = place
        self._columns = tuple(columns)

    def fill(self, making: str, lines: Iterable[bytes]) -> None:
        applied.run(self._session, statement(making, self._tables))
        with database_errors.reporting(f"applying {self._tables.plan.dataset}"):
            copy.rows_in(self._session.raw, copy.copy_in(self._place, self._columns), lines)
        applied.run(self._session, analyze(self._place, self._tables.plan.key))

    def use(self, step: str, batch_id: int, *, expected: int) -> None:
        found = applied.run(self._session, statement(step, self._tables, batch_id))
        applied.expect(found, expected, table=self._tables.plan.merge_table, step=step)
        applied.run(self._session, sql.SQL("DROP TABLE {}").format(self._place))
