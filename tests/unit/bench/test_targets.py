"""Verdicts on the benchmark's targets."""

from dataclasses import replace

import pytest

from bench import floor, options, targets
from bench.options import Kind, Options
from bench.records import Measurement, Target, Verdict

PHASES = options.phases("initial,nochange")
MEASUREMENT = Measurement(
    contender=floor.NAME,
    phase="nochange",
    round=1,
    rows=1000,
    wall_seconds=2.0,
    work_seconds=2.0,
    start_seconds=0.0,
    vacuum_seconds=None,
    client_cpu_seconds=1.0,
    server_cpu_seconds=1.0,
    other_cpu_seconds=0.0,
    largest_process_bytes=100 << 20,
    tree_bytes=100 << 20,
    wal_bytes=0,
    temp_bytes=0,
    table_bytes=0,
)


@pytest.fixture
def chosen(tmp_path) -> Options:
    """A run by which targets are judged."""
    return Options(
        customers=1_000_000, rounds=3, kinds=list(Kind), phases=PHASES, results=tmp_path / "latest.json", dsn=None
    )


def run_of(floor_seconds: list[float], live_seconds: list[float]) -> list[Measurement]:
    """A measurement of each per round."""
    floors = [replace(MEASUREMENT, round=n, work_seconds=s, wall_seconds=s) for n, s in enumerate(floor_seconds, 1)]
    ours = [
        replace(MEASUREMENT, contender=Kind.LIVE, round=n, work_seconds=s, wall_seconds=s + 1)
        for n, s in enumerate(live_seconds, 1)
    ]
    return floors + ours


def target(chosen: Options, measurements: list[Measurement], name: str) -> Target:
    """The target of that name."""
    return next(each for each in targets.judged(chosen, measurements) if each.name == name)


def test_ratios_are_taken_round_by_round_and_without_the_vacuum():
    """A slow round of the floor does not help another round of ours."""
    measured = targets.ratios(run_of([2.0, 4.0, 2.0], [2.0, 5.0, 3.0]), Kind.LIVE, "nochange")

    assert measured is not None
    assert (measured.median, measured.least, measured.most) == (1.25, 1.0, 1.5)


@pytest.mark.parametrize(("seconds", "verdict"), [(2.9, Verdict.MET), (3.1, Verdict.MISSED)])
def test_the_median_decides(chosen, seconds, verdict):
    """At most 1.5 times COPY|COPY when nothing has changed."""
    measurements = run_of([2.0, 2.0, 2.0], [9.0, seconds, 1.0])

    assert target(chosen, measurements, "live ÷ COPY|COPY, nochange").verdict is verdict


def test_a_small_run_shows_ratios_and_judges_nothing(chosen):
    """Below a million customers nothing is met and nothing is missed."""
    small = replace(chosen, customers=100_000)
    found = target(small, run_of([2.0], [9.0]), "live ÷ COPY|COPY, nochange")

    assert (found.measured, found.verdict) == (4.5, Verdict.NOT_SHOWN)


def test_a_wish_is_never_missed(chosen):
    """What is worth reaching and was not reached is not shown."""
    found = target(chosen, run_of([2.0] * 3, [2.9] * 3), "live ÷ COPY|COPY, nochange, worth reaching")

    assert found.verdict is Verdict.NOT_SHOWN


def test_a_peer_that_did_not_run_is_not_passed(chosen):
    """Targets against dlt are not shown as long as dlt is no contender."""
    peers = [each for each in targets.judged(chosen, run_of([2.0] * 3, [2.0] * 3)) if "dlt" in each.name]

    assert len(peers) == 12
    assert {each.verdict for each in peers} == {Verdict.NOT_SHOWN}


def test_a_noisy_floor_is_judged_by_cpu(chosen):
    """Where the floor's own time spreads more than 1.3 times, CPU seconds decide."""
    found = target(chosen, run_of([1.0, 2.0, 2.0], [9.0, 9.0, 9.0]), "live ÷ COPY|COPY, nochange")

    assert found.measured == 1.0
    assert "CPU" in found.limit


def test_memory_is_judged_by_its_highest_peak(chosen):
    """One round above 256 MiB is enough."""
    measurements = run_of([2.0] * 3, [2.0] * 3)
    measurements[-1] = replace(measurements[-1], tree_bytes=300 << 20)

    assert target(chosen, measurements, "live, peak memory of the job").verdict is Verdict.MISSED
