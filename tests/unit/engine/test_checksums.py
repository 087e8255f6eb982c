"""Checksums of snapshots: order does not matter, and carrying one along gives what computing it anew gives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasurface.yellow.engine.difference import checksums

LINES = st.lists(st.binary(max_size=30).map(lambda text: text.replace(b"\n", b"")))


@given(lines=LINES, seed=st.randoms(use_true_random=False))
def test_checksum_does_not_depend_on_the_order_of_the_lines(lines, seed):
    """Two servers may hand out the same rows in different orders."""
    shuffled = list(lines)
    seed.shuffle(shuffled)

    assert checksums.of_lines(shuffled) == checksums.of_lines(lines)


@given(lines=LINES)
def test_checksum_of_a_block_is_that_of_its_lines(lines):
    """Line ends are no part of what is summed, and a block may be empty."""
    assert checksums.of_block(b"".join(line + b"\n" for line in lines)) == checksums.of_lines(lines)


@given(kept=LINES, left=LINES, arrived=LINES)
def test_carried_checksum_is_the_one_computed_anew(kept, left, arrived):
    """Minus the lines that went, plus those that came: nothing else is needed."""
    before = checksums.of_lines(kept + left)

    after = checksums.carried(before, left=checksums.of_lines(left), arrived=checksums.of_lines(arrived))

    assert after == checksums.of_lines(kept + arrived)


@pytest.mark.parametrize("checksum", [0, 1, checksums.MODULUS - 1], ids=["zero", "one", "largest"])
def test_text_of_a_checksum_gives_it_back(checksum):
    """It is stored as 32 hex digits, whatever its size."""
    text = checksums.as_text(checksum)

    assert len(text) == 32
    assert checksums.from_text(text) == checksum


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([b"a\tbc"], [b"ab\tc"]),
        ([b"1\t\\N"], [b"1\t"]),
        ([b"1\tx\t\\N"], [b"1\t\\N\tx"]),
        ([b"same"], [b"same", b"same"]),
        ([b"1.0"], [b"1.00"]),
    ],
    ids=["moved boundary", "null and empty", "moved to another column", "one row more", "another scale"],
)
def test_checksum_tells_lines_apart_that_a_careless_one_confuses(before, after):
    """Glued columns, lost nulls and lost multiplicity are the classic ways to miss a change."""
    assert checksums.of_lines(before) != checksums.of_lines(after)
