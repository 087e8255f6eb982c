"""The targets of the rounds, and what this run says about each: docs/performance.md has them in words."""

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench import floor
from bench.options import Kind, Options
from bench.records import Measurement, Spread, Target, Verdict

#: Ratios to COPY|COPY that must not be exceeded, and those worth reaching.
LIMITS: Final[Mapping[Kind, Mapping[str, tuple[float, float]]]] = {
    Kind.LIVE: {"initial": (2.3, 1.9), "nochange": (1.5, 1.1), "1%": (1.9, 1.5), "20%": (2.8, 2.3)},
    Kind.FORENSIC: {"initial": (2.3, 1.9), "nochange": (1.5, 1.2), "1%": (1.9, 1.5), "20%": (3.1, 2.6)},
}
#: A peer's time divided by ours must be at least this.
PEERS: Final[Mapping[tuple[str, Kind], Mapping[str, float]]] = {
    ("dlt upsert", Kind.LIVE): {"initial": 2.8, "nochange": 5.5, "1%": 4.5, "20%": 2.1},
    ("dlt replace", Kind.LIVE): {"initial": 2.2, "nochange": 3.3, "1%": 2.8, "20%": 1.4},
    ("dlt scd2", Kind.FORENSIC): {"initial": 3.5, "nochange": 5.0, "1%": 4.5, "20%": 2.0},
}
#: Worth reaching in every phase, against the peers that keep what is already there.
FAR_AHEAD: Final = 3.0
FAR_AHEAD_OF: Final = ("dlt upsert", "dlt scd2")
#: Our WAL divided by a peer's must not exceed this.
WAL: Final[Mapping[tuple[str, Kind], Mapping[str, float]]] = {
    ("dlt upsert", Kind.LIVE): {"initial": 0.65, "nochange": 0.01, "1%": 0.2, "20%": 0.65},
    ("dlt scd2", Kind.FORENSIC): {"initial": 0.55, "nochange": 0.01, "1%": 0.7, "20%": 1.4},
}
MEMORY_BYTES: Final = 256 << 20
#: Our peak memory divided by a peer's in the same phase must not exceed this.
MEMORY_RATIO: Final = 0.25
#: The size and the rounds by which targets are judged; below them ratios are only shown.
LEAST_CUSTOMERS: Final = 1_000_000
LEAST_ROUNDS: Final = 3
#: Where the floor itself spreads more than this, wall times say too little.
NOISY: Final = 1.3

