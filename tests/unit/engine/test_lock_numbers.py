"""The numbers of locks: stable for ever, different for different names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasurface.yellow.engine.locks import MERGE_LOCK, LockKind, LockRef, look_lock, run_id_lock, run_lock


def test_numbers_never_change() -> None:
    """Two versions of the program that run side by side must meet at the same locks."""
    assert run_lock("yellowlive", "Store1").number == 6535961198615250878
    assert MERGE_LOCK.number == -7757588305642669203


@given(st.builds(LockRef, kind=st.sampled_from(LockKind), platform_name=st.text(), key=st.text()))
def test_a_number_fits_the_servers_type(ref: LockRef) -> None:
    """Every name gives a signed 64-bit number."""
    assert -(2**63) <= ref.number < 2**63


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (run_lock("ab", "c"), run_lock("a", "bc")),
        (run_lock("a", "b"), look_lock("a", "b")),
        (run_lock("a", "b\nr"), run_id_lock("a", "b", "r")),
        (run_id_lock("a", "b", "r1"), run_id_lock("a", "b", "r2")),
    ],
)
def test_names_that_look_alike_have_numbers_of_their_own(one: LockRef, other: LockRef) -> None:
    """Parts cannot run into each other."""
    assert one.number != other.number
