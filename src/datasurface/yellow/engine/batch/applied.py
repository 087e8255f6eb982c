"""Applying a delta is its statements in order, each with the number of rows that it has to change."""

from psycopg2 import sql

from datasurface.errors import StateError
from datasurface.yellow.engine.connect import Session


class RowsDoNotFit(StateError):
    """A statement changed another number of rows than the delta says; nothing of the batch is kept."""

    def __init__(self, *, table: str, step: str, expected: int, found: int) -> None:
        self.table, self.step, self.expected, self.found = table, step, expected, found
        super().__init__(
            f"{table}: {step.replace('_', ' ')} changed {found} rows where the difference has {expected}; "
            "somebody else writes to the merge table, or it is damaged. Nothing was applied",
            fix="Run `datasurface audit` for what differs",
        )


def run(session: Session, statement: sql.Composable) -> int:
    """Run a statement in the caller's transaction; returns how many rows it changed or returned."""
    with session.raw.cursor() as cursor:
        cursor.execute(statement)
        return cursor.rowcount


def first_value(session: Session, statement: sql.Composable, **parameters: object) -> object:
    """Run a query in the caller's transaction; returns the first column of its first row."""
    with session.raw.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        row = cursor.fetchone()
    return None if row is None else row[0]


def expect(found: int, expected: int, *, table: str, step: str) -> None:
    """Raise RowsDoNotFit unless a step changed as many rows as the delta says."""
    if found != expected:
        raise RowsDoNotFit(table=table, step=step, expected=expected, found=found)
