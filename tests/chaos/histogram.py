"""How often which fault struck at which point: the numbers, a table of at most 100 columns, and JSON. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from datasurface.yellow.engine.batch.crash_points import CrashPoint

#: Moments of a batch: a fault at one of them counts.
IN_BATCH: Final = tuple(point for point in CrashPoint if point not in (CrashPoint.LOCKED, CrashPoint.BEFORE_EXIT))


@dataclass
class Histogram:
    """What struck where. `seconds` is what the faults of a kind took, until the job had ended and all was up again."""

    kinds: Sequence[str]
    struck: Counter[tuple[str, CrashPoint]] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, kind: str, point: CrashPoint, outcome: str, seconds: float) -> None:
        """A fault struck at a point."""
        self.struck[kind, point] += 1
        self.outcomes[kind, outcome] += 1
        self.seconds[kind] += seconds  # type: ignore[assignment]

    @property
    def counted(self) -> int:
        """Faults that struck inside a batch."""
        return sum(times for (_, point), times in self.struck.items() if point in IN_BATCH)

    def of_kind(self, kind: str) -> int:
        """Counted faults of a kind."""
        return sum(self.struck[kind, point] for point in IN_BATCH)

    def lines(self) -> list[str]:
        """The table, and what its columns mean."""
        points = list(CrashPoint)
        width = max(map(len, (*self.kinds, "fault")))
        head = "".join(f"{number:>5}" for number in range(1, len(points) + 1))
        lines = [f"{'fault':<{width}} {head}  count"]
        for kind in self.kinds:
            cells = "".join(f"{self.struck[kind, point] or '.':>5}" for point in points)
            lines.append(f"{kind:<{width}} {cells} {self.of_kind(kind):>6}")
        totals = "".join(f"{sum(self.struck[kind, point] for kind in self.kinds):>5}" for point in points)
        lines += [f"{'all':<{width}} {totals} {self.counted:>6}", ""]
        for number, point in enumerate(points, start=1):
            note = "" if point in IN_BATCH else " (outside of a batch: not counted)"
            lines.append(f"{number:>3}  {point.value}{note}")
        return lines

    def document(self) -> dict[str, Any]:
        """The same as JSON."""
        return {
            "counted": self.counted,
            "faults": [
                {
                    "kind": kind,
                    "counted": self.of_kind(kind),
                    "points": _named((point.name, self.struck[kind, point]) for point in CrashPoint),
                    "outcomes": {name: n for (of, name), n in sorted(self.outcomes.items()) if of == kind},
                    "point_not_reached": self.missed[kind],
                    "seconds": round(float(self.seconds[kind]), 1),
                }
                for kind in self.kinds
            ],
        }


def _named(pairs: Iterable[tuple[str, int]]) -> Mapping[str, int]:
    return {name.lower(): times for name, times in pairs if times}
