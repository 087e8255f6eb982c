"""Which type holds every value of another, and gives it back.

A change of type is a widening if stored values print the same after a cast back to the old type: an audit of an older
batch depends on that. The model compares its own types, the engine those that PostgreSQL prints; both ask the same
table here, which works on the text of `format_type`. What the table does not name is no widening.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from datasurface.model.datatypes import Array, DataType, Enum

_SPELLING: Final = re.compile(r"(?P<start>[a-z ]+?)(?:\((?P<numbers>\d{1,9}(?:,-?\d{1,9})?)\))?(?P<end>(?: [a-z ]+)?)")
#: Fractional digits of a second that PostgreSQL keeps where no number is given.
MICROSECONDS: Final = 6
#: Digits of the largest whole number of each type.
_DIGITS: Final[Mapping[str, int]] = {"smallint": 5, "integer": 10, "bigint": 19}


@dataclass(frozen=True, slots=True)
class _Spelled:
    """A type's text taken apart: `character varying(20)` is the family `character varying` with the numbers (20,)."""

    family: str
    numbers: tuple[int, ...]


def is_widening(old: DataType, new: DataType) -> bool:
    """True where every value of `old` fits `new` and prints the same after a cast back; True for equal types too.

    The labels of an Enum may grow, or be given up for Text.
    """
    if isinstance(new, Enum):
        return isinstance(old, Enum) and set(old.labels) <= set(new.labels)
    if isinstance(old, Array) and isinstance(new, Array):
        return is_widening(old.element, new.element)
    return is_widening_sql(old.sql, new.sql)


@lru_cache(maxsize=4096)
def is_widening_sql(old_sql: str, new_sql: str) -> bool:
    """As `is_widening`, for types as PostgreSQL's format_type prints them; an unknown one widens to itself alone."""
    if old_sql == new_sql:
        return True
    if old_sql.endswith("[]") or new_sql.endswith("[]"):
        both = old_sql.endswith("[]") and new_sql.endswith("[]")
        return both and is_widening_sql(old_sql[:-2], new_sql[:-2])
    old, new = _taken_apart(old_sql), _taken_apart(new_sql)
    if old is None or new is None:
        return False
    fits = _WIDER.get((old.family, new.family))
    return fits is not None and fits(old.numbers, new.numbers)


def _taken_apart(sql: str) -> _Spelled | None:
    match = _SPELLING.fullmatch(sql)
    if match is None:
        return None
    numbers = tuple(int(number) for number in (match["numbers"] or "").split(",") if number)
    return _Spelled(match["start"] + match["end"], numbers)


Numbers = tuple[int, ...]
Fits = Callable[[Numbers, Numbers], bool]


def _always(_old: Numbers, _new: Numbers) -> bool:
    return True


def _length(old: Numbers, new: Numbers) -> bool:
    """A declared length may grow or be given up."""
    return not new or (bool(old) and old[0] <= new[0])


def _fixed_length(old: Numbers, new: Numbers) -> bool:
    return bool(old) and _length(old, new)


def _numeric(old: Numbers, new: Numbers) -> bool:
    """Digits before the point and after it may grow; without a precision every number stays as it is."""
    if not new:
        return True
    if not old:
        return False
    (old_precision, old_scale), (new_precision, new_scale) = _precision_scale(old), _precision_scale(new)
    return old_scale <= new_scale and old_precision - old_scale <= new_precision - new_scale


def _precision_scale(numbers: Numbers) -> tuple[int, int]:
    return (numbers[0], numbers[1]) if len(numbers) > 1 else (numbers[0], 0)


def _whole_number(digits: int) -> Fits:
    def fits(_old: Numbers, new: Numbers) -> bool:
        if not new:
            return True
        precision, scale = _precision_scale(new)
        return scale >= 0 and precision - scale >= digits

    return fits


def _fraction(old: Numbers, new: Numbers) -> bool:
    """Fractional digits of a second may grow."""
    return (old[0] if old else MICROSECONDS) <= (new[0] if new else MICROSECONDS)


_VARCHAR, _CHAR, _TEXT = "character varying", "character", "text"
_TIMESTAMP = "timestamp without time zone"
_CLOCKS = ("time without time zone", "time with time zone", _TIMESTAMP, "timestamp with time zone")

#: (family of the old type, family of the new one) → whether the numbers in brackets allow it.
_WIDER: Final[Mapping[tuple[str, str], Fits]] = {
    (_VARCHAR, _VARCHAR): _length,
    (_VARCHAR, _TEXT): _always,
    (_TEXT, _VARCHAR): _length,
    (_CHAR, _CHAR): _fixed_length,
    (_CHAR, _VARCHAR): _fixed_length,
    (_CHAR, _TEXT): _fixed_length,
    ("smallint", "integer"): _always,
    ("smallint", "bigint"): _always,
    ("integer", "bigint"): _always,
    ("smallint", "real"): _always,
    ("smallint", "double precision"): _always,
    ("integer", "double precision"): _always,
    ("real", "double precision"): _always,
    ("numeric", "numeric"): _numeric,
    **{(family, "numeric"): _whole_number(digits) for family, digits in _DIGITS.items()},
    ("date", _TIMESTAMP): _always,
    **{(clock, clock): _fraction for clock in _CLOCKS},
}
