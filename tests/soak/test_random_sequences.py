"""Random sequences of everything that can happen to a stream, against an oracle in Python: no violation, ever."""

import os

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.soak.machine import Sequences

SEQUENCES = int(os.environ.get("SEQUENCES", "8"))
SEED = int(os.environ.get("SEED", "1"))
STEPS = int(os.environ.get("STEPS", "12"))
PARTS = 4


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("is_multi", [True, False], ids=["multi", "single"])
@pytest.mark.parametrize("is_forensic", [False, True], ids=["live", "forensic"])
def test_whatever_happens_the_tables_are_what_the_oracle_says(world, counted, is_forensic, is_multi, part):
    """Rows, history, counts, checksums, ids, views and audits after every step of every sequence."""

    class Part(Sequences):
        pass

    Part.world, Part.tally, Part.is_forensic, Part.is_multi = world, counted, is_forensic, is_multi
    number = part + PARTS * (2 * is_multi + is_forensic)
    run_state_machine_as_test(
        seed(SEED * 1000 + number)(Part),
        settings=settings(
            max_examples=max(1, -(-SEQUENCES // (4 * PARTS))),
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            print_blob=True,
            phases=[Phase.generate, *([] if os.environ.get("NO_SHRINK") else [Phase.shrink])],
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
