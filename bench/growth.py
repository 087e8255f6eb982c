"""How time grows with the number of rows: the rounds at smaller sizes, for the picture. It has no target of its own."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from bench import arena, options, peers, rounds
from bench.findings import Findings, Goal
from bench.options import Options
from bench.records import Measurement

NAME: Final = "growth"
#: Customers; there are 2.6 times as many rows.
SIZES: Final = (4_000, 12_000, 40_000, 100_000, 400_000)
#: Small sizes are quick and noisy.
_ROUNDS_BELOW: Final = 100_000
_PHASES: Final = "initial,1%"
_PEERS: Final = ("dlt upsert", "dlt scd2")


def goals() -> Mapping[object, Goal]:
    """None: what the sizes' times are worth is judged at the largest."""
    return {}


def measured(asked: Options) -> Findings:
    """Run the rounds at every size that is smaller than the run's own."""
    found = [each for size in SIZES if size < asked.customers for each in _at(size, asked)]
    return Findings(
        experiment=NAME,
        targets=[],
        measurements=[_row(each) for each in found],
        problems=[
            f"{each.contender}, {each.phase} at {each.rows} rows: {problem}"
            for each in found
            for problem in each.problems
            if each.contender not in peers.KNOWN
        ],
    )


def _at(size: int, asked: Options) -> Iterator[Measurement]:
    chosen = replace(
        asked,
        dsn=None,
        customers=size,
        rounds=asked.rounds if size < _ROUNDS_BELOW else 1,
        phases=options.phases(_PHASES),
        peers=[peer for peer in asked.peers if peer in _PEERS],
    )
    with arena.opened(chosen) as place:
        yield from rounds.measured(place, chosen, lambda _: None)


def _row(each: Measurement) -> Mapping[str, Any]:
    return {
        "experiment": NAME,
        "contender": each.contender,
        "phase": each.phase,
        "round": each.round,
        "rows": each.rows,
        "work_seconds": each.work_seconds,
        "cpu_seconds": each.cpu_seconds,
        "is_complete": each.is_complete,
    }
