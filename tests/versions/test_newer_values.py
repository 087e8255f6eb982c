"""Values that only newer versions hold: kept between two that know them, refused by name where the merge database does
not.
"""

from itertools import product

import pytest

from datasurface.dsl import MilestoneStrategy
from datasurface.errors import ModelError
from tests.db.streams import Stream, column, deploy, plan, table
from tests.versions import servers

LIVE, FORENSIC = MilestoneStrategy.LIVE_ONLY, MilestoneStrategy.BATCH_MILESTONED
#: The first version with an infinite interval.
FIRST = 17
SOURCES = [major for major in servers.found() if major >= FIRST]
ITEMS = table("items", column("id", "integer", is_key=True), column("w", "text"), column("spa: n", "interval"))
MAKE = 'CREATE TABLE items (id integer PRIMARY KEY, w text, "spa: n" interval)'
_INSERT = 'INSERT INTO items (id, "spa: n") VALUES {}'


def _pairs(merges: list[int]) -> pytest.MarkDecorator:
    pairs = list(product(SOURCES, merges))
    return pytest.mark.parametrize(("source", "merge"), pairs, ids=[f"{one}-to-{other}" for one, other in pairs])


@_pairs(SOURCES)
def test_infinite_intervals_are_kept_between_versions_that_know_them(installation_of, source, merge):
    """They arrive, are told apart, and another look finds nothing."""
    stream = _stream(installation_of(source, merge), LIVE, "(1, 'infinity'), (2, '-infinity')")

    assert stream.run().inserted == 2
    assert stream.run(in_full=True).outcome == "unchanged"
    stream.source("""UPDATE items SET "spa: n" = 'infinity' WHERE id = 2""")
    assert stream.run().updated == 1


@_pairs([major for major in servers.found() if major < FIRST])
@pytest.mark.parametrize("path", ["first load", "streamed", "staged"])
def test_a_value_that_the_merge_database_does_not_know_is_refused_by_name(installation_of, source, merge, path):
    """The error has table and column, no value, and says what to do; nothing is applied, and mended it goes on."""
    stream = _stream(installation_of(source, merge), FORENSIC, "(1, '1 mon')")
    if path != "first load":
        stream.run()
    stream.source("INSERT INTO items VALUES (2, 'secret', 'infinity'), (3, 'other', '2 mons')")

    with pytest.raises(ModelError) as caught:
        stream.run(difference_bytes=0 if path == "staged" else 1 << 20)

    message = f"{caught.value} / {caught.value.fix}"
    assert "items_merge, column spa: n)" in message or "items_staging, column spa: n)" in message
    assert "infinity" not in message
    assert "secret" not in message
    assert "PostgreSQL of the merge database" in message
    assert len(stream.history()) == (0 if path == "first load" else 1)
    stream.source("""UPDATE items SET "spa: n" = NULL WHERE id = 2""")
    assert stream.run().inserted == (3 if path == "first load" else 2)


def _stream(installation, strategy: MilestoneStrategy, values: str) -> Stream:
    return deploy(installation, plan(strategy, ITEMS), MAKE, _INSERT.format(values))
