"""What a database says of the columns of its tables: of many tables by one catalogue query.

Types are spelled by the server's own `format_type`, so that they compare as text with a plan's; SQLAlchemy's reflection
would give objects that lost that spelling (docs/design/20261121-column-facts.md). Nothing here decides or changes
anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from datasurface.yellow.engine import database_errors, queries
from datasurface.yellow.engine.connect import Session


class RelationKind(StrEnum):
    """What a column belongs to, by the letter that pg_class has for it."""

    TABLE = "r"
    PARTITIONED_TABLE = "p"
    VIEW = "v"
    MATERIALIZED_VIEW = "m"
    FOREIGN_TABLE = "f"


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnFact:
    """A column as it is. `sql_type` is the base type where the column's is a domain or an array of one (`is_domain`).

    `is_required` is not null, by the column or by its domain. `collation` is None where the type has none and `default`
    for the database's own; of one that is not `is_deterministic` equal values may differ in bytes. `ordinal` grows with
    the column's place and may have gaps.
    """

    name: str
    sql_type: str
    is_required: bool
    is_domain: bool
    is_enum: bool
    is_generated: bool
    collation: str | None
    is_deterministic: bool
    relation_kind: RelationKind
    ordinal: int


#: The columns of tables by table and by name, in the order of the table.
Columns = Mapping[str, Mapping[str, ColumnFact]]


def read(session: Session, schema: str, tables: Sequence[str]) -> Columns:
    """The columns of those of `tables` that exist in `schema`, in the caller's transaction.

    A table that does not exist, or has no column, has no entry. Temporary tables are in a schema of their own and are
    not found.
    """
    found: dict[str, dict[str, ColumnFact]] = {}
    doing = f"reading the columns of {len(tables)} tables of {session.endpoint}"
    with database_errors.reporting(doing), session.raw.cursor() as cursor:
        cursor.execute(queries.load("columns.sql")["read_columns"], {"schema": schema, "tables": list(tables)})
        for table, *values in cursor.fetchall():
            fact = _fact(*values)
            found.setdefault(table, {})[fact.name] = fact
    return found


def _fact(*values: object) -> ColumnFact:
    names = ColumnFact.__dataclass_fields__
    given = dict(zip(names, values, strict=True))
    return ColumnFact(**{**given, "relation_kind": RelationKind(given["relation_kind"])})  # type: ignore[arg-type]
