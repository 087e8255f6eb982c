"""The targets of the platform, what was measured of each, and the table that says so."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Target:
    """One promise: the measured value may be at most `limit`, or, where `is_strict`, must be below it."""

    name: str
    text: str
    limit: float
    unit: str
    is_strict: bool = False

    def is_met(self, value: float) -> bool:
        """Whether the value keeps the promise."""
        return value < self.limit if self.is_strict else value <= self.limit

    @property
    def wanted(self) -> str:
        """The promise as the table shows it."""
        return f"{'<' if self.is_strict else '≤'} {self.limit:g} {self.unit}".rstrip()


TARGETS: Final = (
    Target(name="ready", text="ready after images are present", limit=150, unit="s"),
    Target(name="restarts", text="restarts in all until ready", limit=1, unit=""),
    Target(name="cpu", text="requested CPU", limit=2, unit="cores"),
    Target(name="memory", text="requested memory", limit=3, unit="GiB"),
    Target(name="volumes", text="requested volumes", limit=10, unit="GiB"),
    Target(name="first_rows", text="ready to 13 rows in both views", limit=120, unit="s"),
    Target(name="latency", text="source change to live view, p95", limit=10, unit="s", is_strict=True),
    Target(name="push", text="pushed commit to live", limit=60, unit="s", is_strict=True),
    Target(name="stream_row", text="stream row to DAG", limit=5, unit="s", is_strict=True),
    Target(name="unrestricted", text="containers not restricted or root writable", limit=0, unit=""),
    Target(name="lint", text="findings of helm lint, kubeconform, checkov", limit=0, unit=""),
    Target(name="image", text="image datasurface", limit=300, unit="MiB"),
    Target(name="airflow_image", text="image datasurface-airflow", limit=650, unit="MiB"),
)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A measured value, with what else is worth saying about it."""

    value: float
    note: str = ""


@dataclass(kw_only=True)
class Measurements:
    """What a run measured, by the names of the targets."""

    values: dict[str, Measured] = field(default_factory=dict)

    def record(self, name: str, value: float, note: str = "") -> None:
        """Keep a value and hold it against its target; a missed one fails the test that measured it."""
        target = next(target for target in TARGETS if target.name == name)
        self.values[name] = Measured(value=value, note=note)
        assert target.is_met(value), f"{target.text}: {value:g} {target.unit}, wanted {target.wanted}; {note}"

    def verdict(self, target: Target) -> str:
        """`met`, `missed`, or `not shown`."""
        measured = self.values.get(target.name)
        if measured is None:
            return "not shown"
        return "met" if target.is_met(measured.value) else "missed"

    def table(self) -> list[str]:
        """The table, a line per target, with its head."""
        rows = [("target", "wanted", "measured", "verdict", "")]
        for target in TARGETS:
            measured = self.values.get(target.name)
            shown = "–" if measured is None else f"{measured.value:.4g} {target.unit}".rstrip()
            note = "" if measured is None else measured.note
            rows.append((target.text, target.wanted, shown, self.verdict(target), note))
        return _aligned(rows)

    def write(self, path: Path) -> None:
        """Write all of it as JSON."""
        documents = [
            {
                **asdict(target),
                "verdict": self.verdict(target),
                "measured": asdict(self.values[target.name]) if target.name in self.values else None,
            }
            for target in TARGETS
        ]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"v": 1, "targets": documents}, indent=1, ensure_ascii=False) + "\n")


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all values do not exceed (nearest rank)."""
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * round(share * 1000) // 1000))
    return ordered[rank - 1]


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
