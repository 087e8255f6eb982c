"""A stream's life, for every ordered pair of the PostgreSQL that are here as source and as merge database."""

from itertools import product

import pytest

from tests.versions import servers
from tests.versions.life import live_through
from tests.versions.tour import Tour

PAIRS = list(product(servers.found(), repeat=2))


def test_every_supported_version_is_here():
    """Versions without programs on this machine are named, since nothing below says anything of them."""
    if servers.missing():
        pytest.skip(servers.summary()[-1])


@pytest.mark.row("I09", "I10")
@pytest.mark.parametrize(("source", "merge"), PAIRS, ids=[f"{one}-to-{other}" for one, other in PAIRS])
def test_a_stream_lives_on_every_pair_of_versions(installation_of, source, merge):
    """Init, model, first load, changes on both paths, a changed schema, audit and views: all is as in the source."""
    assert live_through(Tour(installation=installation_of(source, merge))) == []
