"""`datasurface lint` and `datasurface model load`, as their users see them."""

from __future__ import annotations

import io
import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from datasurface.cli.findings import show, summary
from datasurface.cli.main import cli
from datasurface.lint.report import Finding, Severity

ROOT = Path(__file__).parents[3]
DEMO = ROOT / "models" / "demo"


@pytest.fixture
def demo(tmp_path):
    """Give a function that copies the demo's model, with words of its files replaced."""

    def changed(**words):
        model = tmp_path / "model"
        shutil.copytree(DEMO, model, ignore=shutil.ignore_patterns("__pycache__"))
        for file in (model / "eco.py", model / "dsg_platform_mapping.json"):
            text = file.read_text()
            for old, new in words.items():
                text = re.sub(rf"\b{old}\b", new, text)
            file.write_text(text)
        return model

    return changed


def run(*arguments):
    """Run the command line; give exit status, stdout and stderr."""
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.row("M15")
def test_right_model_is_quiet():
    """One line, exit status 0."""
    assert run("lint", DEMO) == (0, "0 findings\n", "")
    assert json.loads(run("lint", DEMO, "--json")[1]) == {"v": 1, "findings": []}


@pytest.mark.row("M15", kind="refusal")
def test_findings_are_shown_with_what_to_do(demo):
    """Id, path, message and fix of each finding, under headings, at most 100 columns wide; exit status 1."""
    model = demo(PROVISIONED="PROVISIONNED", USA="USA!", team1="team!")

    status, shown, _ = run("lint", model)

    assert status == 1
    assert max(len(line) for line in shown.splitlines()) <= 100
    assert shown.splitlines()[:6] == [
        "names and references",
        "DS101 Test/MyCorp/USA!",
        "DS101 Test/USA!",
        '      the name "USA!" has a character that tables and DAGs cannot carry',
        "      use letters (A to Z), digits, _, - and spaces, beginning and ending with no space:",
        "      docs/lint.md#ds101",
    ]
    assert "DS309 dsg_platform_mapping.json:11\nDS309 dsg_platform_mapping.json:24\n" in shown
    assert shown.endswith("5 findings\n")


def test_findings_for_machines(demo):
    """The same findings as one JSON document."""
    status, shown, _ = run("lint", demo(YellowForensic="YellowLive"), "--json")

    document = json.loads(shown)
    assert status == 1
    assert {"DS121", "DS701"} <= {finding["rule"] for finding in document["findings"]}
    assert set(document["findings"][0]) == {"rule", "path", "message", "fix", "severity"}


def test_physical_names_are_part_of_lint(demo):
    """What only the plan can see is found as well."""
    _, shown, _ = run("lint", demo(phone="valid_from"))

    assert "DS806 Test/USA/team1/Store1/customers/valid_from" in shown


@pytest.mark.row("M01", kind="refusal")
def test_model_that_does_not_load_is_one_finding(demo):
    """An exception in eco.py is a finding with its line, and no traceback."""
    model = demo(nullable="nulable")

    status, shown, errors = run("lint", model)

    assert status == 1
    assert shown.startswith("loading\nDS002 eco.py:18\n      TypeError: ")
    assert shown.endswith("\n1 finding\n")
    assert "Traceback" not in shown + errors


def test_what_eco_py_prints_is_only_counted(demo):
    """The bytes are said on stderr, never what they are."""
    model = demo()
    (model / "eco.py").write_text("print('secret')\n" + (model / "eco.py").read_text())

    assert run("lint", model) == (0, "0 findings\n", "eco.py printed 7 bytes, which are not shown\n")


def test_missing_directory_is_a_usage_error(tmp_path):
    """A path that leads nowhere is a wrong command line."""
    status, _, errors = run("lint", tmp_path / "nowhere")

    assert status == 2
    assert "does not exist" in errors


def test_warnings_leave_the_exit_status_at_0(demo):
    """A warning is shown as one."""
    model = demo()
    (model / "eco.py").write_text((model / "eco.py").read_text().replace("sinks=both", "sinks=[]"))

    status, shown, _ = run("lint", model)

    assert status == 0
    assert "\nDS704 Test/USA/team1/Consumer1/LiveDSG (warning)\n" in shown
    assert shown.endswith("\n2 findings, 2 of them only warnings\n")


def test_model_load_prints_the_document():
    """The whole model as JSON, or a line about it."""
    status, shown, _ = run("model", "load", DEMO, "--json")
    document = json.loads(shown)

    assert status == 0
    assert set(document) == {"v", "revision", "ecosystem", "mapping", "mapping_findings"}
    assert document["ecosystem"]["name"] == "Test"
    assert document["mapping"]["groups"][0]["line"] == 2
    assert run("model", "load", DEMO) == (
        0,
        f"Test: 1 store, 2 datasets, 2 platforms, 1 workspace\nrevision {document['revision']}\n",
        "",
    )


def test_model_load_says_why_there_is_none(demo):
    """A model that does not load is an error, as text and as JSON."""
    model = demo(VarChar="Varchar")

    status, shown, errors = run("model", "load", model)
    assert (status, shown) == (1, "")
    assert re.match(r"error: eco\.py:\d+: NameError: name 'Varchar' is not defined\n  fix: ", errors)

    status, shown, _ = run("model", "load", model, "--json")
    assert status == 1
    assert json.loads(shown)["problem"]["rule"] == "DS002"


def test_long_messages_wrap_and_paths_do_not():
    """A message is broken at words within 100 columns; a path stays in one piece."""
    stream = io.StringIO()
    path = "a/" * 100

    warning = Finding("DS704", "b", "[red]x", "y", Severity.WARNING)

    show([Finding("DS101", path, "word " * 60, "do it"), warning], Console(file=stream, width=100))

    lines = stream.getvalue().splitlines()
    assert lines[1] == f"DS101 {path}"
    assert all(len(line) <= 100 for line in lines if path not in line)
    assert lines[8:11] == ["workspaces and platforms", "DS704 b (warning)", "      [red]x"]
    assert lines[-1] == "2 findings, 1 of them only warnings"


def test_summary_counts():
    """Singular, plural and warnings."""
    error = Finding("DS101", "p", "m", "f")
    warning = Finding("DS704", "p", "m", "f", Severity.WARNING)

    assert [summary(each) for each in ([], [error], [error, error], [warning])] == [
        "0 findings",
        "1 finding",
        "2 findings",
        "1 finding, a warning",
    ]
