"""The benchmark's experiments at their smallest: they run, and what they leave behind is right."""

import pytest

from bench import experiments
from bench.options import Options

#: A cheap one; `make bench` runs all.
CHEAP = ("no-change-log",)


@pytest.mark.parametrize("name", CHEAP)
def test_an_experiment_measures_all_its_targets_and_finds_nothing_wrong(name, tmp_path):
    """A small run measures a value for every target, judges none, and every table equals its source."""
    chosen = Options(customers=200, rounds=1, kinds=(), phases=(), results=tmp_path / "latest.json")

    (found,) = experiments.measured([name], chosen, lambda _text: None)

    assert list(found.problems) == []
    assert all(target.measured is not None for target in found.targets)
    assert {target.verdict for target in found.targets} == {"not shown"}
