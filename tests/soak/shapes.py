"""What a model of the random sequences may look like: datasets, their columns, types and keys. Pure.

A shape is turned into a real model by `landscapes`; the oracle reads it to know what the platform has to do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

ITEMS, OTHERS = "items", "others"
#: The source's tables, which never change their form.
SOURCE: Final[Mapping[str, Mapping[str, str]]] = {
    ITEMS: {
        "id": "integer",
        "k": "text",
        "a": "text",
        "b": "character varying(10)",
        "n": "numeric",
        "w": "bigint",
    },
    OTHERS: {"id": "integer", "v": "text"},
}
#: The types that a model may give a column, each wider than the one before.
LADDERS: Final[Mapping[str, Sequence[str]]] = {
    "id": ("integer", "bigint"),
    "k": ("character varying(6)", "text"),
    "a": ("character varying(4)", "character varying(8)", "text"),
    "b": ("character varying(10)", "character varying(20)", "text"),
    "n": ("numeric(6,2)", "numeric"),
    "w": ("integer", "bigint"),
    "v": ("text",),
}
KEYS: Final[Sequence[tuple[str, ...]]] = (("id",), ("id",), ("id", "k"), ("k", "id"), ("k",), ())
_TEXTS: Final = ("", "a", "A", "abc", "ab", "c", "\t", "\\N", "\\", "\n", "ä", "a\u0308", "'", "longer than four", None)
#: Values that are nearly the same, that COPY has to escape, that do not fit every type of the ladder.
VALUES: Final[Mapping[str, Sequence[str | None]]] = {
    "id": (*map(str, range(12)), None),
    "k": ("x", "", "X", "y", "\t", "\\N", "a\tb", "longer than six", None),
    "a": _TEXTS,
    "b": tuple(None if text is None else text[:10] for text in _TEXTS),
    "n": ("0.00", "1.00", "1.0", "1", "NaN", "-2.50", "12345.678", None),
    "w": ("0", "1", "-7", "2147483647", "5000000000", None),
    "v": _TEXTS,
}
_WHOLE: Final = {"integer": 2**31, "bigint": 2**63}


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a model."""

    name: str
    sql_type: str
    is_key: bool = False
    is_required: bool = False


@dataclass(frozen=True, kw_only=True)
class TableShape:
    """A dataset of a model."""

    dataset: str
    columns: Sequence[Column]

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.is_key)

    @property
    def wire(self) -> tuple[Column, ...]:
        """The columns as rows travel: the key first."""
        return tuple(sorted(self.columns, key=lambda column: not column.is_key))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.wire)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A model: its datasets, and what its platform is like."""

    is_forensic: bool
    is_multi: bool
    store_hashes: bool
    tables: Mapping[str, TableShape]
    number: int = field(default=0)

    def streams(self) -> tuple[str | None, ...]:
        """The stream of all datasets (None), or one per dataset."""
        return (None,) if self.is_multi else tuple(self.tables)

    def of_stream(self, stream: str | None) -> tuple[TableShape, ...]:
        return tuple(self.tables[name] for name in sorted(self.tables) if stream in (None, name))

    def but(self, **changes: object) -> "Shape":
        return replace(self, **changes)  # type: ignore[arg-type]


def escaped(value: str | None) -> str:
    """A value as COPY prints it."""
    if value is None:
        return "\\N"
    for character, name in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"), ("\b", "\\b")):
        value = value.replace(character, name)
    return value.replace("\f", "\\f").replace("\v", "\\v")


def unescaped(text: str) -> str | None:
    """A value from its COPY text."""
    if text == "\\N":
        return None
    if "\\" not in text:
        return text
    parts = text.split("\\\\")
    for character, name in (("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"), ("\b", "\\b"), ("\f", "\\f"), ("\v", "\\v")):
        parts = [part.replace(name, character) for part in parts]
    return "\\".join(parts)


def cast(value: str | None, sql_type: str) -> str | None:
    """What a value of the source or of a merge table prints in a type. Raises OverflowError where it has no place."""
    if value is None:
        return None
    if sql_type.startswith("character varying("):
        return value[: int(sql_type.split("(")[1][:-1])]
    if sql_type == "numeric(6,2)":
        return value if value == "NaN" else str(Decimal(value).quantize(Decimal("0.01")))
    if sql_type in _WHOLE and not -_WHOLE[sql_type] <= int(value) < _WHOLE[sql_type]:
        raise OverflowError
    return value


def fits(value: str | None, sql_type: str) -> bool:
    """Whether a value loses nothing in a type."""
    try:
        if sql_type == "numeric(6,2)" and value is not None and value != "NaN" and abs(Decimal(value)) >= 10**4:
            return False
        return cast(value, sql_type) == value
    except OverflowError:
        return False
