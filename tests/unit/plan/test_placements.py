"""Which platform serves which sink: what an assignment's status means, and what an unknown name does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from datasurface.dsl import DatasetSink
from datasurface.model.mapping import Assignment, AssignmentStatus, GroupAssignments, PlatformMapping
from datasurface.yellow.plan.placements import placements
from tests.unit.plan.landscapes import CONSUMER, MAPPING, STORE, assigned, ecosystem, group


def placed(mapping: PlatformMapping) -> list[tuple[str, str, str]]:
    """Platform, group and dataset of each placement."""
    return [(p.platform.name, p.group.name, p.dataset.name) for p in placements(ecosystem(), mapping)]


@pytest.mark.row("M10", "M09")
def test_each_group_is_placed_where_the_mapping_says() -> None:
    """LiveDSG goes to YellowLive and ForensicDSG to YellowForensic, with both of their sinks."""
    assert placed(MAPPING) == [
        ("YellowForensic", "ForensicDSG", "addresses"),
        ("YellowForensic", "ForensicDSG", "customers"),
        ("YellowLive", "LiveDSG", "addresses"),
        ("YellowLive", "LiveDSG", "customers"),
    ]


@pytest.mark.row("M11")
@pytest.mark.parametrize("status", [AssignmentStatus.PROVISIONING, AssignmentStatus.PROVISIONED])
def test_an_assignment_is_present_before_and_after_it_is_provisioned(status: AssignmentStatus) -> None:
    """The file is the wish: both words ask for the platform."""
    assert placed(PlatformMapping([assigned("LiveDSG", "YellowLive", status=status)])) == [
        ("YellowLive", "LiveDSG", "addresses"),
        ("YellowLive", "LiveDSG", "customers"),
    ]


@pytest.mark.row("M11", kind="refusal")
@pytest.mark.parametrize("status", [AssignmentStatus.DECOMMISSIONING, AssignmentStatus.DECOMMISSIONED])
def test_an_assignment_that_goes_places_nothing(status: AssignmentStatus) -> None:
    """From the first word of its end on a platform serves the group no more."""
    assert placed(PlatformMapping([assigned("LiveDSG", "YellowLive", status=status)])) == []


@pytest.mark.row("M11", kind="refusal")
def test_a_group_that_the_mapping_does_not_name_is_placed_nowhere() -> None:
    """Without an assignment no platform is chosen for a group."""
    assert placed(PlatformMapping()) == []


def test_one_group_may_have_several_platforms() -> None:
    """Each present assignment is a placement, whatever becomes of the others."""
    mixed = GroupAssignments(
        workspace="Consumer1",
        group="LiveDSG",
        assignments=[
            Assignment(data_platform="YellowLive", status=AssignmentStatus.DECOMMISSIONED),
            Assignment(data_platform="YellowForensic", status=AssignmentStatus.PROVISIONED),
        ],
    )

    assert {platform for platform, _, _ in placed(PlatformMapping([mixed]))} == {"YellowForensic"}
    assert {p for p, _, _ in placed(PlatformMapping([assigned("LiveDSG", "YellowLive", "YellowForensic")]))} == {
        "YellowLive",
        "YellowForensic",
    }


def test_the_same_assignment_twice_is_one() -> None:
    """Repeated entries, assignments and sinks place a dataset once."""
    twice = PlatformMapping([assigned("LiveDSG", "YellowLive", "YellowLive"), assigned("LiveDSG", "YellowLive")])
    sink = DatasetSink("Store1", "customers")
    model = ecosystem(workspaces=[replace(CONSUMER, groups=[group("LiveDSG", sinks=[sink, sink])])])

    assert len(placements(model, twice)) == 1


def test_what_the_model_does_not_have_is_left_out() -> None:
    """An unknown platform, workspace, group, store or dataset places nothing and stops nothing."""
    sinks = [DatasetSink("Store1", "customers"), DatasetSink("Store1", "orders"), DatasetSink("Store9", "customers")]
    model = ecosystem(workspaces=[replace(CONSUMER, groups=[group("LiveDSG", sinks=sinks)])])
    mapping = PlatformMapping(
        [
            assigned("LiveDSG", "YellowLive", "YelowLive"),
            assigned("NoDSG", "YellowLive"),
            assigned("LiveDSG", "YellowForensic", workspace="Consumer9"),
        ]
    )

    assert [(p.platform.name, p.dataset.name) for p in placements(model, mapping)] == [("YellowLive", "customers")]


def test_of_two_stores_of_one_name_the_first_counts() -> None:
    """Lint refuses the second; what is planned until then does not depend on chance."""
    other = replace(STORE, documentation="another")
    model = ecosystem(stores=[STORE, other])

    assert {p.store.documentation for p in placements(model, MAPPING)} == {STORE.documentation}
