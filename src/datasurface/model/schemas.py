"""Schemas: what the table of a dataset looks like to its consumers."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from datasurface.model.datatypes import DataType
from datasurface.model.records import check_name, check_type, freeze_list, is_plain_text


class ClassificationType(StrEnum):
    """How sensitive data is: public, internal, confidential, personal (CPI: customer personal information) …"""

    PUB = "public"
    IP = "intellectual property"
    PC1 = "personal"
    PC2 = "personal, public record"
    CPI = "customer personal information"
    MNPI = "material non-public information"
    CSI = "confidential supervisory information"
    PC3 = "personal, sensitive"


@dataclass(frozen=True, slots=True)
class SimpleClassification:
    """A classification and the words that go with it."""

    kind: ClassificationType
    documentation: str = ""

    def __post_init__(self) -> None:
        check_type(self, "kind", ClassificationType)
        check_type(self, "documentation", str)


@dataclass(frozen=True, slots=True)
class DDLColumn:
    """A column: its name as the source spells it, its type, whether it may be null and is part of the key.

    A column of the primary key is never null, whatever `nullable` says. `classifications` overrides the dataset's.
    `deprecated` says why and until when it may leave the model; None: it is not deprecated.
    """

    name: str
    type: DataType
    nullable: bool = True
    primary_key: bool = False
    classifications: Sequence[SimpleClassification] = ()
    documentation: str = ""
    deprecated: str | None = None

    def __post_init__(self) -> None:
        if _is_plain(self):
            return
        check_name(self)
        check_type(self, "type", DataType)
        check_type(self, "nullable", bool)
        check_type(self, "primary_key", bool)
        freeze_list(self, "classifications", SimpleClassification)
        check_type(self, "documentation", str)
        check_type(self, "deprecated", str, type(None))

    @property
    def is_required(self) -> bool:
        """True where a null fails the batch."""
        return self.primary_key or not self.nullable


def _is_plain(column: Any) -> bool:
    """True where nothing is to be refused or changed, seen at one glance: a large model has a million columns."""
    return (
        is_plain_text(column.name)
        and column.name != ""
        and isinstance(column.type, DataType)
        and type(column.nullable) is bool
        and type(column.primary_key) is bool
        and column.classifications == ()
        and is_plain_text(column.documentation)
        and column.deprecated is None
    )


@dataclass(frozen=True, slots=True)
class DDLTable:
    """The columns of a table, in the order that consumers see. Without a primary key the whole row is the key."""

    columns: Sequence[DDLColumn]

    def __post_init__(self) -> None:
        freeze_list(self, "columns", DDLColumn)

    @property
    def key(self) -> tuple[str, ...]:
        """Names of the columns of the primary key, in order; empty where there is none."""
        return tuple(column.name for column in self.columns if column.primary_key)
