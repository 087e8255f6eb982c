"""The whole check: a right model has no findings, a wrong one has all of them, and a large one takes seconds."""

from __future__ import annotations

import time

import pytest

from datasurface import dsl
from datasurface.lint import rule
from datasurface.lint.check import check
from datasurface.lint.report import Finding, Report, Severity
from tests.unit.lint.landscape import (
    MAPPED,
    RIGHT,
    assigned,
    dataset,
    ecosystem,
    found,
    group,
    mapping,
    platform,
    store,
    team,
    workspace,
)


@pytest.mark.row("M15")
def test_right_model_has_no_findings():
    """The model that the other tests make wrong is right."""
    assert found() == []


@pytest.mark.row("M15", kind="refusal")
def test_every_finding_is_reported():
    """A model with many faults is told all of them at once, by rule and then in the order of the model."""
    wrong = ecosystem(
        team(
            stores=[
                store(name="A.1", datasets=[dataset("x"), dataset("x")]),
                store(name="B.1", capture={"credential": dsl.Credential("k", dsl.CredentialType.API_TOKEN)}),
            ],
            workspaces=[workspace(groups=[group(sinks=[("A.1", "y"), ("C", "z")])])],
        ),
        platforms=[platform(default_schedule="often")],
    )

    assert found(wrong, mapping(assigned("Yelow"))) == [
        ("DS101", "Eco/Zone/team/A.1"),
        ("DS101", "Eco/Zone/team/B.1"),
        ("DS116", "Eco/Zone/team/Consumer/Group"),
        ("DS116", "Eco/Zone/team/Consumer/Group"),
        ("DS121", "Eco/Zone/team/A.1/x"),
        ("DS301", "dsg_platform_mapping.json"),
        ("DS601", "Eco/Zone/team/B.1"),
        ("DS611", "Eco/Yellow"),
    ]


def test_every_finding_says_what_to_change():
    """Path, message and fix are there, and nothing of them moves a terminal's cursor."""
    finding = Finding("DS101", "a/\x1b[2Jb/\u202ec", "x\ny\0\ud800", "z\t")

    assert finding.path == "a/\\x1b[2Jb/\\u202ec"
    assert finding.message == "x\\ny\\x00\\ud800"
    assert finding.fix == "z\\t"


def test_long_path_is_cut_in_the_middle():
    """A name of a megabyte does not make a finding of one."""
    assert len(Finding("DS101", "a" * 1_000_000 + "/b", "", "").path) < 400


def test_warnings_do_not_make_a_model_wrong():
    """Only errors keep a model from being deployed."""
    warning = Finding("DS704", "x", "m", "f", Severity.WARNING)
    error = Finding("DS101", "x", "m", "f")

    assert Report((warning,)).is_clean
    assert not Report((warning, error)).is_clean
    assert Report((warning, error)).errors == (error,)
    assert Report((warning, error)).warnings == (warning,)


def test_rules_have_unique_ids_and_a_sentence():
    """Every rule belongs to a group and says what holds."""
    rules = rule.all_rules()

    assert len({known.id for known in rules}) == len(rules)
    assert all(known.id[:3] in rule.GROUPS and known.summary.endswith(".") for known in rules)
    with pytest.raises(ValueError, match="DS101 is the id of object-name and of again"):
        rule.declare("DS101", "again", "Twice.")
    with pytest.raises(ValueError, match="needs a group and a summary"):
        rule.declare("DX101", "nowhere", "Has no group.")


def test_large_model_is_checked_in_seconds():
    """100 stores of 40 datasets take well under a second; ten times as many ten times as long."""
    stores = [store(f"S{n}", datasets=[dataset(f"d{k}") for k in range(40)]) for n in range(100)]
    groups = [group(f"G{n}", sinks=[(f"S{n}", f"d{k}") for k in range(40)]) for n in range(100)]
    large = ecosystem(team(stores=stores, workspaces=[workspace(groups=groups)]))
    mapped = mapping(*(assigned("Yellow", group=f"G{n}") for n in range(100)))

    started = time.process_time()
    report = check(large, mapped)

    assert report.findings == ()
    assert time.process_time() - started < 2


def test_many_unknown_names_are_checked_in_seconds():
    """Looking for what was meant does not make the check of a thoroughly wrong model slow."""
    sinks = [(f"Stor{n}", "people") for n in range(3_000)]
    stores = [store(f"Store{n}") for n in range(1_000)]
    wrong = ecosystem(team(stores=stores, workspaces=[workspace(groups=[group(sinks=sinks)])]))

    started = time.process_time()
    findings = check(wrong, MAPPED).findings

    assert len(findings) == 3_000
    assert "did you mean" in findings[0].message
    assert time.process_time() - started < 10


def test_findings_of_the_mapping_file_are_part_of_the_report():
    """What reading the mapping found stands where its rule does."""
    finding = Finding("DS309", "dsg_platform_mapping.json:3", "m", "f")

    assert check(RIGHT, MAPPED, [finding]).findings == (finding,)
