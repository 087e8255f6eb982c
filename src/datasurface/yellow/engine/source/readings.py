"""How a source table is read: in the model's types, and only where no value loses by it. Pure.

A source column of the model's own type is read as it is, one that is provably narrower is cast. Anything else is cast
together with a check in the same snapshot: the value must print the same after a cast to the model's type and back. So
a value that is too long, needs rounding or has a time of day fails the batch before anything is applied.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from psycopg2 import sql

from datasurface.errors import ModelError
from datasurface.model.widening import is_widening_sql
from datasurface.yellow.engine import sql_types
from datasurface.yellow.engine.columns import ColumnFact, RelationKind
from datasurface.yellow.plan.tables import ColumnPlan, TablePlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A condition that no row of the source may meet; `problem` says what is wrong with the values that do."""

    column: str
    problem: str
    condition: sql.Composed


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A query of the source's rows in `table.wire_columns`, and what has to hold for it to lose nothing.

    `columns` are the source's own names of the columns, in the order of `table.wire_columns`.
    """

    table: TablePlan
    relation: sql.Identifier
    query: sql.Composed
    checks: Sequence[Check]
    columns: Sequence[str]

    @property
    def source_key(self) -> tuple[str, ...]:
        """The source's own names of the key's columns; of all columns where there is no key."""
        return tuple(self.columns[: len(self.table.key)] if self.table.key else self.columns)


#: The encoding of a database that takes any bytes for text and counts them as characters.
WITHOUT_ENCODING: Final = "SQL_ASCII"
#: Texts of a database without an encoding that are UTF-8: as its regular expressions see them, byte for byte.
_UTF_8: Final = (
    r"^(?:[\x01-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}"
    r"|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})*$"
)
#: Types of which every value prints in ASCII.
_ASCII_TYPES: Final = re.compile(
    r"(smallint|integer|bigint|numeric|real|double precision|date|timestamp|time|interval|boolean|uuid|bytea)\b.*"
)


def reading(table: TablePlan, schema: str, facts: Mapping[str, ColumnFact], encoding: str = "UTF8") -> Reading:
    """How to read `table` from a source table with the columns `facts`; `encoding` is the source database's.

    Raises ModelError where the source has no such column, or two that match equally well.
    """
    matched = [(column, _match(column, table, facts)) for column in table.wire_columns]
    columns = [_expression(column, fact) for column, fact in matched]
    relation = sql.Identifier(schema, table.source_table)
    return Reading(
        table=table,
        relation=relation,
        query=sql.SQL("SELECT {} FROM {} AS s").format(sql.SQL(", ").join(columns), relation),
        checks=[check for column, fact in matched for check in _checks(column, fact, encoding)],
        columns=[fact.name for _, fact in matched],
    )


def _match(column: ColumnPlan, table: TablePlan, facts: Mapping[str, ColumnFact]) -> ColumnFact:
    if column.name in facts:
        return facts[column.name]
    alike = [fact for name, fact in facts.items() if name.lower() == column.name.lower()]
    if len(alike) == 1:
        return alike[0]
    where = f"{table.dataset}.{column.name}"
    if alike:
        names = ", ".join(sorted(fact.name for fact in alike))
        raise ModelError(
            f"{where}: columns {names} of source table {table.source_table} differ from it in case alone",
            fix="Spell the column in the model as the source does",
        )
    raise ModelError(
        f"{where}: source table {table.source_table} has no such column (it has {', '.join(sorted(facts))})",
        fix="Restore the column in the source, or take it out of the model",
    )


def _expression(column: ColumnPlan, fact: ColumnFact) -> sql.Composed:
    own = sql.SQL("{}").format(sql.Identifier("s", fact.name))
    if fact.sql_type == column.sql_type:
        return own
    return sql.SQL("{}::{}").format(own, sql_types.of_plan(column.sql_type))


def _checks(column: ColumnPlan, fact: ColumnFact, encoding: str) -> list[Check]:
    own = sql.Identifier("s", fact.name)
    checks = []
    if column.is_required and not _enforces_not_null(fact):
        condition = sql.SQL("{} IS NULL").format(own)
        checks.append(
            Check(column=column.name, problem="would be null, and the model says not null", condition=condition)
        )
    if fact.sql_type != column.sql_type and not is_widening_sql(fact.sql_type, column.sql_type):
        problem = f"would lose by the cast: the source says {fact.sql_type}, the model says {column.sql_type}"
        condition = sql.SQL('({0}::{1}::{2})::text COLLATE "C" IS DISTINCT FROM {0}::text COLLATE "C"').format(
            own, sql_types.of_plan(column.sql_type), sql_types.of_catalogue(fact.sql_type)
        )
        checks.append(Check(column=column.name, problem=problem, condition=condition))
    if column.labels:
        checks.append(_label_check(column, own, encoding))
    if encoding == WITHOUT_ENCODING:
        checks.extend(_byte_checks(column, fact))
    return checks


def _label_check(column: ColumnPlan, own: sql.Identifier, encoding: str) -> Check:
    """A label that is not ASCII is compared as bytes of UTF-8, for the source's encoding may lack a character of it."""
    if encoding in ("UTF8", WITHOUT_ENCODING) or all(label.isascii() for label in column.labels):
        value, labels, kind = '{0}::text COLLATE "C"', list(column.labels), "text[]"
    else:
        value, labels = (
            "pg_catalog.convert_to({0}::text, 'UTF8')",
            [f"\\x{each.encode().hex()}" for each in column.labels],
        )
        kind = "bytea[]"
    found = sql.SQL(value).format(own)
    condition = sql.SQL("{0} IS NOT NULL AND NOT ({1} = ANY ({2}::{3}))").format(
        own, found, sql.Literal(labels), sql.SQL(kind)
    )
    return Check(column=column.name, problem="would be no label of the model's Enum", condition=condition)


def _byte_checks(column: ColumnPlan, fact: ColumnFact) -> Iterator[Check]:
    """What a database that takes any bytes for text has to be asked: they must be UTF-8, as the merge table's are."""
    if _ASCII_TYPES.fullmatch(fact.sql_type):
        return
    text = sql.SQL('{}::text COLLATE "C"').format(sql.Identifier("s", fact.name))
    yield Check(
        column=column.name,
        problem=f"would be no text: its bytes are not UTF-8, which the source's {WITHOUT_ENCODING} database lets pass",
        condition=sql.SQL("NOT ({} ~ {})").format(text, sql.Literal(_UTF_8)),
    )
    if column.sql_type.startswith("character("):
        yield Check(
            column=column.name,
            problem=f"would be padded to another length: the source's {WITHOUT_ENCODING} database counts bytes; "
            "use VarChar or Text in the model",
            condition=sql.SQL("{} ~ {}").format(text, sql.Literal(r"[^\x01-\x7f]")),
        )


def _enforces_not_null(fact: ColumnFact) -> bool:
    """Whether the source itself keeps nulls out.

    Behind an outer join a domain's constraint does not, nor does that of a foreign table.
    """
    return fact.is_required and not fact.is_domain and fact.relation_kind is not RelationKind.FOREIGN_TABLE
