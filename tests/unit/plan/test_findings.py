"""Names of a model that would be one physical name: found, each at its object, and said once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from datasurface.dsl import Consistency, Dataset, DatasetSink, DDLColumn, Ecosystem, Text, Workspace
from datasurface.lint.report import Finding
from datasurface.model import codec
from datasurface.model.mapping import PlatformMapping
from datasurface.yellow.plan import names
from datasurface.yellow.plan.ecosystem_plan import plan_ecosystem
from datasurface.yellow.plan.findings import findings
from tests.unit.plan.landscapes import (
    CONSUMER,
    CUSTOMERS,
    FORENSIC,
    MAPPING,
    STORE,
    YELLOW_LIVE,
    assigned,
    captured,
    ecosystem,
    group,
    with_columns,
)
from tests.unit.plan.random_landscapes import landscapes


def named(*dataset_names: str) -> list[Dataset]:
    """Datasets alike but for their names."""
    return [replace(CUSTOMERS, name=name) for name in dataset_names]


def model_of(**stores: list[Dataset]) -> Ecosystem:
    """A model with these stores, each dataset of which one live group sinks."""
    sinks = [DatasetSink(store, dataset.name) for store, datasets in stores.items() for dataset in datasets]
    return ecosystem(
        stores=[replace(STORE, name=name, datasets=datasets) for name, datasets in stores.items()],
        workspaces=[replace(CONSUMER, groups=[group("LiveDSG", sinks=sinks)])],
    )


def found(model: Ecosystem, mapping: PlatformMapping = MAPPING) -> list[tuple[str, str]]:
    """Rule and path of each finding."""
    return [(finding.rule, finding.path) for finding in findings(model, mapping)]


@pytest.mark.row("I05", "V07")
def test_a_model_whose_names_stay_apart_has_no_finding() -> None:
    """The demo's landscape, and names that differ only in a character that costs a hash."""
    assert findings(ecosystem(), MAPPING) == []
    assert findings(model_of(Store1=named("a b", "a-b", "a_b")), MAPPING) == []


@pytest.mark.row("I05", kind="refusal")
def test_datasets_that_differ_in_case_alone_are_one_table() -> None:
    """Tables are lower case: merge and staging table clash, and the views of the group."""
    model = model_of(Store1=named("Orders", "orders"))

    assert findings(model, MAPPING)[0] == Finding(
        "DS801",
        "Test/USA/team1/Store1/orders",
        "the merge table of Store1/orders on YellowLive would have the name yellowlive_store1_orders_merge, which"
        " the merge table of Store1/Orders on YellowLive has",
        "rename one of the two",
    )
    assert found(model) == [
        ("DS801", "Test/USA/team1/Store1/orders"),
        ("DS801", "Test/USA/team1/Store1/orders"),
        ("DS802", "Test/USA/team1/Consumer1/LiveDSG"),
    ]


@pytest.mark.row("I05", kind="refusal")
def test_an_underscore_may_hide_where_a_name_ends() -> None:
    """Store `a_b` with dataset `c`, and store `a` with dataset `b_c`, would share their tables."""
    assert found(model_of(a=named("b_c"), a_b=named("c"))) == [
        ("DS801", "Test/USA/team1/a_b/c"),
        ("DS801", "Test/USA/team1/a_b/c"),
    ]


@pytest.mark.row("V01", kind="refusal")
def test_a_group_cannot_have_one_dataset_name_of_two_stores() -> None:
    """A view's name does not say the store, so that both would have one view."""
    (finding,) = findings(model_of(North=named("orders"), South=named("orders")), MAPPING)

    assert (finding.rule, finding.path) == ("DS802", "Test/USA/team1/Consumer1/LiveDSG")
    assert "North/orders" in finding.message
    assert "South/orders" in finding.message


@pytest.mark.row("V07", kind="refusal")
def test_a_history_view_may_be_anothers_current_view() -> None:
    """A dataset `customers_history` has the view that is the history of `customers`."""
    sinks = [DatasetSink("Store1", name) for name in ("customers", "customers_history")]
    model = ecosystem(
        stores=[replace(STORE, datasets=named("customers", "customers_history"))],
        workspaces=[replace(CONSUMER, groups=[group("ForensicDSG", FORENSIC, sinks=sinks)])],
    )

    assert found(model) == [("DS802", "Test/USA/team1/Consumer1/ForensicDSG")]


def test_names_cut_to_one_are_found() -> None:
    """The hash of a cut name counts like any other letter: two equal full names meet in it."""
    long = "x" * 80

    assert found(model_of(a=named(f"b_{long}"), a_b=named(long))) == [
        ("DS801", f"Test/USA/team1/a_b/{long}"),
        ("DS801", f"Test/USA/team1/a_b/{long}"),
    ]


