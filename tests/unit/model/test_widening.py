"""Which changes of a type give every stored value back."""

from __future__ import annotations

import pytest
from hypothesis import given

from datasurface import dsl
from datasurface.model.widening import is_widening, is_widening_sql
from tests.unit.model import strategies

WIDER = [
    ("character varying(20)", "character varying(100)"),
    ("character varying(20)", "character varying"),
    ("character varying(20)", "text"),
    ("character varying", "text"),
    ("text", "character varying"),
    ("character(5)", "character(6)"),
    ("character(5)", "character varying(5)"),
    ("character(5)", "character varying"),
    ("character(5)", "text"),
    ("smallint", "integer"),
    ("smallint", "bigint"),
    ("integer", "bigint"),
    ("smallint", "real"),
    ("smallint", "double precision"),
    ("integer", "double precision"),
    ("real", "double precision"),
    ("smallint", "numeric(5,0)"),
    ("smallint", "numeric(7,2)"),
    ("integer", "numeric(10,0)"),
    ("bigint", "numeric(19,0)"),
    ("bigint", "numeric"),
    ("numeric(10,2)", "numeric(10,2)"),
    ("numeric(10,2)", "numeric(11,2)"),
    ("numeric(10,2)", "numeric(12,4)"),
    ("numeric(10,2)", "numeric"),
    ("numeric(5,0)", "numeric(7,2)"),
    ("date", "timestamp without time zone"),
    ("timestamp(3) without time zone", "timestamp without time zone"),
    ("time(0) without time zone", "time(3) without time zone"),
    ("character varying(20)[]", "text[]"),
    ("integer[]", "bigint[]"),
]

NARROWER = [
    ("character varying(100)", "character varying(20)"),
    ("character varying", "character varying(20)"),
    ("text", "character varying(20)"),
    ("text", "character(20)"),
    ("character varying(5)", "character(5)"),
    ("character(6)", "character(5)"),
    ("character(6)", "character varying(5)"),
    ("character", "character(1)"),
    ("bigint", "integer"),
    ("integer", "smallint"),
    ("integer", "real"),
    ("bigint", "double precision"),
    ("bigint", "numeric(18,0)"),
    ("integer", "numeric(10,1)"),
    ("double precision", "real"),
    ("real", "numeric"),
    ("numeric", "numeric(10,2)"),
    ("numeric", "double precision"),
    ("numeric(10,2)", "numeric(10,1)"),
    ("numeric(10,2)", "numeric(10,3)"),
    ("numeric(10,2)", "numeric(9,2)"),
    ("numeric(10,0)", "bigint"),
    ("timestamp without time zone", "date"),
    ("timestamp without time zone", "timestamp(3) without time zone"),
    ("timestamp without time zone", "timestamp with time zone"),
    ("timestamp with time zone", "timestamp without time zone"),
    ("date", "timestamp with time zone"),
    ("date", "text"),
    ("integer", "text"),
    ("boolean", "integer"),
    ("json", "jsonb"),
    ("jsonb", "json"),
    ("uuid", "text"),
    ("integer[]", "bigint"),
    ("integer", "integer[]"),
    ("bigint[]", "integer[]"),
    ("text[]", "text"),
    ("interval", "time without time zone"),
    ("my_schema.mood", "text"),
    ('"odd type"', "text"),
    ("", "text"),
]


@pytest.mark.parametrize(("old", "new"), WIDER)
def test_wider_type_is_a_widening(old, new):
    """What the table names widens; back it does not, unless the two are the same."""
    assert is_widening_sql(old, new)
    assert not is_widening_sql(new, old) or {old, new} == {"character varying", "text"} or old == new


@pytest.mark.parametrize(("old", "new"), NARROWER)
def test_narrower_or_other_type_is_none(old, new):
    """What is narrower, of another kind or unknown does not widen."""
    assert not is_widening_sql(old, new)


@given(strategies.types)
def test_type_widens_to_itself(kind):
    """An equal type is a widening, of the model and as text."""
    assert is_widening(kind, kind)
    assert is_widening_sql(kind.sql, kind.sql)


@given(strategies.types, strategies.types, strategies.types)
def test_widening_goes_on(first, second, third):
    """What widens twice widens."""
    if is_widening(first, second) and is_widening(second, third):
        assert is_widening(first, third)


@given(strategies.scalars, strategies.scalars)
def test_model_and_text_agree(old, new):
    """Both forms of the question have one answer."""
    assert is_widening(old, new) == is_widening_sql(old.sql, new.sql)


@pytest.mark.parametrize(
    ("old", "new", "widens"),
    [
        (dsl.Enum(["a", "b"]), dsl.Enum(["c", "b", "a"]), True),
        (dsl.Enum(["a", "b"]), dsl.Enum(["a"]), False),
        (dsl.Enum(["a"]), dsl.Text(), True),
        (dsl.Enum(["a"]), dsl.VarChar(), True),
        (dsl.Enum(["a"]), dsl.VarChar(10), False),
        (dsl.Text(), dsl.Enum(["a"]), False),
        (dsl.VarChar(10), dsl.Enum(["a"]), False),
        (dsl.Array(dsl.VarChar(10)), dsl.Array(dsl.VarChar(20)), True),
        (dsl.Array(dsl.VarChar(10)), dsl.VarChar(20), False),
    ],
)
def test_enums_and_arrays(old, new, widens):
    """Labels may be added or given up, elements may widen."""
    assert is_widening(old, new) is widens


@pytest.mark.parametrize(
    "text", ["numeric(", "numeric(1,2,3)", "numeric()", "text(", "x" * 10_000, "numeric(9" + "9" * 5000 + ")"]
)
def test_text_that_is_no_type_is_no_widening(text):
    """Whatever a server prints, the answer is no, and nothing is raised."""
    assert not is_widening_sql(text, "text")
    assert not is_widening_sql("text", text)
