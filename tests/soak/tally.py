"""Counts what the sequences did, so that a kind of step that never happens is seen.

Written per worker, told at the end.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

WIDTH: Final = 100


class Tally:
    """Counts by group and name."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()

    def add(self, group: str, name: str, times: int = 1) -> None:
        self.counts[group, name] += times

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps([[*key, times] for key, times in sorted(self.counts.items())]))


def joined(files: Iterable[Path]) -> dict[str, dict[str, int]]:
    """The counts of all workers, by group."""
    groups: dict[str, Counter[str]] = {}
    for path in files:
        for group, name, times in json.loads(path.read_text()):
            groups.setdefault(group, Counter())[name] += times
    return {group: dict(sorted(counts.items())) for group, counts in sorted(groups.items())}


def never(counts: Mapping[str, Mapping[str, int]], wanted: Mapping[str, Sequence[str]]) -> list[str]:
    """What had to happen and did not."""
    return [
        f"{group}: {name}" for group, names in wanted.items() for name in names if not counts.get(group, {}).get(name)
    ]


def table(counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """The counts as lines of at most WIDTH columns."""
    lines: list[str] = []
    for group, names in counts.items():
        line = f"{group:<9}"
        for number, (name, times) in enumerate(names.items()):
            part = f" {name} {times:,}" + ("" if number == len(names) - 1 else ",")
            if len(line) + len(part) > WIDTH:
                lines.append(line)
                line = " " * 9
            line += part
        lines.append(line)
    return lines
