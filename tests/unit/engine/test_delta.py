"""The delta of a dataset, against what dictionaries say; keys of one column, of several, and of all."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasurface.yellow.engine.difference import checksums, delta
from datasurface.yellow.engine.difference.delta import Counts, Delta, DuplicateKey
from datasurface.yellow.engine.difference.difference import UniqueLines
from datasurface.yellow.plan.tables import ColumnPlan, TablePlan

VALUES = st.text("ab\\N ", max_size=3).map(str.encode)


def table(keys: int, others: int, *, is_classified: bool = False) -> TablePlan:
    names = [(f"k{number}", True) for number in range(keys)] + [(f"v{number}", False) for number in range(others)]
    columns = tuple(
        ColumnPlan(name=name, sql_type="text", is_key=is_key, is_required=is_key, is_classified=is_classified)
        for name, is_key in names
    )
    return TablePlan(dataset="d", source_table="d", merge_table="m", staging_table="s", columns=columns)


def unmatched(source: set[bytes], merge: set[bytes]) -> UniqueLines:
    lines = UniqueLines()
    lines.source, lines.merge = source - merge, merge - source
    return lines


def made(source: set[bytes], merge: set[bytes], keys: int = 1, others: int = 1) -> Delta:
    keys_of = delta.keys_of_lines(table(keys, others))
    return delta.of_unmatched(unmatched(source, merge), keys_of, source_rows=len(source))


def lines_of(block: bytes) -> list[bytes]:
    return block.splitlines(keepends=False) if block else []


@given(data=st.data(), keys=st.integers(1, 3), others=st.integers(0, 2))
def test_delta_is_what_dictionaries_by_key_say(data, keys, others):
    """Source only is inserted, merge only is deleted, both with other values is updated; the counts say the same."""
    rows = st.dictionaries(
        st.tuples(*[VALUES] * keys), st.tuples(*[VALUES] * others) if others else st.just(()), max_size=12
    )
    source, merge = data.draw(rows, label="source"), data.draw(rows, label="merge")
    source_lines = {key: b"\t".join([*key, *values]) for key, values in source.items()}
    merge_lines = {key: b"\t".join([*key, *values]) for key, values in merge.items()}

    found = made(set(source_lines.values()), set(merge_lines.values()), keys, others)

    changed = {key for key in source.keys() & merge.keys() if source[key] != merge[key]}
    assert set(lines_of(found.inserted)) == {source_lines[key] for key in source.keys() - merge.keys()}
    assert set(lines_of(found.updated)) == {source_lines[key] for key in changed}
    assert set(lines_of(found.updated_keys)) == {b"\t".join(key) for key in changed}
    assert set(lines_of(found.deleted_keys)) == {b"\t".join(key) for key in merge.keys() - source.keys()}
    assert found.counts == Counts(
        inserted=len(source.keys() - merge.keys()),
        updated=len(changed),
        deleted=len(merge.keys() - source.keys()),
        total=len(source),
    )


@given(data=st.data())
def test_checksum_of_the_snapshot_follows_from_the_delta(data):
    """The last checksum, minus what left, plus what arrived, is the checksum of the source's lines."""
    rows = st.dictionaries(VALUES, VALUES, max_size=12)
    source, merge = (
        {key + b"\t" + value for key, value in data.draw(rows, label=side).items()} for side in ("source", "merge")
    )

    found = made(source, merge)

    before = checksums.of_lines(merge)
    after = checksums.carried(before, left=found.left_checksum, arrived=found.arrived_checksum)
    assert after == checksums.of_lines(source)


def test_every_block_is_in_the_order_of_the_key():
    """The apply walks the index once; an updated line stands where its key stands."""
    merge = {b"b\t1", b"d\t1", b"f\t1", b"g\t1"}
    source = {b"f\t2", b"b\t2", b"e\t1", b"a\t1"}

    found = made(source, merge)

    assert lines_of(found.inserted) == [b"a\t1", b"e\t1"]
    assert lines_of(found.updated) == [b"b\t2", b"f\t2"]
    assert lines_of(found.updated_keys) == [b"b", b"f"]
    assert lines_of(found.deleted_keys) == [b"d", b"g"]


def test_table_of_nothing_but_its_key_has_no_updates():
    """A row that is all key is another row once it differs."""
    found = made({b"a\tx", b"b\ty"}, {b"a\tx", b"b\tz"}, keys=2, others=0)

    assert (found.inserted, found.deleted_keys) == (b"b\ty\n", b"b\tz\n")
    assert found.counts == Counts(inserted=1, deleted=1, total=2)


def test_composite_keys_do_not_run_into_each_other():
    """('a','bc') and ('ab','c') are two keys."""
    found = made({b"ab\tc\t1"}, {b"a\tbc\t1"}, keys=2, others=1)

    assert found.counts == Counts(inserted=1, deleted=1, total=1)


def test_two_lines_of_one_key_are_refused():
    """A source without a constraint may hold them; the key is named for whoever explains it."""
    with pytest.raises(DuplicateKey) as caught:
        made({b"a\t1", b"a\t2"}, set())

    assert caught.value.key == b"a"


def test_delta_says_what_it_takes_and_empties_what_it_was_made_of():
    """Both forms are never held whole; the size is that of the blocks."""
    lines = unmatched({b"a\t2", b"c\t1"}, {b"a\t1", b"b\t1"})

    found = delta.of_unmatched(lines, delta.keys_of_lines(table(1, 1)), source_rows=2)

    assert lines.lines() == 0
    assert found.size_bytes == len(b"c\t1\n") + len(b"a\t2\n") + len(b"a\n") + len(b"b\n")


def test_counts_add_up():
    """The counts of a batch are those of its datasets together."""
    one, other = Counts(inserted=1, updated=2, deleted=3, total=10), Counts(inserted=10, total=5)

    assert one + other == Counts(inserted=11, updated=2, deleted=3, total=15)
    assert (one + other).changed == 16


@pytest.mark.parametrize(
    ("keys", "is_classified", "described"),
    [
        (2, False, "key k0=a, k1=b"),
        (2, True, f"key hash {hashlib.sha256(b'a' + bytes([9]) + b'b').hexdigest()[:12]}"),
        (0, False, f"key hash {hashlib.sha256(b'a' + bytes([9]) + b'b').hexdigest()[:12]}"),
    ],
    ids=["open", "classified", "no key"],
)
def test_key_in_a_message_shows_no_classified_value(keys, is_classified, described):
    """A key's values are shown only where none of them is classified; without a key the row is never shown."""
    assert delta.described_key(table(keys, 1, is_classified=is_classified), b"a\tb") == described


def test_long_key_in_a_message_is_cut():
    """A key of a megabyte makes no message of a megabyte."""
    assert len(delta.described_key(table(1, 1), b"x" * 1_000_000)) < 250
