"""Plays random sequences of one kind of stream; a failing one is shrunk and printed with the line that repeats it."""

import os

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.soak.machine import Sequences
from tests.soak.tally import Tally
from tests.soak.world import World

STEPS = 12


def play(
    world: World, tally: Tally, *, kind: tuple[bool, bool], sequences: int, seeded: int, steps: int = STEPS
) -> None:
    """Play so many sequences of `steps` steps; `kind` is (is_forensic, is_multi). The same seed gives the same ones.

    With SHRINK=0 a failing one is told as it is, at once.
    """

    class Played(Sequences):
        pass

    Played.world, Played.tally = world, tally
    Played.is_forensic, Played.is_multi = kind
    run_state_machine_as_test(
        seed(seeded)(Played),
        settings=settings(
            max_examples=sequences,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            print_blob=True,
            report_multiple_bugs=False,
            phases=[Phase.generate] if os.environ.get("SHRINK") == "0" else [Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
