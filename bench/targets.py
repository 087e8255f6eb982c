"""The targets of docs/performance.md, and what this run says about each."""

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from bench import floor
from bench.options import Kind, Options
from bench.records import Measurement, Spread, Target, Verdict

#: Ratios to COPY|COPY that must not be exceeded, and those worth reaching.
LIMITS: Final[Mapping[Kind, Mapping[str, tuple[float, float]]]] = {
    Kind.LIVE: {"initial": (2.3, 1.9), "nochange": (1.5, 1.1), "1%": (1.9, 1.5), "20%": (2.8, 2.3)},
    Kind.FORENSIC: {"initial": (2.3, 1.9), "nochange": (1.5, 1.2), "1%": (1.9, 1.5), "20%": (3.1, 2.6)},
}
#: A peer's time divided by ours must be at least this; peers are not contenders yet.
PEERS: Final[Mapping[str, Mapping[str, float]]] = {
    "dlt upsert ÷ live": {"initial": 2.8, "nochange": 5.5, "1%": 4.5, "20%": 2.1},
    "dlt replace ÷ live": {"initial": 2.2, "nochange": 3.3, "1%": 2.8, "20%": 1.4},
    "dlt scd2 ÷ forensic": {"initial": 3.5, "nochange": 5.0, "1%": 4.5, "20%": 2.0},
}
MEMORY_BYTES: Final = 256 << 20
#: The size and the rounds by which targets are judged; below them ratios are only shown.
LEAST_CUSTOMERS: Final = 1_000_000
LEAST_ROUNDS: Final = 3
#: Where the floor itself spreads more than this, wall times say too little.
NOISY: Final = 1.3


def ratios(measurements: Iterable[Measurement], kind: Kind, phase: str, *, by_cpu: bool = False) -> Spread | None:
    """Ours divided by the floor, round by round; None if either is missing."""
    by_round: dict[int, dict[str, Measurement]] = {}
    for each in measurements:
        if each.phase == phase:
            by_round.setdefault(each.round, {})[each.contender] = each
    found = [
        _seconds(pair[kind], by_cpu) / _seconds(pair[floor.NAME], by_cpu)
        for pair in by_round.values()
        if kind in pair and floor.NAME in pair
    ]
    return spread(found)


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


def judged(options: Options, measurements: Sequence[Measurement]) -> Sequence[Target]:
    """Every target with a verdict."""
    return [
        *_floor_targets(options, measurements),
        *_memory_targets(options, measurements),
        *_peer_targets(),
    ]


def _floor_targets(options: Options, measurements: Sequence[Measurement]) -> Iterator[Target]:
    is_noisy = floor_noise(measurements) > NOISY
    for kind, phases in LIMITS.items():
        for phase, (limit, worth) in phases.items():
            measured = ratios(measurements, kind, phase, by_cpu=is_noisy)
            unit = " (CPU)" if is_noisy else ""
            name = f"{kind} ÷ {floor.NAME}, {phase}"
            yield _target(options, name, limit, measured, unit)
            yield _target(options, f"{name}, worth reaching", worth, measured, unit, is_wish=True)


def _memory_targets(options: Options, measurements: Sequence[Measurement]) -> Iterator[Target]:
    for kind in LIMITS:
        peaks = [each.tree_bytes / (1 << 20) for each in measurements if each.contender == kind]
        yield _target(options, f"{kind}, peak memory of the job", MEMORY_BYTES >> 20, spread(peaks), " MiB", worst=True)


def _peer_targets() -> Iterator[Target]:
    for name, phases in PEERS.items():
        for phase, limit in phases.items():
            yield Target(
                name=f"{name}, {phase}",
                limit=f"≥ {limit}",
                measured=None,
                range=None,
                verdict=Verdict.NOT_SHOWN,
                reason="need dlt, which is no contender yet",
            )


def _target(options: Options, name: str, limit: float, measured: Spread | None, unit: str, **how: bool) -> Target:
    """A target with an upper limit; `worst` judges by the highest value, `is_wish` is never missed."""
    reason = _why_not_judged(options, measured)
    value = None if measured is None else measured.most if how.get("worst") else measured.median
    verdict = Verdict.NOT_SHOWN
    if not reason and value is not None and (value <= limit or not how.get("is_wish")):
        verdict = Verdict.MET if value <= limit else Verdict.MISSED
    elif not reason:
        reason = "are wishes that were not reached"
    return Target(
        name=name,
        limit=f"≤ {limit}{unit}",
        measured=value,
        range=None if measured is None else (measured.least, measured.most),
        verdict=verdict,
        reason=reason,
    )


def _why_not_judged(options: Options, measured: Spread | None) -> str:
    if measured is None:
        return "were not measured in this run"
    if options.customers < LEAST_CUSTOMERS:
        return f"are judged from {LEAST_CUSTOMERS:,} customers on"
    if options.rounds < LEAST_ROUNDS:
        return f"are judged from {LEAST_ROUNDS} rounds on"
    return ""


def _seconds(measurement: Measurement, by_cpu: bool) -> float:
    return measurement.cpu_seconds if by_cpu else measurement.work_seconds