Value = Callable[[Measurement], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A target before it is judged. `worst`: by the worst value, not the median; a wish is never missed."""

    name: str
    limit: float
    is_least: bool = False
    is_wish: bool = False
    worst: bool = False
    unit: str = ""

    def value(self, measured: Spread) -> float:
        """What counts."""
        if self.worst:
            return measured.least if self.is_least else measured.most
        return measured.median

    def is_met(self, measured: Spread) -> bool:
        """Whether the limit is kept."""
        value = self.value(measured)
        return value >= self.limit if self.is_least else value <= self.limit


def judged(options: Options, measurements: Sequence[Measurement], no_peers: str = "") -> Sequence[Target]:
    """Every target with a verdict; `no_peers` says why no peer could run."""
    return [
        *_floor_targets(options, measurements),
        *_memory_targets(options, measurements),
        *_peer_targets(options, measurements, no_peers),
        *_cost_targets(options, measurements, no_peers),
    ]


def wall(each: Measurement) -> float:
    """Seconds without the vacuum after the commit."""
    return each.work_seconds


def cpu(each: Measurement) -> float:
    """CPU seconds on both sides."""
    return each.cpu_seconds


def ratios(
    measurements: Iterable[Measurement], over: str, under: str, phase: str, value: Value = wall
) -> Spread | None:
    """One contender's value divided by another's, round by round; None if either is missing or gave up."""
    by_round: dict[int, dict[str, float]] = {}
    for each in measurements:
        if each.phase == phase and each.is_complete:
            by_round.setdefault(each.round, {})[each.contender] = value(each)
    pairs = [pair for pair in by_round.values() if over in pair and pair.get(under)]
    return spread([pair[over] / pair[under] for pair in pairs])


def spread(values: Sequence[float]) -> Spread | None:
    """Median and range; None of nothing."""
    if not values:
        return None
    return Spread(median=statistics.median(values), least=min(values), most=max(values))


def floor_noise(measurements: Iterable[Measurement]) -> float:
    """By what factor the floor's slowest round exceeds its fastest, in its worst phase."""
    by_phase: dict[str, list[float]] = {}
    for each in measurements:
        if each.contender == floor.NAME:
            by_phase.setdefault(each.phase, []).append(each.wall_seconds)
    return max((max(times) / min(times) for times in by_phase.values()), default=1.0)


def judge(options: Options, goal: Goal, measured: Spread | None, reason: str = "") -> Target:
    """A target with its verdict; `reason` says why nothing was measured."""
    why = _why_not_judged(options, measured, reason)
    verdict = Verdict.NOT_SHOWN
    if not why and measured is not None:
        verdict = Verdict.MET if goal.is_met(measured) else Verdict.MISSED
        if verdict is Verdict.MISSED and goal.is_wish:
            verdict, why = Verdict.NOT_SHOWN, "are wishes that were not reached"
    return Target(
        name=goal.name,
        limit=f"{'≥' if goal.is_least else '≤'} {goal.limit:g}{goal.unit}",
        measured=None if measured is None else goal.value(measured),
        range=None if measured is None else (measured.least, measured.most),
        verdict=verdict,
        reason=why,
    )


def _floor_targets(options: Options, measurements: Sequence[Measurement]) -> Iterator[Target]:
    value, unit = _time(measurements)
    for kind, phases in LIMITS.items():
        for phase, (limit, worth) in phases.items():
            measured = ratios(measurements, kind, floor.NAME, phase, value)
            name = f"{kind} ÷ {floor.NAME}, {phase}"
            yield judge(options, Goal(name=name, limit=limit, unit=unit), measured)
            wish = Goal(name=f"{name}, worth reaching", limit=worth, unit=unit, is_wish=True)
            yield judge(options, wish, measured)


def _memory_targets(options: Options, measurements: Sequence[Measurement]) -> Iterator[Target]:
    for kind in LIMITS:
        peaks = [each.tree_bytes / (1 << 20) for each in measurements if each.contender == kind]
        goal = Goal(name=f"{kind}, peak memory of the job", limit=MEMORY_BYTES >> 20, unit=" MiB", worst=True)
        yield judge(options, goal, spread(peaks))


def _peer_targets(options: Options, measurements: Sequence[Measurement], no_peers: str) -> Iterator[Target]:
    value, unit = _time(measurements)
    for (peer, kind), phases in PEERS.items():
        for phase, limit in phases.items():
            name, measured = f"{peer} ÷ {kind}, {phase}", ratios(measurements, peer, kind, phase, value)
            reason = no_peers or _why_missing(measurements, peer, phase)
            yield judge(options, Goal(name=name, limit=limit, unit=unit, is_least=True), measured, reason)
            if peer in FAR_AHEAD_OF:
                far = Goal(name=f"{name}, far ahead", limit=FAR_AHEAD, unit=unit, is_least=True, is_wish=True)
                yield judge(options, far, measured, reason)


def _cost_targets(options: Options, measurements: Sequence[Measurement], no_peers: str) -> Iterator[Target]:
    for (peer, kind), phases in WAL.items():
        for phase, limit in phases.items():
            reason = no_peers or _why_missing(measurements, peer, phase)
            wal = ratios(measurements, kind, peer, phase, lambda each: each.wal_bytes)
            yield judge(options, Goal(name=f"{kind} ÷ {peer}, WAL, {phase}", limit=limit), wal, reason)
            memory = ratios(measurements, kind, peer, phase, lambda each: each.tree_bytes)
            goal = Goal(name=f"{kind} ÷ {peer}, memory, {phase}", limit=MEMORY_RATIO, worst=True)
            yield judge(options, goal, memory, reason)


def _time(measurements: Sequence[Measurement]) -> tuple[Value, str]:
    """By what time is measured: where the machine was busy, wall times say too little."""
    return (cpu, " (CPU)") if floor_noise(measurements) > NOISY else (wall, "")


def _why_missing(measurements: Sequence[Measurement], peer: str, phase: str) -> str:
    for each in measurements:
        if each.contender == peer and each.phase == phase and not each.is_complete:
            return f"need {peer}, which failed: {'; '.join(each.problems)}"
    return ""


def _why_not_judged(options: Options, measured: Spread | None, reason: str) -> str:
    if measured is None:
        return reason or "were not measured in this run"
    if options.customers < LEAST_CUSTOMERS:
        return f"are judged from {LEAST_CUSTOMERS:,} customers on"
    if options.rounds < LEAST_ROUNDS:
        return f"are judged from {LEAST_ROUNDS} rounds on"
    return ""
