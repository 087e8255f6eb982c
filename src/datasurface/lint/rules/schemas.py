"""Schemas: how many columns, and which may be a key."""

from collections.abc import Iterator
from typing import Final

from datasurface.lint.context import LintContext
from datasurface.lint.report import Severity
from datasurface.lint.rule import Problem, rule
from datasurface.model.datatypes import JSON, JSONB, Array, DataType, Decimal, Double, Interval, Real

#: PostgreSQL's 1,600 without room for the platform's own.
MAX_COLUMNS: Final = 1_590
MAX_KEY_COLUMNS: Final = 32


@rule("DS501")
def column_count(context: LintContext) -> Iterator[Problem]:
    """A dataset has 1 to 1,590 columns."""
    for path, _, dataset in context.ecosystem.datasets():
        count = len(dataset.schema.columns)
        if not 1 <= count <= MAX_COLUMNS:
            yield Problem(
                path,
                f"the dataset has {count} columns",
                "declare at least one column" if count == 0 else f"split it: a table holds {MAX_COLUMNS}",
            )


@rule("DS502")
def comparable_key(context: LintContext) -> Iterator[Problem]:
    """The type of a key column has an equality."""
    for path, kind in _key_columns(context):
        if isinstance(_element(kind), JSON):
            yield Problem(
                path,
                f"a {kind.sql} column is in the primary key, and PostgreSQL cannot compare {kind.sql}",
                "use JSONB, or take the column out of the key; without any key the whole row is compared",
            )


@rule("DS503", severity=Severity.WARNING)
def exact_key(context: LintContext) -> Iterator[Problem]:
    """Equal values of a key column print alike."""
    for path, kind in _key_columns(context):
        element = _element(kind)
        if isinstance(element, (Real, Double, Interval, JSONB)) or element == Decimal():
            yield Problem(
                path,
                f"equal values of the key's type {kind.sql} may print differently (1.0 and 1.00)",
                "use a type with one spelling per value, such as BigInt, Decimal(p, s) or VarChar",
            )


@rule("DS504")
def key_width(context: LintContext) -> Iterator[Problem]:
    """A key has at most 32 columns."""
    for path, _, dataset in context.ecosystem.datasets():
        count = len(dataset.schema.key)
        if count > MAX_KEY_COLUMNS:
            yield Problem(
                path,
                f"the primary key has {count} columns, an index of PostgreSQL holds {MAX_KEY_COLUMNS}",
                "name a smaller key, or none: then the whole row is the key, by its hash",
            )


def _key_columns(context: LintContext) -> Iterator[tuple[str, DataType]]:
    for path, _, dataset in context.ecosystem.datasets():
        for column in dataset.schema.columns:
            if column.primary_key:
                yield f"{path}/{column.name}", column.type


def _element(kind: DataType) -> DataType:
    return kind.element if isinstance(kind, Array) else kind
