"""The plan as a whole: pure, sorted, the same for equal models, and without loss as JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given

from datasurface.dsl import Ecosystem, Workspace
from datasurface.model.codec import InvalidDocument
from datasurface.model.mapping import PlatformMapping
from datasurface.yellow.plan.ecosystem_plan import plan_document, plan_ecosystem, plan_from_document
from datasurface.yellow.plan.fingerprint import fingerprint
from tests.unit.plan.landscapes import CONSUMER, CUSTOMERS, STORE, ecosystem, installation, plan
from tests.unit.plan.random_landscapes import landscapes, shuffled


@given(landscapes())
def test_a_plan_comes_back_from_json_as_it_was(landscape: tuple[Ecosystem, PlatformMapping]) -> None:
    """Writing and reading any plan loses nothing, its hash included."""
    before = plan_ecosystem(*landscape)

    after = plan_from_document(json.loads(json.dumps(plan_document(before))))

    assert after == before
    assert fingerprint(after) == before.plan_hash


@given(shuffled())
def test_order_without_meaning_makes_no_other_plan(
    landscapes_: tuple[tuple[Ecosystem, PlatformMapping], tuple[Ecosystem, PlatformMapping]],
) -> None:
    """Stores, datasets, groups, sinks, platforms and assignments may stand in any order."""
    first, second = landscapes_

    assert plan_ecosystem(*second) == plan_ecosystem(*first)


@given(landscapes())
def test_everything_is_sorted_by_name(landscape: tuple[Ecosystem, PlatformMapping]) -> None:
    """Platforms, streams with their tables, views and DAG rows stand in the order of their names."""
    result = plan_ecosystem(*landscape)

    assert [p.platform for p in result.platforms] == sorted(p.platform for p in result.platforms)
    streams = [(stream.platform, stream.stream_key) for stream in result.streams]
    assert streams == sorted(set(streams))
    for stream in result.streams:
        datasets = [table.dataset for table in stream.tables]
        assert datasets == sorted(set(datasets))
    assert [view.name for view in result.views] == sorted(view.name for view in result.views)


@given(landscapes())
def test_every_view_has_its_table_in_a_stream(landscape: tuple[Ecosystem, PlatformMapping]) -> None:
    """What a view shows is what a stream of its platform merges, and in the same columns."""
    result = plan_ecosystem(*landscape)
    tables = {
        (stream.platform, stream.stream_key, table.merge_table, table.dataset): table
        for stream in result.streams
        for table in stream.tables
    }

    for view in result.views:
        table = tables[view.platform, view.stream_key, view.merge_table, view.dataset]
        assert [(c.name, c.sql_type) for c in view.columns] == [(c.name, c.sql_type) for c in table.columns]


def test_the_hash_is_of_everything_that_is_planned() -> None:
    """Another image, another column, another workspace: another hash. The same model: the same."""
    hashes = {
        plan().plan_hash,
        plan(installed=installation()).plan_hash,
        plan(installed=installation(image="other:2")).plan_hash,
        plan(ecosystem(stores=[replace(STORE, datasets=[CUSTOMERS])])).plan_hash,
        plan(ecosystem(workspaces=[CONSUMER, Workspace(name="Idle", groups=[])])).plan_hash,
    }

    assert len(hashes) == 5
    assert plan().plan_hash == plan().plan_hash
    assert fingerprint(replace(plan(), plan_hash="another")) == plan().plan_hash


def test_words_for_people_make_no_other_plan() -> None:
    """Documentation of an ecosystem or a dataset is nobody's table."""
    told = ecosystem(stores=[replace(STORE, datasets=[replace(d, documentation="told") for d in STORE.datasets])])

    assert plan(replace(told, documentation="told")) == plan()


def test_every_workspace_is_planned_even_without_a_view() -> None:
    """A workspace whose groups are placed nowhere still has its reader."""
    model = ecosystem(workspaces=[CONSUMER, Workspace(name="Auditors", groups=[])])

    assert plan(model, PlatformMapping()).workspaces == ("Auditors", "Consumer1")


def test_an_empty_model_has_an_empty_plan() -> None:
    """No platform, no store, no workspace: nothing, with a hash."""
    result = plan(ecosystem(stores=[], workspaces=[], platforms=[]), PlatformMapping())

    assert (result.platforms, result.streams, result.views, result.workspaces, result.dags) == ((), (), (), (), ())
    assert len(result.plan_hash) == 64
    assert result.v == 1


def test_a_document_that_is_no_plan_is_refused_by_its_path() -> None:
    """A wrong value in a stored plan is named by where it stands."""
    document = plan_document(plan())
    document["streams"][1]["tables"][0]["columns"][0]["is_key"] = "yes"

    with pytest.raises(InvalidDocument, match=r"streams\[1\]\.tables\[0\]\.columns\[0\]\.is_key"):
        plan_from_document(document)
