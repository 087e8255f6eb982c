"""What the benchmark says of its targets: met, missed or not shown, and by which time."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench import options, peers, targets
from bench.options import Kind, Options
from bench.records import Measurement, Target, Verdict
from datasurface.errors import UsageError

CHOSEN = Options(
    customers=1_000_000,
    rounds=3,
    kinds=list(Kind),
    phases=options.phases("initial,nochange,1%,20%"),
    results=Path("latest.json"),
)


def measurement(contender: str, seconds: float, *, round_number: int = 1, **others) -> Measurement:
    """A batch of 1 % that took so long; its CPU seconds are ten."""
    made = Measurement(
        contender=contender,
        phase="1%",
        round=round_number,
        rows=2_600_000,
        wall_seconds=seconds,
        work_seconds=seconds,
        start_seconds=0.5,
        vacuum_seconds=0.0,
        client_cpu_seconds=6.0,
        server_cpu_seconds=4.0,
        other_cpu_seconds=0.0,
        largest_process_bytes=100 << 20,
        tree_bytes=100 << 20,
        wal_bytes=1_000_000,
        temp_bytes=0,
        table_bytes=1_000_000,
    )
    return replace(made, **others)


def verdict_of(name: str, *measurements: Measurement, chosen: Options = CHOSEN, no_peers: str = "") -> Target:
    """The named target of these measurements."""
    return next(each for each in targets.judged(chosen, measurements, no_peers) if each.name == name)


def test_ratios_are_taken_within_a_round():
    """The median of the rounds' ratios decides, and the range is told."""
    seconds = [(2.0, 3.0), (2.4, 4.8), (2.2, 4.4)]
    pairs = [
        measurement(contender, value, round_number=number)
        for number, pair in enumerate(seconds, start=1)
        for contender, value in zip(("COPY|COPY", "live"), pair, strict=True)
    ]
    target = verdict_of("live ÷ COPY|COPY, 1%", *pairs)

    assert (target.measured, target.range, target.verdict) == (2.0, (1.5, 2.0), Verdict.MISSED)
    assert target.limit == "≤ 1.9"


def test_a_noisy_floor_has_targets_judged_by_cpu():
    """Where COPY|COPY spreads, wall times decide nothing."""
    rows = [
        measurement(contender, 1.0 * number, round_number=number)
        for contender in ("COPY|COPY", "live")
        for number in (1, 2, 3)
    ]
    target = verdict_of("live ÷ COPY|COPY, 1%", *rows)

    assert targets.floor_noise(rows) == 3.0
    assert target.limit == "≤ 1.9 (CPU)"
    assert (target.measured, target.verdict) == (1.0, Verdict.MET)


def test_a_peer_that_is_wrong_keeps_its_time():
    """Who is fast and wrong is fast; the mark stands in the table."""
    wrong = measurement("dlt upsert", 10.0, problems=("3 rows too many",))
    target = verdict_of("dlt upsert ÷ live, 1%", measurement("live", 2.0), wrong)

    assert (target.measured, target.verdict) == (5.0, Verdict.MET)


def test_a_peer_that_failed_meets_nothing():
    """A target whose peer gave up is not shown, and says why."""
    failed = measurement("dlt upsert", 0.1, is_complete=False, problems=("exit status 1: out of memory",))
    target = verdict_of("dlt upsert ÷ live, 1%", measurement("live", 2.0), failed)

    assert (target.measured, target.verdict) == (None, Verdict.NOT_SHOWN)
    assert "out of memory" in target.reason


@pytest.mark.parametrize("name", ["dlt scd2 ÷ forensic, 20%", "forensic ÷ dlt scd2, WAL, 20%"])
def test_a_peer_that_is_not_installed_meets_nothing(name):
    """Without dlt its targets stay in the list as not shown."""
    target = verdict_of(name, measurement("live", 2.0), no_peers="dlt is not installed")

    assert (target.verdict, target.reason) == (Verdict.NOT_SHOWN, "dlt is not installed")


def test_small_runs_judge_nothing():
    """Below a million customers ratios are shown and decide nothing."""
    small = replace(CHOSEN, customers=100_000)
    target = verdict_of("live ÷ COPY|COPY, 1%", measurement("COPY|COPY", 1.0), measurement("live", 9.0), chosen=small)

    assert (target.measured, target.verdict) == (9.0, Verdict.NOT_SHOWN)


def test_the_worst_memory_decides():
    """A median says nothing about a limit of memory."""
    peaks = [
        measurement("live", 1.0, round_number=number, tree_bytes=size << 20)
        for number, size in enumerate((90, 91, 300))
    ]
    target = verdict_of("live, peak memory of the job", *peaks)

    assert (target.measured, target.verdict) == (300.0, Verdict.MISSED)


def test_peers_are_named_as_on_the_command_line():
    """All, none or some; what is unknown is refused with the names that are known."""
    assert [peer.name for peer in peers.chosen("dlt-scd2,dlt-upsert")] == ["dlt scd2", "dlt upsert"]
    assert len(peers.chosen("all")) == len(peers.KNOWN)
    assert peers.chosen("none") == []
    with pytest.raises(UsageError, match="no peer 'dlt'"):
        peers.chosen("dlt")
