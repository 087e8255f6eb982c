"""The acceptance map says what a run showed, and is not written from one that did not show it."""

from __future__ import annotations

import json

import pytest

from tools import acceptance_map

ROWS = """
[groups]
X = "Things"
[rows.X01]
text = "first"
[rows.X02]
text = "second | third"
planned = true
[rows.X03]
text = "old"
superseded = "X01"
"""
GOOD = {"outcome": "passed", "rows": [["X01", "good"]], "reason": ""}
REFUSAL = {"outcome": "passed", "rows": [["X01", "refusal"]], "reason": ""}


@pytest.fixture
def verdict(tmp_path):
    """Give the problems and the page of a run, recorded as node id → test."""

    def judge(tests):
        (tmp_path / "rows.toml").write_text(ROWS)
        (tmp_path / "results.json").write_text(json.dumps({"tests": tests}))
        groups, rows = acceptance_map.read_rows(tmp_path / "rows.toml")
        shown = acceptance_map.read_tests(tmp_path / "results.json")
        return acceptance_map.problems(rows, shown), acceptance_map.rendered(groups, rows, shown)

    return judge


def test_row_with_a_good_case_and_a_refusal_is_shown(verdict):
    """A due row lists its tests, cases of one test taken together; planned and superseded rows say so."""
    found, page = verdict({"t/a.py::one[1]": GOOD, "t/a.py::one[2]": GOOD, "t/a.py::two": REFUSAL})

    assert found == []
    assert "| X01 | first | shown | [one](../t/a.py)<br>[two](../t/a.py) (refusal) |" in page
    assert "| X02 | second \\| third | planned | – |" in page
    assert "| X03 | old | superseded by X01 | – |" in page


@pytest.mark.parametrize(
    ("second", "problem"),
    [
        ({}, "X01 has 1 of 2 tests: first"),
        ({"t/a.py::two": {**GOOD, "outcome": "failed"}}, "t/a.py::two failed"),
        ({"t/a.py::two": {**GOOD, "outcome": "skipped", "reason": "no fdw"}}, "t/a.py::two did not run here: no fdw"),
        (
            {"t/a.py::two": {**GOOD, "rows": [["X01", "bad"]]}},
            "t/a.py::two marks X01 as 'bad'; it is one of good, refusal",
        ),
        (
            {"t/a.py::two": GOOD, "t/b.py::x": {**GOOD, "rows": [["X09", "good"]]}},
            "t/b.py::x carries X09, which is no row",
        ),
    ],
    ids=["one test", "failed", "skipped", "unknown kind", "unknown row"],
)
def test_what_is_not_shown_is_a_problem(verdict, second, problem):
    """One test alone, a failure, a skipped test, and marks that name nothing keep the map from being written."""
    assert verdict({"t/a.py::one": GOOD, **second})[0] == [problem]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["failure last", "failure first"])
def test_worst_case_of_a_parametrized_test_counts(verdict, order):
    """A test of which one case failed has failed, wherever the case stands."""
    cases = [GOOD, {**GOOD, "outcome": "failed"}]

    found, _ = verdict({f"t/a.py::one[{n}]": cases[i] for n, i in enumerate(order)} | {"t/a.py::two": REFUSAL})

    assert found == ["t/a.py::one failed"]


def test_edit_makes_recorded_results_stale(tmp_path):
    """The fingerprint follows what tests depend on, and neither caches nor the map itself."""
    (tmp_path / "src" / "__pycache__").mkdir(parents=True)
    (tmp_path / "docs").mkdir()
    (tmp_path / "src" / "a.py").write_text("a = 1\n")
    before = acceptance_map.fingerprint(tmp_path)

    (tmp_path / "src" / "__pycache__" / "a.pyc").write_text("cached")
    (tmp_path / "docs" / "acceptance.md").write_text("map")
    assert acceptance_map.fingerprint(tmp_path) == before

    (tmp_path / "src" / "a.py").write_text("a = 2\n")
    assert acceptance_map.fingerprint(tmp_path) != before


MAPPED = (
    "| X01 | first | shown | [one](../tests/e2e/a.py)<br>[two](../tests/e2e/a.py) (refusal)<br>[three](../t/b.py) |"
)


@pytest.fixture
def tree(tmp_path):
    """A repository whose map names tests of a slower suite that has them."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/acceptance.md").write_text(f"{MAPPED}\n")
    (tmp_path / "tests/e2e").mkdir(parents=True)
    (tmp_path / "tests/e2e/a.py").write_text("def one():\n\n\ndef two(cluster):\n")
    (tmp_path / "build").mkdir()
    return tmp_path


def test_slower_suite_that_did_not_run_is_taken_from_the_map(tree):
    """Only tests of slower suites are, with their kinds, and only those that still stand in their files."""
    kept = {test.test_id: test.kinds for test in acceptance_map.read_slower_tests(tree)}
    assert kept == {"tests/e2e/a.py::one": {"X01": "good"}, "tests/e2e/a.py::two": {"X01": "refusal"}}

    (tree / "tests/e2e/a.py").write_text("def two():\n")
    assert [test.test_id for test in acceptance_map.read_slower_tests(tree)] == ["tests/e2e/a.py::two"]


def test_slower_suite_that_ran_speaks_for_itself(tree):
    """A record wins over the map: a test that failed has failed."""
    failed = {"outcome": "failed", "rows": [["X01", "good"]], "reason": ""}
    (tree / "build/e2e-results.json").write_text(json.dumps({"tests": {"tests/e2e/a.py::one": failed}}))

    outcomes = {test.test_id: test.outcome for test in acceptance_map.read_slower_tests(tree)}
    assert outcomes == {"tests/e2e/a.py::one": "failed", "tests/e2e/a.py::two": "passed"}
