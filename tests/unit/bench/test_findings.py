"""What an experiment's targets say: met, missed, or not shown where this run cannot tell."""

from pathlib import Path

import pytest

from bench import experiments, findings
from bench.cost import Cost
from bench.findings import CUSTOMERS, Goal
from bench.options import Options
from bench.records import Verdict

GOAL = Goal(name="something ÷ something else", limit=1.5)


def options(customers: int = CUSTOMERS) -> Options:
    return Options(customers=customers, rounds=3, kinds=(), phases=(), results=Path("none"))


def costs(*pairs: tuple[float, float]) -> list[Cost]:
    return [Cost(wall_seconds=wall, cpu_seconds=cpu, wal_bytes=0) for wall, cpu in pairs]


def test_the_median_of_the_rounds_is_judged():
    """Each round is a ratio of its own; one bad round of three misses nothing."""
    target = findings.compared(GOAL, options(), costs((1, 9), (9, 9), (1.4, 9)), costs((1, 1), (1.2, 1), (1, 1)))

    assert (target.verdict, target.measured, target.range) == (Verdict.MET, 1.4, (1.0, 7.5))


def test_processor_time_is_judged_where_the_other_side_is_unsteady():
    """Where the wall times of the same work differ, they say nothing."""
    target = findings.compared(GOAL, options(), costs((1, 2), (1, 2)), costs((1, 1), (2, 1)))

    assert (target.verdict, target.measured, target.limit) == (Verdict.MISSED, 2.0, "≤ 1.5 × (CPU)")


def test_small_runs_show_a_figure_and_judge_nothing():
    """Below the size of the targets a ratio is printed and no more."""
    target = findings.compared(GOAL, options(1000), costs((9, 9)), costs((1, 1)))

    assert (target.verdict, target.measured) == (Verdict.NOT_SHOWN, 9.0)
    assert target.reason == "are judged from 100,000 customers and 3 rounds on"


@pytest.mark.parametrize("name", experiments.EXPERIMENTS)
def test_a_failing_experiment_keeps_its_targets(name, monkeypatch):
    """What a failed experiment was to show is not shown, with the reason, and its failure is a problem."""

    def failing(_options):
        raise RuntimeError("the disk is full")

    monkeypatch.setitem(experiments.EXPERIMENTS, name, failing)

    (found,) = experiments.measured([name], options(), lambda _text: None)

    assert found.problems == [f"{name} failed: RuntimeError: the disk is full"]
    assert all(target.verdict is Verdict.NOT_SHOWN for target in found.targets)
    assert all(target.reason == f"of experiment {name}, which failed" for target in found.targets)
