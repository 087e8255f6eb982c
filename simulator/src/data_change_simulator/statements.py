"""Builders of single-row statements: names by identifier quoting, values as parameters."""

from collections.abc import Mapping

from psycopg2 import sql

from data_change_simulator.changes import RowKey, Statement


def insert_row(table: str, values: Mapping[str, object]) -> Statement:
    """Insert one row; columns not in `values` get their default."""
    text = sql.SQL("INSERT INTO {table} ({columns}) VALUES ({places})").format(
        table=sql.Identifier(table),
        columns=sql.SQL(", ").join(map(sql.Identifier, values)),
        places=sql.SQL(", ").join(sql.Placeholder() * len(values)),
    )
    return Statement(text=text, parameters=tuple(values.values()))


def update_row(row: RowKey, values: Mapping[str, object]) -> Statement:
    """Set the columns in `values` of one row."""
    assignments = (sql.SQL("{} = %s").format(sql.Identifier(column)) for column in values)
    text = sql.SQL("UPDATE {table} SET {assignments} WHERE id = %s").format(
        table=sql.Identifier(row.table), assignments=sql.SQL(", ").join(assignments)
    )
    return Statement(text=text, parameters=(*values.values(), row.key))


def delete_row(row: RowKey) -> Statement:
    """Delete one row; the foreign keys decide what goes with it."""
    text = sql.SQL("DELETE FROM {table} WHERE id = %s").format(table=sql.Identifier(row.table))
    return Statement(text=text, parameters=(row.key,))
