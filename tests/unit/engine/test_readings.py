"""How a source column is read: as it is, cast where that is proven, else cast together with a check."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from psycopg2 import sql

from datasurface.errors import ModelError
from datasurface.yellow.engine.columns import ColumnFact, RelationKind
from datasurface.yellow.engine.source import readings
from datasurface.yellow.engine.source.readings import Reading
from datasurface.yellow.plan.tables import ColumnPlan, TablePlan

FACT = ColumnFact(
    name="c",
    sql_type="text",
    is_required=False,
    is_domain=False,
    is_enum=False,
    is_generated=False,
    collation=None,
    is_deterministic=True,
    relation_kind=RelationKind.TABLE,
    ordinal=1,
)


def reading(*columns: ColumnPlan, facts: dict[str, ColumnFact]) -> Reading:
    table = TablePlan(dataset="d", source_table="src", merge_table="m", staging_table="s", columns=columns)
    return readings.reading(table, "public", facts)


def read_as(source_type: str, model_type: str) -> Reading:
    return reading(ColumnPlan(name="c", sql_type=model_type), facts={"c": replace(FACT, sql_type=source_type)})


def text(composable: sql.Composable) -> str:
    """A statement's text with plain identifiers; rendering it truly needs a connection."""

    def parts(each: sql.Composable) -> Iterator[str]:
        if isinstance(each, sql.Composed):
            for part in each.seq:
                yield from parts(part)
        elif isinstance(each, sql.Identifier):
            yield ".".join(each.strings)
        elif isinstance(each, sql.SQL):
            yield each.string
        else:
            yield repr(each)

    return "".join(parts(composable))


def test_column_of_the_models_type_is_read_as_it_is():
    """No cast, no check, no second scan."""
    found = read_as("numeric(10,2)", "numeric(10,2)")

    assert text(found.query) == "SELECT s.c FROM public.src AS s"
    assert not found.checks


@pytest.mark.parametrize(
    ("source_type", "model_type"),
    [
        ("character varying(10)", "character varying(20)"),
        ("character(5)", "text"),
        ("smallint", "bigint"),
        ("integer", "numeric"),
        ("numeric(8,2)", "numeric(10,2)"),
        ("date", "timestamp without time zone"),
        ("time(3) without time zone", "time without time zone"),
        ("integer[]", "bigint[]"),
    ],
)
def test_provably_narrower_column_is_cast_without_a_check(source_type, model_type):
    """No value can lose by it, so none is looked at."""
    found = read_as(source_type, model_type)

    assert text(found.query).removesuffix(" FROM public.src AS s") == f"SELECT s.c::{model_type}"
    assert not found.checks


@pytest.mark.parametrize(
    ("source_type", "model_type"),
    [
        ("character varying(20)", "character varying(10)"),
        ("text", "integer"),
        ("numeric(10,3)", "numeric(10,2)"),
        ("numeric", "numeric(10,2)"),
        ("timestamp without time zone", "date"),
        ("timestamp with time zone", "timestamp without time zone"),
        ("double precision", "real"),
        ("bigint", "double precision"),
        ("bigint[]", "integer[]"),
        ("public.mood", "text"),
        ("citext", "text"),
    ],
)
def test_any_other_column_is_cast_together_with_a_check(source_type, model_type):
    """The value has to print the same after a cast there and back; the problem names both types."""
    found = read_as(source_type, model_type)

    (check,) = found.checks
    assert f"s.c::{model_type}" in text(found.query)
    assert f"s.c::{model_type}::{source_type})::text" in text(check.condition)
    assert check.column == "c"
    assert check.problem == f"would lose by the cast: the source says {source_type}, the model says {model_type}"


def test_names_are_matched_exactly_before_case_is_ignored():
    """Where the source has both `Name` and `name`, the model's spelling decides."""
    facts = {"Name": replace(FACT, name="Name"), "name": replace(FACT, name="name")}

    assert reading(ColumnPlan(name="Name", sql_type="text"), facts=facts).columns == ["Name"]


def test_name_that_differs_in_case_alone_is_found():
    """The query asks for the source's own spelling."""
    found = reading(ColumnPlan(name="email", sql_type="text"), facts={"EMail": replace(FACT, name="EMail")})

    assert text(found.query) == "SELECT s.EMail FROM public.src AS s"


def test_two_names_that_differ_in_case_alone_are_refused():
    """Nobody guesses which of two columns is meant."""
    facts = {"EMail": replace(FACT, name="EMail"), "Email": replace(FACT, name="Email")}

    with pytest.raises(ModelError, match=r"d\.email: columns EMail, Email of source table src differ .* in case alone"):
        reading(ColumnPlan(name="email", sql_type="text"), facts=facts)


def test_missing_column_is_refused_by_name():
    """The message says which column of which dataset, and what the source has instead."""
    with pytest.raises(ModelError, match=r"d\.gone: source table src has no such column \(it has c\)"):
        reading(ColumnPlan(name="gone", sql_type="text"), facts={"c": FACT})


def test_key_columns_are_read_first():
    """A line begins with its key, in the model's order of its columns."""
    columns = [
        ColumnPlan(name="b", sql_type="text"),
        ColumnPlan(name="k2", sql_type="text", is_key=True),
        ColumnPlan(name="a", sql_type="text"),
        ColumnPlan(name="k1", sql_type="text", is_key=True),
    ]
    facts = {column.name.upper(): replace(FACT, name=column.name.upper()) for column in columns}

    found = reading(*columns, facts=facts)

    assert found.columns == ["K2", "K1", "B", "A"]
    assert found.source_key == ("K2", "K1")


def test_without_a_key_every_column_tells_a_row():
    """A message about a row of such a table has a hash of all of it."""
    found = reading(
        ColumnPlan(name="a", sql_type="text"),
        ColumnPlan(name="b", sql_type="text"),
        facts={"a": replace(FACT, name="a"), "b": replace(FACT, name="b")},
    )

    assert found.source_key == ("a", "b")


@pytest.mark.parametrize(
    ("fact", "is_checked"),
    [
        (FACT, True),
        (replace(FACT, is_required=True), False),
        (replace(FACT, is_required=True, is_domain=True), True),
        (replace(FACT, is_required=True, relation_kind=RelationKind.FOREIGN_TABLE), True),
    ],
    ids=["nullable", "not null", "not null by a domain", "not null of a foreign table"],
)
def test_required_column_is_checked_where_the_source_does_not_enforce_it(fact, is_checked):
    """A column's own constraint holds; that of a domain does not behind an outer join, nor that of a foreign table."""
    found = reading(ColumnPlan(name="c", sql_type="text", is_required=True), facts={"c": fact})

    assert [check.problem for check in found.checks] == (
        ["would be null, and the model says not null"] if is_checked else []
    )


def test_labels_of_an_enum_are_checked():
    """The merge table keeps text; the model's labels are held by the check alone."""
    found = reading(ColumnPlan(name="c", sql_type="text", labels=("red", "green")), facts={"c": FACT})

    assert [check.problem for check in found.checks] == ["would be no label of the model's Enum"]
