"""Types in SQL: what a plan may spell, and what `=` of a type is worth."""

from __future__ import annotations

import pytest

from datasurface import dsl
from datasurface.yellow.engine import sql_types

MODEL_TYPES = [
    dsl.VarChar(20),
    dsl.VarChar(),
    dsl.Char(3),
    dsl.Text(),
    dsl.SmallInt(),
    dsl.Integer(),
    dsl.BigInt(),
    dsl.Decimal(10, 2),
    dsl.Decimal(),
    dsl.Real(),
    dsl.Double(),
    dsl.Date(),
    dsl.Time(),
    dsl.Timestamp(),
    dsl.TimestampTZ(),
    dsl.Interval(),
    dsl.Boolean(),
    dsl.UUID(),
    dsl.Bytes(),
    dsl.JSON(),
    dsl.JSONB(),
    dsl.Array(dsl.Decimal(10, 2)),
    dsl.Array(dsl.TimestampTZ()),
    dsl.Enum(["a", "b"]),
]


@pytest.mark.parametrize("data_type", MODEL_TYPES, ids=lambda data_type: data_type.sql)
def test_every_type_of_the_model_may_stand_in_a_statement(data_type):
    """The spelling of the plan is taken as it is."""
    assert sql_types.of_plan(data_type.sql).string == data_type.sql


@pytest.mark.parametrize(
    "spelling",
    ["", "text; DROP TABLE x", 'public."mood"', "text)", "text -- ", "text\n", "Text", "numeric(1,2,3)", "text[][]"],
)
def test_anything_else_is_refused(spelling):
    """A plan comes from a table: what is no type goes into no statement."""
    with pytest.raises(ValueError, match="is no type of a plan"):
        sql_types.of_plan(spelling)


@pytest.mark.parametrize(
    "sql_type",
    ["numeric", "real", "double precision", "interval", "jsonb", "json", "numeric(10,2)[]", "text[]"],
)
def test_types_whose_equal_values_may_print_differently_are_not_exact(sql_type):
    """1.0 and 1.00, 0 and -0, a month and 30 days: equal to the server, two texts."""
    assert not sql_types.is_exact(sql_type)


@pytest.mark.parametrize(
    "sql_type",
    ["text", "character varying(20)", "character(3)", "integer", "numeric(10,2)", "date", "uuid", "bytea", "boolean"],
)
def test_types_whose_equal_values_print_alike_are_exact(sql_type):
    """Their index alone finds a row."""
    assert sql_types.is_exact(sql_type)


@pytest.mark.parametrize(
    ("sql_type", "is_collatable"),
    [("text", True), ("character varying(20)", True), ("character(3)", True), ("integer", False), ("text[]", False)],
)
def test_text_has_a_collation(sql_type, is_collatable):
    """Keys of these types are kept in byte order."""
    assert sql_types.is_collatable(sql_type) is is_collatable
