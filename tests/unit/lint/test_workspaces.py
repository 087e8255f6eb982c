"""Groups on platforms that can serve them, by a mapping that names what exists."""

from __future__ import annotations

from dataclasses import replace

import pytest

from datasurface.lint.report import Finding, Severity
from datasurface.model.mapping import Assignment, AssignmentStatus, DeprecationsAllowed
from tests.unit.lint.landscape import (
    FORENSIC,
    LIVE,
    MAPPED,
    MERGE,
    RIGHT,
    assigned,
    dataset,
    ecosystem,
    found,
    group,
    mapping,
    only,
    platform,
    store,
    team,
    workspace,
)

GROUP = "Eco/Zone/team/Consumer/Group"
FILE = "dsg_platform_mapping.json"


def grouped(*groups, stores=None, platforms=None):
    """The right model with other groups in its workspace."""
    return ecosystem(team(stores=stores, workspaces=[workspace(groups=groups)]), platforms=platforms)


@pytest.mark.row("M09", kind="refusal")
@pytest.mark.parametrize(
    ("needs", "keeps", "rules"),
    [(LIVE, LIVE, []), (LIVE, FORENSIC, []), (FORENSIC, FORENSIC, []), (FORENSIC, LIVE, [("DS701", GROUP)])],
)
def test_history_needs_a_platform_that_keeps_it(needs, keeps, rules):
    """A forensic group on a live platform is refused; a live group is served by either."""
    assert found(grouped(group(strategy=needs), platforms=[platform(strategy=keeps)])) == rules


def test_assignment_that_goes_serves_nobody():
    """What is decommissioned is not judged by what it could serve."""
    model = grouped(group(strategy=FORENSIC), platforms=[platform()])

    assert found(model, mapping(assigned("Yellow", status=AssignmentStatus.DECOMMISSIONING))) == []


@pytest.mark.parametrize("what", ["dataset", "store"])
def test_deprecated_data_needs_leave(what):
    """A group on something deprecated is found, unless its assignment allows it."""
    changed = replace(dataset(), deprecated="goes in May" if what == "dataset" else None)
    model = grouped(group(), stores=[store(datasets=[changed], deprecated="goes in May" if what == "store" else None)])

    assert (only(model).rule, only(model).path) == ("DS702", GROUP)
    assert "goes in May" in only(model).message
    assert found(model, mapping(assigned("Yellow", deprecations_allowed=DeprecationsAllowed.ALLOWED))) == []


@pytest.mark.row("M08", kind="refusal")
def test_platforms_share_one_merge_database():
    """A second merge database is refused at its platform."""
    other = replace(MERGE, name="other")

    assert found(ecosystem(team(), platforms=[platform(), platform("Second", merge_container=other)])) == [
        ("DS703", "Eco/Second")
    ]


def test_empty_store_and_group_are_warnings():
    """What does nothing is said."""
    model = grouped(group(), group("Empty", sinks=[]), stores=[store(), store("Bare", datasets=[])])
    report = found(model, mapping(assigned("Yellow"), assigned("Yellow", group="Empty")))

    assert report == [("DS704", "Eco/Zone/team/Bare"), ("DS704", "Eco/Zone/team/Consumer/Empty")]


@pytest.mark.row("M10", kind="refusal")
def test_unknown_platform_is_found_at_its_line():
    """The line of the assignment and the platform that was meant are named."""
    entry = assigned(Assignment(data_platform="Yelow", status=AssignmentStatus.PROVISIONED, line=14), line=2)

    finding = only(mapped=mapping(entry))

    assert (finding.rule, finding.path) == ("DS301", f"{FILE}:14")
    assert finding.message == 'names platform "Yelow", which does not exist; did you mean "Yellow"?'


@pytest.mark.row("M10", kind="refusal")
@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"group": "Groups"}, 'names group "Groups", which workspace Consumer does not have; did you mean "Group"?'),
        (
            {"workspace": "Consumers"},
            'names workspace "Consumers", which does not exist or has no groups; did you mean "Consumer"?',
        ),
    ],
)
def test_unknown_group_is_found_at_its_line(entry, message):
    """An entry for a group that the model does not have is refused."""
    finding = only(mapped=mapping(*MAPPED.groups, assigned("Yellow", line=9, **entry)))

    assert (finding.rule, finding.path, finding.message) == ("DS302", f"{FILE}:9", message)


@pytest.mark.row("M10", kind="refusal")
def test_second_entry_and_second_assignment_are_found():
    """A group has one entry, and a platform once in it."""
    assert found(mapped=mapping(assigned("Yellow", line=2), assigned("Yellow", line=7))) == [("DS303", f"{FILE}:7")]
    assert found(mapped=mapping(assigned("Yellow", "Yellow", line=2))) == [("DS304", f"{FILE}:2")]


@pytest.mark.row("M10", kind="refusal")
@pytest.mark.parametrize("entries", [[], [assigned()]], ids=["no entry", "no assignment"])
def test_group_without_an_assignment_is_found(entries):
    """A group that no platform serves is refused where it is declared."""
    assert found(mapped=mapping(*entries)) == [("DS305", GROUP)]


def test_unreadable_mapping_is_not_taken_for_an_empty_one():
    """Where the file could not be read, groups are not said to lack an assignment as well."""
    broken = Finding("DS307", FILE, "m", "f")
    wrong = Finding("DS309", FILE, "m", "f")

    assert found(RIGHT, mapping(), mapping_findings=[broken]) == [("DS307", FILE)]
    assert found(RIGHT, mapping(assigned()), mapping_findings=[wrong]) == [("DS309", FILE)]
    assert found(RIGHT, mapping(assigned(group="Other")), mapping_findings=[wrong]) == [
        ("DS302", FILE),
        ("DS305", GROUP),
        ("DS309", FILE),
    ]


def test_warning_is_a_warning():
    """Its severity reaches the finding."""
    assert only(grouped(group(), stores=[store(), store("Bare", datasets=[])])).severity is Severity.WARNING
