"""Merge and staging tables as SQLAlchemy metadata, made from the plan.

Only what makes or describes tables imports it: a job needs neither and starts a third faster without SQLAlchemy.
"""

from collections.abc import Iterable
from typing import Any

import sqlalchemy
from sqlalchemy.types import UserDefinedType

from datasurface.yellow.engine import sql_types
from datasurface.yellow.engine.tables.merge_tables import FILLFACTOR, MergeTables
from datasurface.yellow.plan.tables import BATCH_ID


class SpelledType(UserDefinedType[Any]):
    """A column type of SQLAlchemy that renders as the plan spells it."""

    cache_ok = True

    def __init__(self, spelling: str) -> None:
        self.spelling = spelling

    def get_col_spec(self, **_: Any) -> str:
        """The type's text in DDL."""
        return self.spelling


def column(name: str, sql_type: str, *, is_key: bool = False) -> sqlalchemy.Column[Any]:
    """A column of a merge or staging table; a key is never null and, where its type has a collation, in byte order."""
    sql_types.of_plan(sql_type)
    by_bytes = ' COLLATE "C"' if is_key and sql_types.is_collatable(sql_type) else ""
    return sqlalchemy.Column(name, SpelledType(sql_type + by_bytes), nullable=not is_key)


def of_merge(tables: MergeTables) -> sqlalchemy.Table:
    """The merge table without its index, which the first load builds."""
    columns = [*_dataset_columns(tables, keep_key=True), *_hash_columns(tables)]
    columns += [sqlalchemy.Column(name, sqlalchemy.Integer, nullable=False) for name in tables.batch_columns]
    return _table(tables.schema, tables.plan.merge_table, columns, postgresql_with={"fillfactor": FILLFACTOR})


def of_staging(tables: MergeTables) -> sqlalchemy.Table:
    """The staging table: rows of one snapshot with their batch id; no index, no log."""
    columns = [*_dataset_columns(tables, keep_key=False), *_hash_columns(tables)]
    columns.append(sqlalchemy.Column(BATCH_ID, sqlalchemy.Integer, nullable=False))
    return _table(tables.schema, tables.plan.staging_table, columns, prefixes=["UNLOGGED"])


def _dataset_columns(tables: MergeTables, *, keep_key: bool) -> list[sqlalchemy.Column[Any]]:
    return [column(each.name, each.sql_type, is_key=each.is_key and keep_key) for each in tables.plan.columns]


def _hash_columns(tables: MergeTables) -> list[sqlalchemy.Column[Any]]:
    return [column(name, "character varying(32)") for name in tables.hash_columns]


def _table(schema: str, name: str, columns: Iterable[sqlalchemy.Column[Any]], **options: Any) -> sqlalchemy.Table:
    return sqlalchemy.Table(name, sqlalchemy.MetaData(), *columns, schema=schema, **options)
