"""Changes of a plan in words."""

from __future__ import annotations

from dataclasses import replace

from datasurface.dsl import Consistency, Dataset, DDLColumn, Integer, VarChar, YellowDataPlatform
from datasurface.model.mapping import PlatformMapping
from datasurface.yellow.plan.change_summary import summary
from datasurface.yellow.plan.changes import compare
from datasurface.yellow.plan.ecosystem_plan import EcosystemPlan
from tests.unit.plan.landscapes import (
    ADDRESSES,
    CUSTOMERS,
    STORE,
    YELLOW_LIVE,
    assigned,
    captured,
    ecosystem,
    installation,
    only_platform,
    plan,
    with_columns,
)


def test_the_first_plan_is_told_thing_by_thing() -> None:
    """Platforms, workspaces, streams, tables and views, a line each; DAG rows go without saying."""
    model, mapping = only_platform(YELLOW_LIVE)

    assert summary(compare(None, plan(model, mapping))) == [
        "platform YellowLive is new",
        "workspace Consumer1 is new",
        "stream YellowLive/Store1 is new",
        "table yellowlive_store1_addresses_merge is new",
        "table yellowlive_store1_customers_merge is new",
        "view yellowlive_consumer1_livedsg_addresses_view is new",
        "view yellowlive_consumer1_livedsg_customers_view is new",
    ]


def test_a_table_is_told_by_its_columns() -> None:
    """What is gained, hidden, required, relaxed, widened and retyped stands behind the table's name."""
    key = DDLColumn("id", VarChar(20), primary_key=True)
    before = with_columns(
        CUSTOMERS,
        key,
        DDLColumn("a", VarChar(10)),
        DDLColumn("b", Integer()),
        DDLColumn("c", Integer()),
        DDLColumn("d", Integer(), nullable=False),
        DDLColumn("e", Integer()),
    )
    after = with_columns(
        CUSTOMERS,
        key,
        DDLColumn("a", VarChar(20)),
        DDLColumn("b", VarChar(9)),
        DDLColumn("c", Integer(), primary_key=True),
        DDLColumn("d", Integer()),
        DDLColumn("f", Integer()),
    )
    hashing = replace(YELLOW_LIVE, store_hashes=True)

    def planned(platform: YellowDataPlatform, customers: Dataset) -> EcosystemPlan:
        model = ecosystem(stores=[replace(STORE, datasets=[customers, ADDRESSES])], platforms=[platform])
        return plan(model, PlatformMapping([assigned("LiveDSG", "YellowLive")]))

    lines = summary(compare(planned(YELLOW_LIVE, before), planned(hashing, after)))

    assert [line for line in lines if line.startswith("table")] == [
        "table yellowlive_store1_addresses_merge is kept with other columns of the platform's own",
        "table yellowlive_store1_customers_merge gains f; hides e; refuses nulls in c; allows nulls in d;"
        " widens a (character varying(10) → character varying(20)); retypes b (integer → character varying(9));"
        " has another key; is kept with other columns of the platform's own",
    ]


def test_what_goes_or_moves_is_told() -> None:
    """A table that another stream brings says from where to where; what the plan loses goes."""
    lines = summary(compare(plan(), plan(ecosystem(stores=[captured(Consistency.SINGLE_DATASET)]))))

    assert "stream YellowLive/Store1 goes" in lines
    assert (
        "table yellowlive_store1_customers_merge moves from stream YellowLive/Store1 to YellowLive/Store1#customers"
        in lines
    )


def test_a_dag_row_is_told_where_nothing_else_is() -> None:
    """Another image changes the rows and no stream."""
    before, after = plan(installed=installation()), plan(installed=installation(image="other:2"))

    assert summary(compare(before, after)) == [
        "DAG row YellowForensic/Store1 changes",
        "DAG row YellowLive/Store1 changes",
    ]
    assert summary(compare(after, after)) == []