def test_streams_of_one_dag_are_found() -> None:
    """A store `a#b` read as a whole and dataset `b` of a store `a` read singly would have one key and one DAG."""
    whole = replace(captured(Consistency.MULTI_DATASET), name="a#b", datasets=named("one"))
    singly = replace(captured(Consistency.SINGLE_DATASET), name="a", datasets=named("b"))
    sinks = [DatasetSink("a#b", "one"), DatasetSink("a", "b")]
    model = ecosystem(stores=[whole, singly], workspaces=[replace(CONSUMER, groups=[group("LiveDSG", sinks=sinks)])])

    assert found(model) == [("DS803", "Test/USA/team1/a#b")]


@pytest.mark.parametrize("other", ["yellowlive", "YELLOWLIVE"])
def test_platforms_of_one_label_are_said_once(other: str) -> None:
    """All tables, views and DAGs of the two would be one, too; the one finding says enough."""
    model = ecosystem(platforms=[YELLOW_LIVE, replace(YELLOW_LIVE, name=other)])
    mapping = PlatformMapping([assigned("LiveDSG", "YellowLive", other)])

    assert found(model, mapping) == [("DS804", f"Test/{max('YellowLive', other)}")]


def test_platforms_that_differ_in_hyphen_and_underscore_are_one() -> None:
    """A label has no `_`, so that both become `yellow-live`."""
    model = ecosystem(platforms=[replace(YELLOW_LIVE, name=name) for name in ("yellow-live", "yellow_live")])

    assert found(model, PlatformMapping()) == [("DS804", "Test/yellow_live")]


@pytest.mark.row("V08", kind="refusal")
def test_workspaces_of_one_reader_are_said_once() -> None:
    """Two consumers behind one role would read each other's views."""
    groups = [group("LiveDSG")]
    model = ecosystem(workspaces=[Workspace(name=name, groups=groups) for name in ("Sales", "sales")])
    mapping = PlatformMapping([assigned("LiveDSG", "YellowLive", workspace=name) for name in ("Sales", "sales")])

    assert found(model, mapping) == [("DS805", "Test/USA/team1/sales")]


@pytest.mark.parametrize("column", ["valid_from", "valid_to", "valid_from_batch", "valid_to_batch"])
def test_a_column_of_the_history_views_is_taken(column: str) -> None:
    """A forensic group cannot have a dataset with such a column; a live one can."""
    dataset = with_columns(CUSTOMERS, DDLColumn("id", Text(), primary_key=True), DDLColumn(column, Text()))
    model = ecosystem(stores=[replace(STORE, datasets=[dataset])])

    assert found(model) == [("DS806", f"Test/USA/team1/Store1/customers/{column}")]
    assert found(model, PlatformMapping([assigned("LiveDSG", "YellowLive")])) == []


@pytest.mark.row("V08", kind="refusal")
@pytest.mark.parametrize("name", ["Customer", "pg_x", "PG"])
def test_a_workspace_does_not_take_a_role_that_is_taken(name: str) -> None:
    """`customer_reader` reads the demo's source, and PostgreSQL makes no role that begins with pg_."""
    assert found(ecosystem(workspaces=[Workspace(name=name, groups=[])])) == [("DS807", f"Test/USA/team1/{name}")]


def test_a_platform_does_not_take_a_role_that_is_taken() -> None:
    """The tables of platform `pg` would belong to `pg_tables`."""
    model = ecosystem(platforms=[replace(YELLOW_LIVE, name="pg")])

    assert found(model, PlatformMapping()) == [("DS807", "Test/pg")]


def test_control_tables_stay_apart_from_the_installations() -> None:
    """A platform `ds` has tables beside ds_revision, ds_platform and ds_audit, and none of the same name."""
    assert found(ecosystem(platforms=[replace(YELLOW_LIVE, name="ds")]), PlatformMapping()) == []


@given(landscapes())
def test_without_a_finding_every_name_of_the_plan_is_there_once(landscape: tuple[Ecosystem, PlatformMapping]) -> None:
    """Findings and plan agree: a name stands twice in the plan of a model if, and only if, there is a finding."""
    plan = plan_ecosystem(*landscape)
    tables = [table for stream in plan.streams for table in stream.tables]
    relations = [name for table in tables for name in (table.merge_table, table.staging_table)]
    relations += [view.name for view in plan.views]
    relations += [name for platform in plan.platforms for name in codec.encode(platform.control).values()]
    dags = [row.config["dag_id"] for row in plan.dags]
    labels = [platform.platform_name for platform in plan.platforms]
    readers = [names.reader_role("", workspace) for workspace in plan.workspaces]

    is_ambiguous = any(len(set(each)) < len(each) for each in (relations, dags, labels, readers))
    clashes = [finding for finding in findings(*landscape) if finding.rule < "DS806"]

    assert bool(clashes) == is_ambiguous
