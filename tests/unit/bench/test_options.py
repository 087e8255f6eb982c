"""What a run of the benchmark can be asked for."""

import pytest

from bench import options
from bench.options import Kind, Options
from datasurface.errors import UsageError


def test_phases_are_named_or_shares():
    """`initial` and `nochange` change no row, a share changes that part of them."""
    found = options.phases("initial, nochange,1%,20%")

    assert [(phase.name, phase.share) for phase in found] == [
        ("initial", 0.0),
        ("nochange", 0.0),
        ("1%", 0.01),
        ("20%", 0.2),
    ]


@pytest.mark.parametrize(
    "text", ["", "1%", "nochange,initial", "initial,initial", "initial,0%", "initial,x", "initial,5"]
)
def test_phases_that_make_no_run_are_refused(text):
    """The first phase fills the empty merge tables, the others are known."""
    with pytest.raises(UsageError):
        options.phases(text)


def test_kinds_name_their_platform():
    """Each kind is one platform of the benchmark's model."""
    assert [kind.platform for kind in options.kinds("live,forensic")] == ["YellowLive", "YellowForensic"]


def test_an_unknown_kind_is_refused():
    """A typing error is not a benchmark of nothing."""
    with pytest.raises(UsageError, match="'dlt'"):
        options.kinds("live,dlt")


def test_addresses_follow_customers(tmp_path):
    """A customer has 1.6 addresses."""
    chosen = Options(customers=1_000_000, rounds=3, kinds=[Kind.LIVE], phases=[], results=tmp_path / "latest.json")

    assert chosen.addresses == 1_600_000
