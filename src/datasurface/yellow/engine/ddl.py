"""DDL from SQLAlchemy metadata: the text of a statement, which is run like any other on a session."""

import sqlalchemy
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

from datasurface.yellow.engine.connect import Session


def creation(table: sqlalchemy.Table, *, if_missing: bool = False) -> str:
    """The text of the statement that creates a table."""
    return _text(CreateTable(table, if_not_exists=if_missing))


def create(session: Session, table: sqlalchemy.Table) -> None:
    """Create a table and its indexes in the caller's transaction."""
    indexes = sorted(table.indexes, key=lambda index: str(index.name))
    with session.raw.cursor() as cursor:
        for statement in [creation(table), *(_text(CreateIndex(index)) for index in indexes)]:
            cursor.execute(statement)


def _text(element: ExecutableDDLElement) -> str:
    # With named parameters a percent sign in a name is not doubled: the statement is run without parameters.
    dialect = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
    return str(element.compile(dialect=dialect)).strip()
