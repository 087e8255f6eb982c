"""How findings look: on a terminal, in a log and as JSON. Every command that reports some prints them by this."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

from rich.console import Console
from rich.text import Text

from datasurface.lint.report import Finding, Severity
from datasurface.lint.rule import GROUPS

WIDTH: Final = 100
INDENT: Final = 6
DOCS: Final = "docs/lint.md"


def show(findings: Sequence[Finding], console: Console | None = None) -> None:
    """Print every finding under the heading of its kind, then how many there are.

    Findings of a rule that differ in their paths alone share one message.
    """
    console = console or terminal()
    for group, found in groupby(sorted(findings, key=_group), key=_group):
        console.print(Text(GROUPS.get(group, "other"), style="bold"))
        for alike in _alike(found):
            _show_alike(alike, console)
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


def _alike(findings: Iterable[Finding]) -> Iterable[Sequence[Finding]]:
    """Findings put together by all but their paths, in the order of the first of each."""
    together: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in findings:
        together.setdefault((finding.rule, finding.message, finding.fix), []).append(finding)
    return together.values()


def _show_alike(alike: Sequence[Finding], console: Console) -> None:
    is_warning = alike[0].severity is Severity.WARNING
    for finding in alike:
        head = Text.assemble((finding.rule, "yellow" if is_warning else "red"), " ", finding.path)
        if is_warning:
            head.append(" (warning)")
        # A path is copied and searched for: it stays on one line, however long.
        console.print(head, soft_wrap=True)
    anchor = f"{DOCS}#{alike[0].rule.lower()}"
    for text in (Text(alike[0].message), Text(f"{alike[0].fix}: {anchor}", style="dim")):
        for line in text.wrap(console, console.width - INDENT):
            line.rstrip()
            console.print(Text(" " * INDENT).append_text(line), soft_wrap=True)
