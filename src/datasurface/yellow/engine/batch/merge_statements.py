"""Statements on the merge tables, made from their named text; each says in `apply.sql` what it reads and writes."""

from collections.abc import Iterable
from typing import Final

from psycopg2 import sql

from datasurface.yellow.engine import queries, sql_types
from datasurface.yellow.engine.tables.merge_tables import MergeTables
from datasurface.yellow.plan.tables import OPEN_BATCH, ColumnPlan

_STATEMENTS: Final = queries.load("apply.sql")
#: Temporary tables; they live in the session's own schema and need no other name.
KEYS: Final = sql.Identifier("pg_temp", "ds_keys")
CHANGES: Final = sql.Identifier("pg_temp", "ds_changes")


def statement(name: str, tables: MergeTables, batch_id: int | None = None) -> sql.Composed:
    """The named statement for the merge table of a dataset, with the batch's id where it has a place for it.

    The id is a literal: a statement run with parameters would read a percent sign in a column's name as one of them.
    """
    return _STATEMENTS[name].format(
        merge=tables.merge,
        batch_id=sql.Literal(batch_id),
        keys=KEYS,
        changes=CHANGES,
        open=sql.Literal(OPEN_BATCH),
        open_rows=_unqualified_open_rows(tables),
        columns=identifiers((*tables.columns, *tables.hash_columns)),
        old_columns=identifiers((*tables.columns, *tables.hash_columns), "m"),
        key_columns=key_columns(tables),
        same_key=same_key(tables, "m", "k"),
        assignments=_assignments(tables),
        index=sql.Identifier(tables.key_index),
        qualified_index=sql.Identifier(tables.schema, tables.key_index),
    )


def setting(name: str) -> sql.SQL:
    """A named statement without places."""
    return _STATEMENTS[name]


def set_lock_timeout(timeout: str) -> sql.Composed:
    """How long statements of the transaction wait for a lock, e.g. "30s"."""
    return _STATEMENTS["set_lock_timeout"].format(timeout=sql.Literal(timeout))


def analyze(table: sql.Composable, columns: Iterable[str]) -> sql.Composed:
    """ANALYZE of some columns of one table: the joins look at no others, and each costs time."""
    return _STATEMENTS["analyze"].format(table=table, key_columns=identifiers(columns))


def drop_not_null(tables: MergeTables, column: str) -> sql.Composed:
    """Let a column of the merge table be null."""
    return _STATEMENTS["drop_not_null"].format(merge=tables.merge, column=sql.Identifier(column))


def set_not_null(tables: MergeTables, column: str) -> sql.Composed:
    """Let a column of the merge table be null no more."""
    return _STATEMENTS["set_not_null"].format(merge=tables.merge, column=sql.Identifier(column))


def identifiers(names: Iterable[str], alias: str | None = None) -> sql.Composed:
    """Quoted column names, with commas between."""
    return sql.SQL(", ").join(sql.Identifier(alias, name) if alias else sql.Identifier(name) for name in names)


def key_columns(tables: MergeTables) -> sql.Composed:
    """The key's columns in byte order, for an index or a temporary table."""
    return sql.SQL(", ").join(
        sql.SQL('{} COLLATE "C"').format(sql.Identifier(column.name))
        if sql_types.is_collatable(column.sql_type)
        else sql.Identifier(column.name)
        for column in _key(tables)
    )


def same_key(tables: MergeTables, left: str, right: str) -> sql.Composed:
    """The condition that two rows have one key, by its canonical text; the typed part lets the index find it."""
    return sql.SQL(" AND ").join(_same_value(column, left, right) for column in _key(tables))


def _same_value(column: ColumnPlan, left: str, right: str) -> sql.Composed:
    ours, theirs = sql.Identifier(left, column.name), sql.Identifier(right, column.name)
    if sql_types.is_collatable(column.sql_type):
        return sql.SQL('{} COLLATE "C" = {} COLLATE "C"').format(ours, theirs)
    typed = sql.SQL("{} = {}").format(ours, theirs)
    if sql_types.is_exact(column.sql_type):
        return typed
    return sql.SQL('{} AND {}::text COLLATE "C" = {}::text COLLATE "C"').format(typed, ours, theirs)


def _key(tables: MergeTables) -> list[ColumnPlan]:
    return [column for column in tables.plan.columns if column.is_key]


def _assignments(tables: MergeTables) -> sql.Composed:
    changing = [name for name in (*tables.columns, *tables.hash_columns) if name not in tables.plan.key]
    return sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Identifier("k", name)) for name in changing
    )


def _unqualified_open_rows(tables: MergeTables) -> sql.Composable:
    if not tables.is_forensic:
        return sql.SQL("true")
    return sql.SQL("ds_surf_batch_out = {}").format(sql.Literal(OPEN_BATCH))
