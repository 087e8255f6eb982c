"""The records of a change: planned, and committed. What a row was and is appears as a hash, never as a value."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from psycopg2 import sql

LOG_VERSION = 1


class OperationName(StrEnum):
    """The five kinds of change; the value is what the JSON log says."""

    INSERT_CUSTOMER = "insert_customer"
    UPDATE_CUSTOMER = "update_customer"
    INSERT_ADDRESS = "insert_address"
    UPDATE_ADDRESS = "update_address"
    DELETE_ADDRESS = "delete_address"


class RowOperation(StrEnum):
    """What became of one row in one change."""

    INSERTED = "I"
    UPDATED = "U"
    DELETED = "D"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class RowKey:
    """One row of the source."""

    table: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """SQL with its parameters, ready for a cursor."""

    text: sql.Composed
    parameters: tuple[object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedChange:
    """One transaction to be: the statements, and every row they may touch, cascades included."""

    operation: OperationName
    keys: tuple[RowKey, ...]
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowChange:
    """One row before and after a change: 32 hex digits of a hash of its content, or None where there was no row."""

    table: str
    key: str
    before: str | None
    after: str | None

    @property
    def operation(self) -> RowOperation:
        """Inserted, updated or deleted."""
        if self.before is None:
            return RowOperation.INSERTED
        return RowOperation.DELETED if self.after is None else RowOperation.UPDATED


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One committed change.

    `n` counts from 1 over the life of a `Simulator`; `at` is an aware UTC time just after the commit was known;
    `rows` holds every row whose content changed, by table and key.
    """

    n: int
    at: datetime
    operation: OperationName
    rows: tuple[RowChange, ...]

    def to_json(self) -> str:
        """The line of the JSON log, without a line end."""
        rows = [
            {"table": row.table, "key": row.key, "op": row.operation.value, "before": row.before, "after": row.after}
            for row in self.rows
        ]
        at = self.at.astimezone(UTC).isoformat(timespec="microseconds")
        return json.dumps({"v": LOG_VERSION, "at": at, "n": self.n, "op": self.operation.value, "rows": rows})
