"""Types in SQL: the one place where the spelling of a type, from a plan or a catalogue, becomes part of a statement."""

import re
from typing import Final

from psycopg2 import sql

#: What `format_type` prints for the types of a plan: words, perhaps a length or precision, perhaps an array.
_PLAN_TYPE: Final = re.compile(r"[a-z]+( [a-z]+)*(\(\d+(,\d+)?\))?( [a-z]+)*(\[\])?")

#: Types whose order depends on a collation; keys of these types are kept in byte order.
_COLLATABLE: Final = ("character", "character varying", "text")

#: Types whose `=` holds only for values that also print alike.
_EXACT: Final = re.compile(
    r"(character varying(\(\d+\))?|text|smallint|integer|bigint|numeric\(\d+,\d+\)|date|timestamp with(out)? time zone"
    r"|time without time zone|boolean|uuid|bytea|character\(\d+\))"
)


def of_plan(sql_type: str) -> sql.SQL:
    """A plan's type as SQL. Raises ValueError for anything but the spelling of a type."""
    if not _PLAN_TYPE.fullmatch(sql_type):
        raise ValueError(f"{sql_type!r} is no type of a plan")
    return sql.SQL(sql_type)


def of_catalogue(format_type: str) -> sql.SQL:
    """A type as the server's own `format_type` printed it, which quotes the names in it."""
    return sql.SQL(format_type)


def is_collatable(sql_type: str) -> bool:
    """Whether values of the type are ordered by a collation."""
    return sql_type.partition("(")[0] in _COLLATABLE


def is_exact(sql_type: str) -> bool:
    """Whether `=` of the type is equality of the canonical text; it is not for 1.0 and 1.00 as numeric, 0 and -0 as
    float.
    """
    return _EXACT.fullmatch(sql_type) is not None
