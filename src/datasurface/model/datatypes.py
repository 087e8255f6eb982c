"""The types a column may have, and how PostgreSQL spells them.

`sql` is the spelling of PostgreSQL's own `format_type`, so that a model's type and a reflected one compare as text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from datasurface.model.records import InvalidRecord, check_range, check_type, freeze_list, refuse

#: PostgreSQL's limits: declared length of character types, declared precision of numeric.
MAX_LENGTH = 10_485_760
MAX_PRECISION = 1000


@dataclass(frozen=True, slots=True)
class DataType:
    """A type of a column. Use one of the classes below."""

    keyword: ClassVar[str] = ""

    def __post_init__(self) -> None:
        if type(self) is DataType:
            raise InvalidRecord("DataType: use one of its kinds, e.g. VarChar(20)")

    @property
    def sql(self) -> str:
        """The type as PostgreSQL prints it, e.g. `character varying(20)`."""
        return self.keyword


@dataclass(frozen=True, slots=True)
class VarChar(DataType):
    """Text of at most `max_length` characters; None: no limit is declared."""

    max_length: int | None = None
    keyword: ClassVar[str] = "character varying"

    def __post_init__(self) -> None:
        if self.max_length is not None:
            check_range(self, "max_length", least=1, most=MAX_LENGTH)

    @property
    def sql(self) -> str:
        return self.keyword if self.max_length is None else f"{self.keyword}({self.max_length})"


@dataclass(frozen=True, slots=True)
class Char(DataType):
    """Text padded with blanks to exactly `length` characters."""

    length: int = 1
    keyword: ClassVar[str] = "character"

    def __post_init__(self) -> None:
        check_range(self, "length", least=1, most=MAX_LENGTH)

    @property
    def sql(self) -> str:
        return f"{self.keyword}({self.length})"


@dataclass(frozen=True, slots=True)
class Text(DataType):
    """Text of any length."""

    keyword: ClassVar[str] = "text"


@dataclass(frozen=True, slots=True)
class SmallInt(DataType):
    """Whole numbers of 2 bytes."""

    keyword: ClassVar[str] = "smallint"


@dataclass(frozen=True, slots=True)
class Integer(DataType):
    """Whole numbers of 4 bytes."""

    keyword: ClassVar[str] = "integer"


@dataclass(frozen=True, slots=True)
class BigInt(DataType):
    """Whole numbers of 8 bytes."""

    keyword: ClassVar[str] = "bigint"


@dataclass(frozen=True, slots=True)
class Decimal(DataType):
    """Exact numbers of `precision` digits, `scale` of them after the point; without precision: any number as it is."""

    precision: int | None = None
    scale: int = 0
    keyword: ClassVar[str] = "numeric"

    def __post_init__(self) -> None:
        check_type(self, "scale", int)
        if self.precision is None:
            if self.scale != 0:
                raise refuse(self, "scale", "needs a precision: Decimal(precision, scale)")
            return
        check_range(self, "precision", least=1, most=MAX_PRECISION)
        check_range(self, "scale", least=0, most=self.precision)

    @property
    def sql(self) -> str:
        return self.keyword if self.precision is None else f"{self.keyword}({self.precision},{self.scale})"


@dataclass(frozen=True, slots=True)
class Real(DataType):
    """Floating point numbers of 4 bytes."""

    keyword: ClassVar[str] = "real"


@dataclass(frozen=True, slots=True)
class Double(DataType):
    """Floating point numbers of 8 bytes."""

    keyword: ClassVar[str] = "double precision"


@dataclass(frozen=True, slots=True)
class Date(DataType):
    """Days."""

    keyword: ClassVar[str] = "date"


@dataclass(frozen=True, slots=True)
class Time(DataType):
    """Times of day without a zone, in microseconds."""

    keyword: ClassVar[str] = "time without time zone"


@dataclass(frozen=True, slots=True)
class Timestamp(DataType):
    """Points in time without a zone, in microseconds."""

    keyword: ClassVar[str] = "timestamp without time zone"


@dataclass(frozen=True, slots=True)
class TimestampTZ(DataType):
    """Points in time with a zone, in microseconds."""

    keyword: ClassVar[str] = "timestamp with time zone"


@dataclass(frozen=True, slots=True)
class Interval(DataType):
    """Spans of time."""

    keyword: ClassVar[str] = "interval"


@dataclass(frozen=True, slots=True)
class Boolean(DataType):
    """True or false."""

    keyword: ClassVar[str] = "boolean"


@dataclass(frozen=True, slots=True)
class UUID(DataType):
    """Universally unique identifiers."""

    keyword: ClassVar[str] = "uuid"


@dataclass(frozen=True, slots=True)
class Bytes(DataType):
    """Binary strings."""

    keyword: ClassVar[str] = "bytea"


@dataclass(frozen=True, slots=True)
class JSON(DataType):
    """JSON kept as the text that was written; it has no equality, so it cannot be a key."""

    keyword: ClassVar[str] = "json"


@dataclass(frozen=True, slots=True)
class JSONB(DataType):
    """JSON kept as a value."""

    keyword: ClassVar[str] = "jsonb"


@dataclass(frozen=True, slots=True)
class Array(DataType):
    """Lists of `element`, of any length and number of dimensions; not of Array, and not of Enum."""

    element: DataType

    def __post_init__(self) -> None:
        check_type(self, "element", DataType)
        if isinstance(self.element, Array):
            raise refuse(self, "element", "must not be an Array: PostgreSQL's arrays have any number of dimensions")
        if isinstance(self.element, Enum):
            raise refuse(self, "element", "must not be an Enum: labels are not checked within an array; use Text")

    @property
    def sql(self) -> str:
        return f"{self.element.sql}[]"


@dataclass(frozen=True, slots=True)
class Enum(DataType):
    """One of `labels`, in any order. The merge table keeps it as text; a value that is no label fails the batch."""

    labels: Sequence[str]
    keyword: ClassVar[str] = "text"

    def __post_init__(self) -> None:
        freeze_list(self, "labels", str)
        if not self.labels:
            raise refuse(self, "labels", "must not be empty")
        if len(set(self.labels)) != len(self.labels):
            raise refuse(self, "labels", "must not repeat a label")
