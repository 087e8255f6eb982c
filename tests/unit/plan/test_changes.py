"""What one plan changes in another: streams, columns, views, and which streams must hold still for it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from datasurface.dsl import (
    Consistency,
    Dataset,
    DatasetSink,
    Date,
    DDLColumn,
    Ecosystem,
    Integer,
    Text,
    Timestamp,
    VarChar,
)
from datasurface.model.mapping import AssignmentStatus, PlatformMapping
from datasurface.yellow.plan.changes import Change, ChangeKind, PlanChanges, StreamRef, TableChange, TypeChange, compare
from datasurface.yellow.plan.ecosystem_plan import plan_ecosystem
from tests.unit.plan.landscapes import (
    ADDRESSES,
    CONSUMER,
    CUSTOMERS,
    FORENSIC,
    MAPPING,
    STORE,
    YELLOW_FORENSIC,
    YELLOW_LIVE,
    assigned,
    captured,
    ecosystem,
    group,
    installation,
    plan,
    with_columns,
)
from tests.unit.plan.random_landscapes import landscapes

LIVE_STREAM = StreamRef(platform="YellowLive", stream_key="Store1")
FORENSIC_STREAM = StreamRef(platform="YellowForensic", stream_key="Store1")


def landscape(customers: Dataset) -> Ecosystem:
    """The landscape with these customers beside the addresses."""
    return ecosystem(stores=[replace(STORE, datasets=[customers, ADDRESSES])])


def changed(before: Dataset, after: Dataset) -> PlanChanges:
    """What it changes that customers look otherwise."""
    return compare(plan(landscape(before)), plan(landscape(after)))


def of_live_customers(changes: PlanChanges) -> TableChange:
    """The change of the live merge table of customers."""
    return next(table for table in changes.tables if table.merge_table == "yellowlive_store1_customers_merge")


def kinds(changes: tuple[Change, ...] | list[Change]) -> dict[str, ChangeKind]:
    """What happened, by name."""
    return {change.name: change.kind for change in changes}


KEY = DDLColumn("id", VarChar(20), primary_key=True)
NARROW = with_columns(CUSTOMERS, KEY, DDLColumn("email", VarChar(50)), DDLColumn("age", Integer()))


@given(landscapes())
def test_a_plan_changes_nothing_in_itself(landscape_: tuple[Ecosystem, PlatformMapping]) -> None:
    """Comparing any plan with itself finds nothing."""
    one, other = plan_ecosystem(*landscape_), plan_ecosystem(*landscape_)

    assert compare(one, other).is_empty


def test_on_an_empty_database_everything_is_added() -> None:
    """Without a deployed plan all is new, and nothing has to hold still."""
    changes = compare(None, plan())

    assert set(kinds([*changes.platforms, *changes.streams, *changes.views, *changes.dags]).values()) == {"added"}
    assert kinds(list(changes.workspaces)) == {"Consumer1": "added"}
    assert {table.kind for table in changes.tables} == {ChangeKind.ADDED}
    assert len(changes.tables) == 4
    assert changes.disturbed_streams == ()


@pytest.mark.row("I17")
def test_a_column_more_is_added_and_its_streams_hold_still() -> None:
    """Both platforms' tables gain the column, their views change, their streams are waited for."""
    after = with_columns(CUSTOMERS, *CUSTOMERS.schema.columns, DDLColumn("datecreated", Timestamp()))

    changes = changed(CUSTOMERS, after)

    assert of_live_customers(changes).added == ("datecreated",)
    assert [table.merge_table for table in changes.tables] == [
        "yellowforensic_store1_customers_merge",
        "yellowlive_store1_customers_merge",
    ]
    assert kinds(list(changes.streams)) == {"YellowForensic/Store1": "changed", "YellowLive/Store1": "changed"}
    assert set(kinds(list(changes.views)).values()) == {"changed"}
    assert changes.disturbed_streams == (FORENSIC_STREAM, LIVE_STREAM)
    assert changes.dags == ()


@pytest.mark.row("I17")
def test_a_wider_type_is_told_from_another_type() -> None:
    """varchar(50) to varchar(100) is a widening; an integer that becomes a date is not, nor is what gets shorter."""
    wider = with_columns(CUSTOMERS, KEY, DDLColumn("email", VarChar(100)), DDLColumn("age", Date()))

    table = of_live_customers(changed(NARROW, wider))
    back = of_live_customers(changed(wider, NARROW))

    widening = TypeChange(column="email", before="character varying(50)", after="character varying(100)")
    assert table.widened == (widening,)
    assert table.retyped == (TypeChange(column="age", before="integer", after="date"),)
    assert (back.widened, len(back.retyped)) == ((), 2)
    assert table.disturbs


@pytest.mark.row("I17")
def test_a_column_less_is_hidden_and_nobody_waits() -> None:
    """The table keeps the column, so that running batches are not disturbed; the views lose it."""
    without = with_columns(CUSTOMERS, KEY, DDLColumn("email", VarChar(50)))

    changes = changed(NARROW, without)

    assert of_live_customers(changes).hidden == ("age",)
    assert changes.disturbed_streams == ()
    assert "yellowlive_consumer1_livedsg_customers_view" in kinds(list(changes.views))


