"""Values of many megabytes: a change of their last character is found, on both paths, and nothing else changes."""

import pytest

from tests.db.engine.conftest import FORENSIC, LIVE
from tests.db.streams import column, deploy, plan, table
from tests.versions import servers

MEGABYTE = 1 << 20
ITEMS = table(
    "items",
    column("id", "integer", is_key=True),
    column("t", "text"),
    column("b", "bytea"),
    column("j", "jsonb"),
    column("a", "text[]"),
)
MAKE = "CREATE TABLE items (id integer PRIMARY KEY, t text, b bytea, j jsonb, a text[])"
SEED = (
    "INSERT INTO items SELECT 1, repeat(E'漢\\\\\\t', 2500000), decode(repeat('5c0a', 1000000), 'hex'), "
    "jsonb_build_object('k', repeat('x', 2000000)), ARRAY[repeat('a', 2000000), NULL]",
    "INSERT INTO items SELECT 2, repeat('y', 10485760)",
)
CHANGES = (
    "UPDATE items SET t = t || 'z' WHERE id = 1",
    "UPDATE items SET b = set_byte(b, length(b) - 1, 0) WHERE id = 1",
    "UPDATE items SET a[3] = '' WHERE id = 1",
)


@pytest.mark.parametrize(
    ("strategy", "difference_bytes"), [(LIVE, 256 * MEGABYTE), (FORENSIC, 0)], ids=["live-streamed", "forensic-staged"]
)
def test_the_last_character_of_a_large_value_counts(installation_of, strategy, difference_bytes):
    """Ten megabytes of text, two of bytes, JSON and arrays arrive whole; the row beside them stays as it is."""
    newest = max(servers.found())
    stream = deploy(installation_of(newest, newest), plan(strategy, ITEMS), MAKE, *SEED)
    assert stream.run(difference_bytes=difference_bytes).inserted == 2

    for change in CHANGES:
        stream.source(change)
        result = stream.run(difference_bytes=difference_bytes)
        assert (result.inserted, result.updated, result.deleted) == (0, 1, 0)
    assert stream.run(in_full=True).outcome == "unchanged"
    (row,) = [row for row in stream.rows() if row[0] == 1]
    assert (len(row[1].encode()), len(row[2]), row[4][2]) == (12_500_001, 2_000_000, "")
