"""Types in SQL: the one place where the spelling of a type, from a plan or a catalogue, becomes part of a statement."""

import re
from typing import Any, Final

import sqlalchemy
from psycopg2 import sql
from sqlalchemy.types import UserDefinedType

#: What `format_type` prints for the types of a plan: words, perhaps a length or precision, perhaps an array.
_PLAN_TYPE: Final = re.compile(r"[a-z]+( [a-z]+)*(\(\d+(,\d+)?\))?( [a-z]+)*(\[\])?")

#: Types whose order depends on a collation; keys of these types are kept in byte order.
_COLLATABLE: Final = ("character", "character varying", "text")

#: Types whose `=` holds only for values that also print alike.
_EXACT: Final = re.compile(
    r"(character varying(\(\d+\))?|text|smallint|integer|bigint|numeric\(\d+,\d+\)|date|timestamp with(out)? time zone"
    r"|time without time zone|boolean|uuid|bytea|character\(\d+\))"
)


class SpelledType(UserDefinedType[Any]):
    """A column type of SQLAlchemy that renders as the plan spells it."""

    cache_ok = True

    def __init__(self, spelling: str) -> None:
        self.spelling = spelling

    def get_col_spec(self, **_: Any) -> str:
        """The type's text in DDL."""
        return self.spelling


def of_plan(sql_type: str) -> sql.SQL:
    """A plan's type as SQL. Raises ValueError for anything but the spelling of a type."""
    if not _PLAN_TYPE.fullmatch(sql_type):
        raise ValueError(f"{sql_type!r} is no type of a plan")
    return sql.SQL(sql_type)


def of_catalogue(format_type: str) -> sql.SQL:
    """A type as the server's own `format_type` printed it, which quotes the names in it."""
    return sql.SQL(format_type)


def column(name: str, sql_type: str, *, is_key: bool = False) -> sqlalchemy.Column[Any]:
    """A column of a merge or staging table; a key is never null and, where its type has a collation, in byte order."""
    of_plan(sql_type)
    by_bytes = ' COLLATE "C"' if is_key and is_collatable(sql_type) else ""
    return sqlalchemy.Column(name, SpelledType(sql_type + by_bytes), nullable=not is_key)


def is_collatable(sql_type: str) -> bool:
    """Whether values of the type are ordered by a collation."""
    return sql_type.partition("(")[0] in _COLLATABLE


def is_exact(sql_type: str) -> bool:
    """Whether `=` of the type is equality of the canonical text; it is not for 1.0 and 1.00 as numeric, 0 and -0 as
    float.
    """
    return _EXACT.fullmatch(sql_type) is not None
