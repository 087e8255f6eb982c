"""Views: one per sink, a history where versions are asked for and kept, and who gets to see them where."""

from __future__ import annotations

from dataclasses import replace

import pytest

from datasurface.model.mapping import PlatformMapping
from datasurface.yellow.plan.views import ViewKind
from tests.unit.plan.landscapes import CONSUMER, FORENSIC, assigned, ecosystem, group, plan


@pytest.mark.row("V01")
def test_every_sink_has_a_view_and_a_forensic_one_also_its_history() -> None:
    """Live: a current view per dataset. Forensic: the same, and a history."""
    assert [(view.name, view.kind) for view in plan().views] == [
        ("yellowforensic_consumer1_forensicdsg_addresses_history_view", ViewKind.HISTORY),
        ("yellowforensic_consumer1_forensicdsg_addresses_view", ViewKind.CURRENT),
        ("yellowforensic_consumer1_forensicdsg_customers_history_view", ViewKind.HISTORY),
        ("yellowforensic_consumer1_forensicdsg_customers_view", ViewKind.CURRENT),
        ("yellowlive_consumer1_livedsg_addresses_view", ViewKind.CURRENT),
        ("yellowlive_consumer1_livedsg_customers_view", ViewKind.CURRENT),
    ]


@pytest.mark.row("V02")
def test_a_view_shows_the_datasets_columns_alone() -> None:
    """Names and types of the model, in its order; nothing of the platform's own."""
    for view in plan().views:
        if view.dataset == "customers":
            assert [column.name for column in view.columns] == ["id", "firstname", "dob", "email"]
        assert not any(column.name.startswith("ds_surf_") for column in view.columns)


@pytest.mark.row("V01", kind="refusal")
@pytest.mark.parametrize(
    ("strategy", "platform"), [("live", "YellowForensic"), ("forensic", "YellowLive")], ids=["group", "platform"]
)
def test_there_is_no_history_unless_group_and_platform_want_it(strategy: str, platform: str) -> None:
    """A live group on a forensic platform gets the present alone, and so does what lint would refuse."""
    groups = [group("DSG", FORENSIC) if strategy == "forensic" else group("DSG")]
    model = ecosystem(workspaces=[replace(CONSUMER, groups=groups)])

    views = plan(model, PlatformMapping([assigned("DSG", platform)])).views

    assert {view.kind for view in views} == {ViewKind.CURRENT}
    assert {view.is_forensic for view in views} == {platform == "YellowForensic"}


@pytest.mark.row("V07")
def test_platforms_of_one_group_have_views_of_their_own() -> None:
    """One group on two platforms: the names begin with the platform and never clash."""
    views = plan(mapping=PlatformMapping([assigned("LiveDSG", "YellowLive", "YellowForensic")])).views

    assert len({view.name for view in views}) == len(views) == 4
    assert {view.merge_table for view in views if view.dataset == "customers"} == {
        "yellowlive_store1_customers_merge",
        "yellowforensic_store1_customers_merge",
    }


def test_a_view_says_where_else_its_workspace_wants_it() -> None:
    """The consumers' database is the workspace's wish; without one there is none."""
    model = ecosystem(workspaces=[replace(CONSUMER, consumer_database="consumer_db")])

    assert {view.consumer_database for view in plan(model).views} == {"consumer_db"}
    assert {view.consumer_database for view in plan().views} == {None}


def test_a_view_names_its_table_its_stream_and_the_batches() -> None:
    """All that a view is made of is in its plan."""
    view = plan().views[0]

    assert (view.merge_table, view.batch_metrics, view.stream_key) == (
        "yellowforensic_store1_addresses_merge",
        "yellowforensic_batch_metrics",
        "Store1",
    )
