"""How findings look: on a terminal, in a log and as JSON. Every command that reports some prints them by this."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from datasurface.lint.report import Finding, Severity
from datasurface.lint.rule import GROUPS

WIDTH: Final = 100
INDENT: Final = 6
DOCS: Final = "docs/lint.md"


def show(findings: Sequence[Finding], console: Console | None = None) -> None:
    """Print every finding under the heading of its kind, then how many there are."""
    console = console or terminal()
    for group, found in groupby(sorted(findings, key=_group), key=_group):
        console.print(Text(GROUPS.get(group, "other"), style="bold"))
        for finding in found:
            _show_one(finding, console)
        console.print()
    console.print(Text(summary(findings)))


def summary(findings: Iterable[Finding]) -> str:
    """`2 findings`, and how many of them are only warnings."""
    found = list(findings)
    warnings = sum(finding.severity is Severity.WARNING for finding in found)
    count = f"{len(found)} finding" if len(found) == 1 else f"{len(found)} findings"
    if warnings == 0:
        return count
    return f"{count}, {'a warning' if warnings == len(found) == 1 else f'{warnings} of them only warnings'}"


def terminal() -> Console:
    """A console of at most 100 columns; of exactly 100 where the output goes elsewhere."""
    console = Console(highlight=False)
    console.width = min(console.width, WIDTH) if console.is_terminal else WIDTH
    return console


def _group(finding: Finding) -> str:
    return finding.rule[:3]


def _show_one(finding: Finding, console: Console) -> None:
    is_warning = finding.severity is Severity.WARNING
    head = Text.assemble((finding.rule, "yellow" if is_warning else "red"), " ", finding.path)
    if is_warning:
        head.append(" (warning)")
    # A path is copied and searched for: it stays on one line, however long.
    console.print(head, soft_wrap=True)
    console.print(Padding(Text(finding.message), (0, 0, 0, INDENT)))
    anchor = f"{DOCS}#{finding.rule.lower()}"
    console.print(Padding(Text(f"{finding.fix}: {anchor}", style="dim"), (0, 0, 0, INDENT)))