def test_requirements_and_keys_are_told_apart() -> None:
    """Nulls refused or allowed are the rows' business; another key changes the table."""
    strict = with_columns(CUSTOMERS, KEY, DDLColumn("email", VarChar(50), nullable=False), DDLColumn("age", Integer()))
    rekeyed = with_columns(
        CUSTOMERS, KEY, DDLColumn("email", VarChar(50), primary_key=True), DDLColumn("age", Integer())
    )

    assert of_live_customers(changed(NARROW, strict)).required == ("email",)
    assert of_live_customers(changed(strict, NARROW)).relaxed == ("email",)
    assert changed(NARROW, strict).disturbed_streams == ()
    assert of_live_customers(changed(NARROW, rekeyed)).is_key_changed
    assert LIVE_STREAM in changed(NARROW, rekeyed).disturbed_streams


def test_another_order_of_columns_changes_views_alone() -> None:
    """No table is touched when columns change places."""
    turned = with_columns(CUSTOMERS, *reversed(NARROW.schema.columns))

    changes = changed(NARROW, turned)

    assert changes.tables == ()
    assert "yellowlive_consumer1_livedsg_customers_view" in kinds(list(changes.views))


@pytest.mark.row("M11")
def test_a_dataset_that_nobody_asks_for_any_more_leaves_the_plan() -> None:
    """Its table is removed from the plan and its views go; the stream goes on with the others undisturbed."""
    less = [DatasetSink("Store1", "addresses")]
    groups = [group("LiveDSG", sinks=less), group("ForensicDSG", FORENSIC, latency_seconds=600)]

    changes = compare(plan(), plan(ecosystem(workspaces=[replace(CONSUMER, groups=groups)])))

    assert [(table.merge_table, table.kind, table.before, table.after) for table in changes.tables] == [
        ("yellowlive_store1_customers_merge", ChangeKind.REMOVED, LIVE_STREAM, None)
    ]
    assert kinds(list(changes.views)) == {"yellowlive_consumer1_livedsg_customers_view": "removed"}
    assert kinds(list(changes.streams)) == {"YellowLive/Store1": "changed"}
    assert changes.disturbed_streams == ()


@pytest.mark.row("M11")
def test_a_group_that_goes_removes_its_stream() -> None:
    """A decommissioned assignment takes stream, tables, views and DAG row out of the plan."""
    gone = PlatformMapping(
        [MAPPING.groups[1], assigned("LiveDSG", "YellowLive", status=AssignmentStatus.DECOMMISSIONING)]
    )

    changes = compare(plan(), plan(mapping=gone))

    assert kinds(list(changes.streams)) == {"YellowLive/Store1": "removed"}
    assert kinds(list(changes.dags)) == {"YellowLive/Store1": "removed"}
    assert {table.kind for table in changes.tables} == {ChangeKind.REMOVED}
    assert changes.platforms == ()


def test_a_table_that_gets_another_stream_waits_for_both() -> None:
    """MULTI to SINGLE: two streams must not write one table at once."""
    after = plan(ecosystem(stores=[captured(Consistency.SINGLE_DATASET)]))

    changes = compare(plan(), after)

    assert [str(ref) for ref in changes.disturbed_streams if ref.platform == "YellowLive"] == [
        "YellowLive/Store1",
        "YellowLive/Store1#addresses",
        "YellowLive/Store1#customers",
    ]
    assert of_live_customers(changes).before == LIVE_STREAM


def test_a_platform_that_keeps_hashes_changes_its_tables() -> None:
    """`store_hashes` adds columns of the platform's own."""
    hashing = ecosystem(platforms=[replace(YELLOW_LIVE, store_hashes=True), YELLOW_FORENSIC])

    changes = compare(plan(), plan(hashing))

    assert of_live_customers(changes).is_kept_otherwise
    assert changes.disturbed_streams == (LIVE_STREAM,)


def test_orchestration_alone_disturbs_nobody() -> None:
    """Another image changes DAG rows; another budget also the stream's plan; no table waits."""
    before = plan(installed=installation())

    other_image = compare(before, plan(installed=installation(image="other:2")))
    patient = ecosystem(platforms=[replace(YELLOW_LIVE, run_budget_seconds=0), YELLOW_FORENSIC])
    other_budget = compare(before, plan(patient, installed=installation()))

    assert (len(other_image.dags), other_image.streams, other_image.tables) == (2, (), ())
    assert kinds(list(other_budget.streams)) == {"YellowLive/Store1": "changed"}
    assert other_budget.disturbed_streams == ()


def test_names_that_give_one_table_are_one_table() -> None:
    """A dataset renamed in case alone keeps its table: nothing is added or removed."""
    renamed = replace(CUSTOMERS, name="Customers", schema=CUSTOMERS.schema)
    sinks = [DatasetSink("Store1", "Customers"), DatasetSink("Store1", "addresses")]
    groups = [group("LiveDSG", sinks=sinks), group("ForensicDSG", FORENSIC, latency_seconds=600, sinks=sinks)]
    after = ecosystem(
        stores=[replace(STORE, datasets=[renamed, ADDRESSES])], workspaces=[replace(CONSUMER, groups=groups)]
    )

    assert compare(plan(), plan(after)).tables == ()


def test_another_type_of_text_is_no_widening_to_text_and_back() -> None:
    """Whether a change is a widening is the model's table to say: varchar to text is one."""
    text = with_columns(CUSTOMERS, KEY, DDLColumn("email", Text()), DDLColumn("age", Integer()))

    assert [change.column for change in of_live_customers(changed(NARROW, text)).widened] == ["email"]
    assert [change.column for change in of_live_customers(changed(text, NARROW)).retyped] == ["email"]
