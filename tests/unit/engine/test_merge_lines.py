"""Lines with hashes and batch columns behind, as the merge and staging tables take them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasurface.yellow.engine.batch import merge_lines
from datasurface.yellow.engine.tables.merge_tables import MergeTables
from datasurface.yellow.plan.tables import ColumnPlan, TablePlan


def tables(*, keys: int = 1, others: int = 1, hashes: Sequence[str] = ()) -> MergeTables:
    names = [(f"c{number}", number < keys) for number in range(keys + others)]
    columns = tuple(ColumnPlan(name=name, sql_type="text", is_key=is_key) for name, is_key in names)
    return MergeTables(
        plan=TablePlan(dataset="d", source_table="d", merge_table="m", staging_table="s", columns=columns),
        schema="public",
        is_forensic=False,
        has_key_hash="key" in hashes,
        has_all_hash="all" in hashes,
    )


def test_batch_columns_stand_behind_every_line():
    """Also behind an empty line, which is a row of one empty text."""
    assert merge_lines.with_batch_columns(tables(), (7, 9))(b"a\tb\n\nc\td\n") == b"a\tb\t7\t9\n\t7\t9\nc\td\t7\t9\n"


def test_block_without_lines_stays_empty():
    """No line, no batch columns; with hashes as without."""
    assert merge_lines.with_batch_columns(tables(), (7,))(b"") == b""
    assert merge_lines.with_batch_columns(tables(hashes=["key", "all"]), (7,))(b"") == b""


def test_hash_of_the_key_and_hash_of_the_row_stand_before_the_batch_columns():
    """Both are of the canonical text: of the key's columns, and of the whole line."""
    in_batch = merge_lines.with_batch_columns(tables(keys=2, hashes=["key", "all"]), (7,))

    (line,) = in_batch(b"a\tb\tc\n").splitlines()

    key_hash, all_hash = merge_lines.line_hash(b"a\tb"), merge_lines.line_hash(b"a\tb\tc")
    assert line.split(b"\t") == [b"a", b"b", b"c", key_hash, all_hash, b"7"]


def test_without_a_key_the_whole_row_is_hashed():
    """Rows that are alike have one hash; rows whose values moved between columns have not."""
    in_batch = merge_lines.with_batch_columns(tables(keys=0, others=2, hashes=["key"]), ())

    first, same, moved = (line.split(b"\t")[-1] for line in in_batch(b"a\t\\N\na\t\\N\n\\N\ta\n").splitlines())

    assert first == same != moved


def test_hash_is_32_hex_digits():
    """It fits the column that is made for it."""
    assert len(merge_lines.line_hash(b"")) == 32
    assert int(merge_lines.line_hash("Zürich".encode()), 16) > 0


@given(
    lines=st.lists(st.binary(max_size=20).map(lambda text: text.replace(b"\n", b"")), max_size=20),
    cuts=st.lists(st.integers(1, 30), max_size=20),
)
def test_whole_lines_are_the_same_text_cut_where_lines_end(lines, cuts):
    """Blocks may be cut anywhere, within a line or a character; what comes out ends with a line's end."""
    text = b"".join(line + b"\n" for line in lines)
    blocks, rest = [], text
    for size in cuts:
        blocks.append(rest[:size])
        rest = rest[size:]

    whole = list(merge_lines.whole_lines([*blocks, rest]))

    assert b"".join(whole) == text
    assert all(block.endswith(b"\n") for block in whole)


@pytest.mark.parametrize("hashes", [(), ("key",), ("key", "all")], ids=["plain", "key hash", "both hashes"])
@given(cuts=st.lists(st.integers(1, 30), max_size=10))
def test_cuts_of_the_blocks_do_not_show_in_the_lines(hashes, cuts):
    """Lines are built alike however they arrive."""
    in_batch = merge_lines.with_batch_columns(tables(hashes=hashes), (1,))
    text = b"".join(b"%d\tvalue %d\n" % (number, number) for number in range(20))
    blocks, rest = [], text
    for size in cuts:
        blocks.append(rest[:size])
        rest = rest[size:]

    assert b"".join(map(in_batch, merge_lines.whole_lines([*blocks, rest]))) == in_batch(text)
