"""Random sequences of everything that can happen to a stream, against an oracle in Python: no violation, ever.

SEQUENCES says how many, SEED which, STEPS how long each is; the same three give the same sequences. A failing one is
worth a test of its own in tests/db/engine, named for what it found.
"""

import os

import pytest

from tests.soak.playing import STEPS, play

SEQUENCES = int(os.environ.get("SEQUENCES") or 160)
SEED = int(os.environ.get("SEED") or 1)
PARTS = 4


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("is_multi", [True, False], ids=["multi", "single"])
@pytest.mark.parametrize("is_forensic", [False, True], ids=["live", "forensic"])
def test_whatever_happens_the_tables_are_what_the_oracle_says(world, counted, is_forensic, is_multi, part):
    """Rows, history, counts, checksums, ids, views and audits after every step of every sequence.

    Every second part reads a source that is a database of the merge database's own cluster.
    """
    world.read_from(part % 2)
    number = part + PARTS * (2 * is_multi + is_forensic)
    play(
        world,
        counted,
        kind=(is_forensic, is_multi),
        sequences=max(2, -(-SEQUENCES // (4 * PARTS))),
        seeded=SEED * 1000 + number,
        steps=int(os.environ.get("STEPS") or STEPS),
    )
