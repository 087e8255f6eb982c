"""What an experiment hands back, and how its targets are judged: by wall time on a quiet machine, else by CPU."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bench import targets
from bench.cost import Cost
from bench.options import Kind, Options
from bench.records import Spread, Target, Verdict

#: The experiments' own size, and from how many rounds of the benchmark on they are run in that size and judged.
CUSTOMERS: Final = 100_000
ROUNDS: Final = 3
_SMOKE_CUSTOMERS: Final = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A target of an experiment. `worst`: the highest value is judged, not the median."""

    name: str
    limit: float
    unit: str = " ×"
    worst: bool = False

    def judged(self, options: Options, spread: Spread | None, *, unit: str = "", reason: str = "") -> Target:
        """The target with what was measured, None for nothing; `reason` says why not."""
        measured = None if spread is None else spread.most if self.worst else spread.median
        if measured is None:
            verdict, why = Verdict.NOT_SHOWN, reason or "were not measured in this run"
        elif not is_full(options):
            verdict, why = Verdict.NOT_SHOWN, f"are judged from {CUSTOMERS:,} customers and {ROUNDS} rounds on"
        else:
            verdict, why = (Verdict.MET if measured <= self.limit else Verdict.MISSED), ""
        return Target(
            name=self.name,
            limit=f"≤ {self.limit:g}{self.unit}{unit}",
            measured=measured,
            range=None if spread is None else (spread.least, spread.most),
            verdict=verdict,
            reason=why,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """One experiment: its targets, what was measured as JSON, and what was wrong with what it left behind."""

    experiment: str
    targets: Sequence[Target]
    measurements: Sequence[Mapping[str, Any]] = ()
    problems: Sequence[str] = field(default=())


def is_full(options: Options) -> bool:
    """Whether the experiments are run in their own size, and judged; else they only show that they work."""
    return options.customers >= CUSTOMERS and options.rounds >= ROUNDS


def size(options: Options) -> int:
    """Customers, or as many rows, of an experiment."""
    return CUSTOMERS if is_full(options) else min(options.customers, _SMOKE_CUSTOMERS)


def sized(options: Options) -> Options:
    """The options of a source of that size."""
    return Options(customers=size(options), rounds=1, kinds=list(Kind), phases=(), results=options.results)


def compared(goal: Goal, options: Options, ours: Sequence[Cost], theirs: Sequence[Cost]) -> Target:
    """Ours divided by theirs, round by round."""
    walls = [cost.wall_seconds for cost in theirs]
    by_cpu = max(walls) > targets.NOISY * min(walls)
    pairs = zip(ours, theirs, strict=True)
    ratios = [
        one.cpu_seconds / other.cpu_seconds if by_cpu else one.wall_seconds / other.wall_seconds for one, other in pairs
    ]
    return goal.judged(options, targets.spread(ratios), unit=" (CPU)" if by_cpu else "")


def as_row(experiment: str, cost: Cost, **about: Any) -> Mapping[str, Any]:
    """A measurement as JSON."""
    return {
        "experiment": experiment,
        **about,
        "work_seconds": round(cost.wall_seconds, 4),
        "cpu_seconds": round(cost.cpu_seconds, 4),
        "wal_bytes": cost.wal_bytes,
    }
