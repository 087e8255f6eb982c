"""The map from acceptance rows to the tests that show them: docs/acceptance.md.

The rows stand in docs/acceptance_rows.toml, the outcomes in the file that `pytest --record-results` writes. Nothing
here runs a test: make decides whether the recorded run still describes the tree (`fresh`).
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import json
import re
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROWS: Final = Path("docs/acceptance_rows.toml")
MAP: Final = Path("docs/acceptance.md")
KINDS: Final = ("good", "refusal")
#: A row that is neither planned nor superseded has one test of the good case and one of what must not happen.
TESTS_PER_ROW: Final = 2
#: Suites that need more than the main one does (an Airflow, images, a cluster), with their last run's record, if any.
SLOWER_SUITES: Final = {
    "tests/airflow/": Path("build/airflow-results.json"),
    "tests/images/": Path("build/images-results.json"),
    "tests/e2e/": Path("build/e2e-results.json"),
}
_MAPPED: Final = re.compile(r"\[(\w+)\]\(\.\./([\w./-]+\.py)\)( \(refusal\))?")
_FOLDERS: Final = ("charts", "docs", "images", "models", "requirements", "simulator", "src", "tests", "tools")
#: What a test's outcome can depend on, beside the machine.
FINGERPRINTED: Final = (*_FOLDERS, "pyproject.toml")

HEADER: Final = """\
# Acceptance map

Which tests show which row; written by `make acceptance` from passing runs of `make test`, `make airflow-test`,
`make images` and `make e2e`, never by hand. The rows stand in [acceptance_rows.toml](acceptance_rows.toml). A row is
*shown* when at least two tests that carry it pass, one of the good case and one of what must not happen (marked
"refusal"); otherwise it says *planned* or what superseded it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One acceptance row; `superseded` names what took its place, `note` what was decided about it, else None."""

    row_id: str
    text: str
    note: str | None
    planned: bool
    superseded: str | None

    @property
    def is_due(self) -> bool:
        """Whether tests have to show it now."""
        return not self.planned and self.superseded is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One test function and the worst outcome of its cases; `kinds` maps a row's id to "good" or "refusal"."""

    test_id: str
    outcome: str
    reason: str
    kinds: Mapping[str, str]


