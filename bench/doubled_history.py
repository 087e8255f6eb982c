"""A 20 % batch over twice the history: a merge table whose rows all have an ended version, beside one without a past.

Both lie in wait as templates and get the same batch by turns, through the job's process.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from bench import arena, floor, ours, source_data, targets, verification
from bench.arena import Arena
from bench.findings import Findings, Goal
from bench.options import Kind, Options, Phase
from bench.ours import OurReading
from bench.records import Target
from datasurface.yellow.engine.difference.delta import Counts

NAME: Final = "doubled-history"
#: Larger tables say nothing else and take minutes more.
_MOST_CUSTOMERS: Final = 300_000
_SINGLE: Final = "single"
_DOUBLED: Final = "doubled"
_CHANGE: Final = Phase(name="20%", share=0.2)
_GOAL: Final = Goal(name="forensic, 20% over twice the history ÷ the first", limit=1.1)


def goals() -> Mapping[object, Goal]:
    """The one target."""
    return {NAME: _GOAL}


def measured(options: Options) -> Findings:
    """Prepare both tables, then run the same batch on copies of them, each first by turns."""
    chosen = replace(options, dsn=None, customers=min(options.customers, _MOST_CUSTOMERS))
    readings: dict[str, list[OurReading]] = {_SINGLE: [], _DOUBLED: []}
    with arena.opened(chosen) as place:
        _prepare(place)
        with place.admin(place.source_database) as session:
            expected = source_data.enter_phase(session, _CHANGE, number=2)
        problems = []
        for number in range(1, options.rounds + 1):
            for state in (_SINGLE, _DOUBLED) if number % 2 else (_DOUBLED, _SINGLE):
                place.restore(state)
                readings[state].append(ours.run(place, Kind.FORENSIC))
                problems += [
                    f"{state}, round {number}: {each}" for each in _problems(place, readings[state][-1], expected)
                ]
    return Findings(
        experiment=NAME,
        targets=[_judged(options, readings)],
        measurements=[
            _row(state, number, each) for state, own in readings.items() for number, each in enumerate(own, start=1)
        ],
        problems=problems,
    )


def _prepare(place: Arena) -> None:
    """Keep two merge databases with the same open rows, of which one has an ended version for each of them."""
    place.begin_round()
    ours.run(place, Kind.FORENSIC)
    with place.admin(place.source_database) as session:
        source_data.change_all(session)
    ours.run(place, Kind.FORENSIC)
    place.keep(_DOUBLED)
    place.begin(place.merge_database)
    ours.run(place, Kind.FORENSIC)
    place.keep(_SINGLE)


def _problems(place: Arena, reading: OurReading, expected: Mapping[str, Counts]) -> Sequence[str]:
    floor.make_staging(place)
    floor.run(place)
    copies = verification.of_ours(place, Kind.FORENSIC)
    return [*verification.our_problems(reading, expected), *verification.problems(place, copies, expected)]


def _judged(options: Options, readings: Mapping[str, Sequence[OurReading]]) -> Target:
    seconds = [_work_seconds(each) for each in readings[_SINGLE]]
    by_cpu = max(seconds) > targets.NOISY * min(seconds)
    value = _cpu_seconds if by_cpu else _work_seconds
    pairs = zip(readings[_DOUBLED], readings[_SINGLE], strict=True)
    measured_ratios = targets.spread([value(doubled) / value(single) for doubled, single in pairs])
    return _GOAL.judged(options, measured_ratios, unit=" (CPU)" if by_cpu else "")


def _row(state: str, number: int, each: OurReading) -> Mapping[str, Any]:
    return {
        "experiment": NAME,
        "history": state,
        "round": number,
        "work_seconds": _work_seconds(each),
        "cpu_seconds": _cpu_seconds(each),
        "wal_bytes": each.reading.wal_bytes,
        "temp_bytes": each.reading.temp_bytes,
        "tree_bytes": each.reading.tree_bytes,
    }


def _work_seconds(each: OurReading) -> float:
    return each.reading.wall_seconds - (each.vacuum_seconds or 0.0)


def _cpu_seconds(each: OurReading) -> float:
    return each.reading.client_cpu_seconds + (each.reading.server_cpu_seconds or 0.0)
