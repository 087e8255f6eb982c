"""Merge tables that were kept wide while the model went back to a narrower type.

Rows are compared in the model's types. A stored value that the narrower type cannot hold would not even be read, or
look like another one; such a table is loaded anew. Reads in the caller's transaction, which goes on.
"""

from collections.abc import Mapping
from typing import Final

import psycopg2
from psycopg2 import sql

from datasurface.yellow.engine import columns, queries, sql_types
from datasurface.yellow.engine.batch import applied, batch_state
from datasurface.yellow.engine.batch.batch_state import DatasetState
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.tables.merge_tables import MergeTables

_STATEMENTS: Final = queries.load("apply.sql")


def loses_rows(session: Session, tables: MergeTables, previous: DatasetState | None) -> bool:
    """Whether a row of the present holds a value that would not come back whole from the plan's type.

    A batch that was committed under the plan's types left none: then nothing is asked. A dataset that was away has rows
    of types that nobody knows (`previous` None).
    """
    if previous is not None and tuple(previous.columns) == batch_state.column_states(tables.plan):
        return False
    stored = _stored_otherwise(session, tables)
    if not stored:
        return False
    conditions = [_is_lost(tables, column, stored_type) for column, stored_type in stored.items()]
    question = _STATEMENTS["holds_more"].format(
        merge=tables.merge, open_rows=tables.open_rows("m"), lost=sql.SQL(" OR ").join(conditions)
    )
    applied.run(session, sql.SQL("SAVEPOINT ds_narrowed"))
    try:
        return applied.first_value(session, question) is True
    except psycopg2.DataError:  # it does not even fit
        applied.run(session, sql.SQL("ROLLBACK TO SAVEPOINT ds_narrowed"))
        return True


def _stored_otherwise(session: Session, tables: MergeTables) -> Mapping[str, str]:
    """The plan's columns that are stored in another type, and which."""
    facts = columns.read(session, tables.schema, [tables.plan.merge_table]).get(tables.plan.merge_table, {})
    return {
        column.name: facts[column.name].sql_type
        for column in tables.plan.wire_columns
        if column.name in facts and facts[column.name].sql_type != column.sql_type
    }


def _is_lost(tables: MergeTables, column: str, stored_type: str) -> sql.Composed:
    planned = next(each.sql_type for each in tables.plan.wire_columns if each.name == column)
    return sql.SQL('({0}::{1}::{2})::text COLLATE "C" IS DISTINCT FROM {0}::text COLLATE "C"').format(
        sql.Identifier("m", column), sql_types.of_plan(planned), sql_types.of_catalogue(stored_type)
    )