def fingerprint(root: Path) -> str:
    """Hash what the outcome of the suite depends on; docs/acceptance.md itself is left out."""
    digest = hashlib.sha256()
    for name in FINGERPRINTED:
        top = root / name
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            hidden = any(part.startswith((".", "__pycache__")) for part in path.relative_to(root).parts)
            if path.is_file() and not hidden and path != root / MAP:
                digest.update(f"{path.relative_to(root)}\0".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def read_rows(path: Path) -> tuple[Mapping[str, str], Sequence[Row]]:
    """Read the titles of the groups, by letter, and the rows in the file's order."""
    document = tomllib.loads(path.read_text())
    rows = [
        Row(
            row_id=row_id,
            text=entry["text"],
            note=entry.get("note"),
            planned=entry.get("planned", False),
            superseded=entry.get("superseded"),
        )
        for row_id, entry in document["rows"].items()
    ]
    return document["groups"], rows


def read_tests(path: Path) -> Sequence[Shown]:
    """Read the recorded tests that carry rows, the cases of a parametrized test taken together."""
    worst: dict[str, Shown] = {}
    for node_id, test in json.loads(path.read_text())["tests"].items():
        test_id = node_id.partition("[")[0]
        before = worst.get(test_id)
        kinds = {**(before.kinds if before else {}), **dict(test["rows"])}
        if before and (test["outcome"] == "passed" or before.outcome == "failed"):
            worst[test_id] = Shown(test_id=test_id, outcome=before.outcome, reason=before.reason, kinds=kinds)
        else:
            worst[test_id] = Shown(test_id=test_id, outcome=test["outcome"], reason=test["reason"], kinds=kinds)
    return [worst[test_id] for test_id in sorted(worst) if worst[test_id].kinds]


def read_slower_tests(root: Path) -> Sequence[Shown]:
    """Read what the slower suites showed: by their records, and by the map for tests that those do not hold.

    So a machine without a cluster can check the map as well; a test that left its file leaves the map.
    """
    ran = [test for record in SLOWER_SUITES.values() if (root / record).exists() for test in read_tests(root / record)]
    known = {test.test_id for test in ran}
    kept = [test for test in _mapped(root) if test.test_id not in known and _stands(root, test.test_id)]
    return [*ran, *kept]


def _mapped(root: Path) -> Sequence[Shown]:
    """The tests of the slower suites that the committed map names."""
    kinds: dict[str, dict[str, str]] = {}
    page = (root / MAP).read_text() if (root / MAP).exists() else ""
    for line in page.splitlines():
        row_id = line.partition("|")[2].partition("|")[0].strip()
        for name, path, refusal in _MAPPED.findall(line):
            if path.startswith(tuple(SLOWER_SUITES)):
                kinds.setdefault(f"{path}::{name}", {})[row_id] = "refusal" if refusal else "good"
    return [Shown(test_id=test_id, outcome="passed", reason="", kinds=each) for test_id, each in kinds.items()]


def _stands(root: Path, test_id: str) -> bool:
    path, _, name = test_id.partition("::")
    return (root / path).exists() and f"def {name}(" in (root / path).read_text()


def problems(rows: Sequence[Row], tests: Sequence[Shown]) -> list[str]:
    """Say why the map must not be written; empty when every due row is shown."""
    known = {row.row_id for row in rows}
    found = [f"{t.test_id} carries {r}, which is no row" for t in tests for r in sorted(t.kinds) if r not in known]
    found += [
        f"{test.test_id} marks {row_id} as {kind!r}; it is one of {', '.join(KINDS)}"
        for test in tests
        for row_id, kind in sorted(test.kinds.items())
        if kind not in KINDS
    ]
    found += [f"{t.test_id} did not run here: {t.reason}" for t in tests if t.outcome == "skipped"]
    found += [f"{t.test_id} failed" for t in tests if t.outcome == "failed"]
    for row in rows:
        carried = sum(row.row_id in test.kinds for test in tests)
        if row.is_due and carried < TESTS_PER_ROW:
            found.append(f"{row.row_id} has {carried} of {TESTS_PER_ROW} tests: {row.text}")
    return found


def without_refusal(rows: Sequence[Row], tests: Sequence[Shown]) -> list[str]:
    """Name the due rows whose tests all show the good case."""
    refused = {row_id for test in tests for row_id, kind in test.kinds.items() if kind == "refusal"}
    return [row.row_id for row in rows if row.is_due and row.row_id not in refused]


def rendered(groups: Mapping[str, str], rows: Sequence[Row], tests: Sequence[Shown]) -> str:
    """Give the page: a table per group, rows and tests sorted, nothing that differs between two runs of one tree."""
    parts = [HEADER]
    for letter, title in groups.items():
        parts.append(f"\n## {letter} · {title}\n\n| row | what | result | tests |\n|---|---|---|---|\n")
        parts += [_line(row, tests) for row in rows if row.row_id.startswith(letter)]
    return "".join(parts)


def _line(row: Row, tests: Sequence[Shown]) -> str:
    carriers = [test for test in tests if row.row_id in test.kinds]
    if row.superseded:
        result = f"superseded by {row.superseded}"
    elif row.planned:
        result = "planned, in part shown" if carriers else "planned"
    else:
        result = "shown"
    text = f"{row.text} *{row.note}*" if row.note else row.text
    links = "<br>".join(_link(test, row.row_id) for test in carriers) or "–"
    cells = [row.row_id, text.replace("|", "\\|"), result.replace("|", "\\|"), links]
    return f"| {' | '.join(cells)} |\n"


def _link(test: Shown, row_id: str) -> str:
    path, _, name = test.test_id.partition("::")
    refusal = " (refusal)" if test.kinds[row_id] == "refusal" else ""
    return f"[{name}](../{path}){refusal}"


def is_fresh(results: Path) -> bool:
    """Whether a passing run of just this tree is recorded."""
    if not results.exists():
        return False
    record = json.loads(results.read_text())
    return bool(record["exit_status"] == 0 and record["fingerprint"] == fingerprint(Path.cwd()))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of fresh, write, check; exit status 1 with the reasons on stderr where the answer is no."""
    parser = argparse.ArgumentParser(prog="acceptance_map", description=__doc__)
    parser.add_argument("action", choices=["fresh", "write", "check"])
    parser.add_argument("results", type=Path, help="the file that pytest --record-results wrote")
    options = parser.parse_args(arguments)
    if options.action == "fresh":
        return 0 if is_fresh(options.results) else 1
    groups, rows = read_rows(ROWS)
    tests = sorted([*read_tests(options.results), *read_slower_tests(Path.cwd())], key=lambda test: test.test_id)
    if found := problems(rows, tests):
        print("\n".join(f"acceptance: {problem}" for problem in found), file=sys.stderr)
        return 1
    page = rendered(groups, rows, tests)
    if options.action == "write":
        MAP.write_text(page)
        print(f"{MAP}: {sum(row.is_due for row in rows)} of {len(rows)} rows shown")
        if good_only := without_refusal(rows, tests):
            print(f"without a test marked kind='refusal': {', '.join(good_only)}")
        return 0
    return _compare(MAP.read_text() if MAP.exists() else "", page)


def _compare(stored: str, page: str) -> int:
    lines = list(difflib.unified_diff(stored.splitlines(), page.splitlines(), str(MAP), "this run", lineterm="", n=0))
    if lines:
        print("\n".join(lines), file=sys.stderr)
        print(f"{MAP} is stale: run `make acceptance` and commit it", file=sys.stderr)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
