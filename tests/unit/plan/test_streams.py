"""Streams: what one chain of batches covers, its promise, and the hash by which a changed schema is seen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from datasurface.dsl import (
    ClassificationType,
    Consistency,
    Dataset,
    DatasetSink,
    DDLColumn,
    SimpleClassification,
    Text,
    VarChar,
    Workspace,
)
from datasurface.model.mapping import AssignmentStatus, PlatformMapping
from datasurface.yellow.plan.streams import StreamPlan, schema_hash
from tests.unit.plan.landscapes import (
    ADDRESSES,
    CUSTOMERS,
    FORENSIC,
    MAPPING,
    STORE,
    assigned,
    captured,
    ecosystem,
    group,
    plan,
    with_columns,
)


def stream_of(*, customers: Dataset = CUSTOMERS) -> StreamPlan:
    """The live stream of a store with customers alone."""
    store = replace(STORE, datasets=[customers])
    return next(stream for stream in plan(ecosystem(stores=[store])).streams if stream.platform == "YellowLive")


@pytest.mark.row("M12", "I16")
def test_a_store_read_as_a_whole_is_one_stream_per_platform() -> None:
    """MULTI_DATASET: one key per store, all of its datasets, each platform with tables of its own."""
    streams = plan(ecosystem(stores=[captured(Consistency.MULTI_DATASET)])).streams

    assert [(s.platform, s.stream_key, s.dataset) for s in streams] == [
        ("YellowForensic", "Store1", None),
        ("YellowLive", "Store1", None),
    ]
    assert [table.dataset for table in streams[0].tables] == ["addresses", "customers"]
    tables = {table.merge_table for stream in streams for table in stream.tables}
    assert len(tables) == 4


@pytest.mark.row("M12")
def test_a_store_read_dataset_by_dataset_is_a_stream_each() -> None:
    """SINGLE_DATASET: one key per dataset, and the dataset is named."""
    streams = plan(ecosystem(stores=[captured(Consistency.SINGLE_DATASET)])).streams

    assert [(s.stream_key, s.dataset) for s in streams if s.platform == "YellowLive"] == [
        ("Store1#addresses", "addresses"),
        ("Store1#customers", "customers"),
    ]


@pytest.mark.row("M11")
def test_a_stream_covers_what_present_assignments_sink_and_no_more() -> None:
    """Datasets that nobody asks for are not ingested; a dataset of two groups is ingested once."""
    groups = [
        group("LiveDSG", sinks=[DatasetSink("Store1", "customers")]),
        group("Again", sinks=[DatasetSink("Store1", "customers")]),
        group("Gone", sinks=[DatasetSink("Store1", "addresses")]),
    ]
    mapping = PlatformMapping(
        [
            assigned("LiveDSG", "YellowLive"),
            assigned("Again", "YellowLive"),
            assigned("Gone", "YellowLive", status=AssignmentStatus.DECOMMISSIONING),
        ]
    )

    (stream,) = plan(ecosystem(workspaces=[Workspace(name="Consumer1", groups=groups)]), mapping).streams

    assert [table.dataset for table in stream.tables] == ["customers"]


@pytest.mark.row("M11", kind="refusal")
def test_a_group_that_goes_takes_its_stream_along() -> None:
    """Without a present assignment the platform has no stream; the platform itself stays planned."""
    gone = PlatformMapping([assigned("LiveDSG", "YellowLive", status=AssignmentStatus.DECOMMISSIONED)])

    result = plan(mapping=gone)

    assert (result.streams, result.views, result.dags) == ((), (), ())
    assert [platform.platform for platform in result.platforms] == ["YellowForensic", "YellowLive"]


def test_the_promise_of_a_stream_is_its_shortest() -> None:
    """Of all groups that a stream serves on a platform the most impatient decides; those of others do not count."""
    groups = [
        group("Slow", latency_seconds=3600),
        group("Fast", latency_seconds=60, sinks=[DatasetSink("Store1", "addresses")]),
        group("Elsewhere", FORENSIC, latency_seconds=5),
    ]
    mapping = PlatformMapping(
        [assigned("Slow", "YellowLive"), assigned("Fast", "YellowLive"), assigned("Elsewhere", "YellowForensic")]
    )

    streams = plan(ecosystem(workspaces=[Workspace(name="Consumer1", groups=groups)]), mapping).streams

    assert {s.platform: s.latency_seconds for s in streams} == {"YellowLive": 60, "YellowForensic": 5}


def test_a_stream_says_where_it_reads_and_how_it_runs() -> None:
    """Source, logins, budget and pace come from the store and the platform."""
    live = next(stream for stream in plan().streams if stream.platform == "YellowLive")
    forensic = next(stream for stream in plan().streams if stream.platform == "YellowForensic")

    assert (live.source.container, live.source.host, live.source.port) == ("customer_db", "source.example.com", 5433)
    assert (live.source.database, live.source.schema, live.source.credential) == (
        "customer_db",
        "public",
        "customer_reader",
    )
    assert (live.job_credential, live.run_budget_seconds, live.look_interval_seconds) == ("yellowlive_merge", 55, 2)
    assert (forensic.job_credential, forensic.run_budget_seconds) == (None, 0)


@pytest.mark.row("I12")
@pytest.mark.parametrize(
    "columns",
    [
        [DDLColumn("id", VarChar(21), primary_key=True), DDLColumn("name", Text())],
        [DDLColumn("id", VarChar(20)), DDLColumn("name", Text())],
        [DDLColumn("id", VarChar(20), primary_key=True), DDLColumn("name", Text(), nullable=False)],
        [DDLColumn("id", VarChar(20), primary_key=True), DDLColumn("Name", Text())],
        [DDLColumn("id", VarChar(20), primary_key=True)],
        [DDLColumn("name", Text()), DDLColumn("id", VarChar(20), primary_key=True)],
    ],
    ids=["type", "key", "requirement", "spelling", "fewer", "order"],
)
def test_the_schema_hash_sees_names_types_keys_and_requirements(columns: list[DDLColumn]) -> None:
    """Each of these makes another hash."""
    before = with_columns(CUSTOMERS, DDLColumn("id", VarChar(20), primary_key=True), DDLColumn("name", Text()))

    assert stream_of(customers=with_columns(CUSTOMERS, *columns)).schema_hash != stream_of(customers=before).schema_hash


@pytest.mark.row("I12", kind="refusal")
def test_the_schema_hash_sees_nothing_else() -> None:
    """Words, classifications, other table names or another platform make no other schema."""
    public = [SimpleClassification(ClassificationType.PUB)]
    told = replace(CUSTOMERS, documentation="told", classifications=public, deprecated="until spring")

    assert stream_of(customers=told).schema_hash == stream_of().schema_hash
    hashes = {stream.schema_hash for stream in plan().streams}
    assert len(hashes) == 1


def test_a_dataset_more_is_another_schema() -> None:
    """A stream that gets a dataset has another hash, so that a batch under way is begun again."""
    both, one = plan().streams[0], stream_of()

    assert both.schema_hash != one.schema_hash
    assert schema_hash(both.tables) == both.schema_hash
    assert len(both.schema_hash) == 64


def test_two_datasets_do_not_run_into_one_another() -> None:
    """Columns count for their own dataset: moving one to the next makes another hash."""
    first = with_columns(CUSTOMERS, DDLColumn("a", Text()), DDLColumn("b", Text()))
    second = with_columns(ADDRESSES, DDLColumn("c", Text()))
    moved = (
        with_columns(CUSTOMERS, DDLColumn("a", Text())),
        with_columns(ADDRESSES, DDLColumn("b", Text()), DDLColumn("c", Text())),
    )

    def hash_of(*datasets: Dataset) -> str:
        store = replace(STORE, datasets=datasets)
        return plan(ecosystem(stores=[store]), MAPPING).streams[0].schema_hash

    assert hash_of(first, second) != hash_of(*moved)
