"""Writes what each test showed to a file, for the acceptance map, and compares with golden files.

What else tests share belongs to their own folder.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tools.acceptance_map import fingerprint

RESULTS = pytest.StashKey[dict[str, dict[str, Any]]]()
FINGERPRINT = pytest.StashKey[str]()
Golden = Callable[[str, str], None]
WORST_FIRST = ("failed", "skipped", "passed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record-results", type=Path, help="write the outcome of every test, with its rows, as JSON")
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew instead of comparing")


def pytest_configure(config: pytest.Config) -> None:
    """Take the fingerprint before the first test, so that an edit during the run makes the results stale."""
    if config.getoption("--record-results") and not hasattr(config, "workerinput"):
        config.stash[RESULTS] = {}
        config.stash[FINGERPRINT] = fingerprint(config.rootpath)
        config.pluginmanager.register(Recorder(config), "acceptance-results")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put a test's rows where a report carries them from an xdist worker to the main process."""
    for item in items:
        rows = [(row, mark.kwargs.get("kind", "good")) for mark in item.iter_markers("row") for row in mark.args]
        item.user_properties.append(("rows", sorted(set(rows))))


class Recorder:
    """Lives in the main process only; the reports of all workers arrive here."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        test = self.config.stash[RESULTS].setdefault(
            report.nodeid, {"outcome": "passed", "rows": dict(report.user_properties).get("rows", []), "reason": ""}
        )
        test["outcome"] = min(test["outcome"], report.outcome, key=WORST_FIRST.index)
        if report.skipped and isinstance(report.longrepr, tuple):
            test["reason"] = report.longrepr[2].removeprefix("Skipped: ")

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        path: Path = self.config.getoption("--record-results")
        path.parent.mkdir(parents=True, exist_ok=True)
        record = {
            "v": 1,
            "fingerprint": self.config.stash[FINGERPRINT],
            "exit_status": int(exitstatus),
            "tests": dict(sorted(self.config.stash[RESULTS].items())),
        }
        path.write_text(json.dumps(record, indent=1) + "\n")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare a text with the file of that name in the folder `golden` beside the test, or write it."""
    folder = request.path.parent / "golden"

    def compare(name: str, text: str) -> None:
        path: Path = folder / name
        if request.config.getoption("--update-golden"):
            folder.mkdir(exist_ok=True)
            path.write_text(text)
            return
        if not path.exists():
            pytest.fail(f"{path} is not there; `make golden` writes it", pytrace=False)
        expected = path.read_text()
        if text != expected:
            difference = difflib.unified_diff(expected.splitlines(), text.splitlines(), name, "now", lineterm="")
            pytest.fail("\n".join([*difference, "", "if this is meant: make golden"]), pytrace=False)

    return compare
