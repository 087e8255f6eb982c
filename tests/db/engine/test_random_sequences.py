"""A handful of the random sequences of tests/soak, which `make soak` plays by the thousand."""

import pytest

from tests.soak.playing import play
from tests.soak.tally import Tally
from tests.soak.world import World


@pytest.mark.row("I14", "I17", kind="refusal")
@pytest.mark.parametrize(
    ("is_forensic", "is_multi"), [(False, False), (True, True)], ids=["live single", "forensic multi"]
)
def test_whatever_happens_the_tables_are_what_the_oracle_says(installation, is_forensic, is_multi):
    """Rows, history, counts, checksums, ids, views and audits hold after changes, models, deaths, resets, rollbacks."""
    world = World(installation, [installation.server])

    play(world, Tally(), kind=(is_forensic, is_multi), sequences=4, seeded=7)
