"""The tables of a dataset: columns as PostgreSQL spells them, keys, requirements, classifications, labels."""

from __future__ import annotations

from dataclasses import replace

import pytest

from datasurface.dsl import (
    Array,
    ClassificationType,
    DDLColumn,
    DDLTable,
    Decimal,
    Enum,
    Integer,
    SimpleClassification,
    Text,
    TimestampTZ,
    VarChar,
)
from datasurface.yellow.plan.tables import column_plans, table_plan
from tests.unit.plan.landscapes import ADDRESSES, CAPTURE, CUSTOMERS, STORE, with_columns

PUBLIC = SimpleClassification(ClassificationType.PUB)
PERSONAL = SimpleClassification(ClassificationType.PC1)


def test_columns_stand_in_the_models_order_with_postgresqls_types() -> None:
    """Names keep the model's spelling, types are what format_type prints."""
    dataset = with_columns(
        CUSTOMERS,
        DDLColumn("Id", Integer(), primary_key=True),
        DDLColumn("amount", Decimal(10, 2)),
        DDLColumn("tags", Array(VarChar(10))),
        DDLColumn("at", TimestampTZ()),
    )

    assert [(column.name, column.sql_type) for column in column_plans(dataset)] == [
        ("Id", "integer"),
        ("amount", "numeric(10,2)"),
        ("tags", "character varying(10)[]"),
        ("at", "timestamp with time zone"),
    ]


def test_a_key_is_required_even_if_it_says_nullable() -> None:
    """Nullable, required and key columns are told apart; a key refuses nulls whatever the model says."""
    dataset = with_columns(
        CUSTOMERS,
        DDLColumn("id", Text(), primary_key=True, nullable=True),
        DDLColumn("name", Text(), nullable=False),
        DDLColumn("email", Text()),
    )

    found = [(column.name, column.is_required, column.is_key) for column in column_plans(dataset)]

    assert found == [("id", True, True), ("name", True, False), ("email", False, False)]


@pytest.mark.row("M07")
def test_a_columns_classification_overrides_its_datasets() -> None:
    """Personal data is marked; what is said to be public, or said nothing of, is not."""
    columns = [
        DDLColumn("inherits", Text()),
        DDLColumn("open", Text(), classifications=[PUBLIC]),
        DDLColumn("both", Text(), classifications=[PUBLIC, PERSONAL]),
    ]
    personal = replace(CUSTOMERS, schema=DDLTable(columns), classifications=[PERSONAL])
    unsaid = replace(personal, classifications=[])

    assert [column.is_classified for column in column_plans(personal)] == [True, False, True]
    assert [column.is_classified for column in column_plans(unsaid)] == [False, False, True]


def test_the_labels_of_an_enum_travel_with_its_column() -> None:
    """The table keeps text; the labels let the job refuse what is none of them."""
    dataset = with_columns(ADDRESSES, DDLColumn("kind", Enum(["billing", "shipping"])))

    (column,) = column_plans(dataset)

    assert (column.sql_type, column.labels) == ("text", ("billing", "shipping"))


def test_the_source_table_is_the_mapped_one_or_the_datasets_name() -> None:
    """A dataset that the capture does not list has a table of its own name."""
    store = replace(STORE, capture=replace(CAPTURE, tables={"customers": "T_CUST"}))
    columns = column_plans(CUSTOMERS)

    assert table_plan("YellowLive", store, CUSTOMERS, columns).source_table == "T_CUST"
    assert table_plan("YellowLive", store, ADDRESSES, columns).source_table == "addresses"


def test_the_key_comes_first_on_the_wire() -> None:
    """Rows travel with their key in front, the rest in the model's order."""
    dataset = with_columns(
        CUSTOMERS, DDLColumn("a", Text()), DDLColumn("k", Text(), primary_key=True), DDLColumn("b", Text())
    )
    table = table_plan("YellowLive", STORE, dataset, column_plans(dataset))

    assert table.key == ("k",)
    assert [column.name for column in table.wire_columns] == ["k", "a", "b"]
