"""Two streams of lines, compared in windows: whatever the order and the cuts, the difference is that of the sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasurface.yellow.engine.difference import alignment, checksums, difference
from datasurface.yellow.engine.difference.difference import (
    CountedLines,
    RepeatedLine,
    Scan,
    TooManyUnmatched,
    UniqueLines,
)

NO_LIMIT = 1 << 40
#: Far smaller than in production, so that a few lines make many windows.
WINDOW_BYTES = 64

LINES = st.binary(max_size=40).map(lambda text: text.replace(b"\n", b"\\n"))
CUTS = st.lists(st.integers(1, 50), max_size=20)


@pytest.fixture(autouse=True, scope="module", params=[0, 3, 1_000], ids=["sorting", "both ways", "walking"])
def _small_windows(request: pytest.FixtureRequest) -> Iterator[None]:
    """Windows and slices of a few bytes; windows are sorted into sets, walked through, or first this and then that."""
    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(difference, "WINDOW_BYTES", WINDOW_BYTES)
        patching.setattr(difference, "_MOST_ODD_LINES", request.param)
        patching.setattr(difference, "_WINDOWS_WITHOUT_WALK", 2 if request.param else 1_000)
        for size, size_bytes in (("LONGEST", 32), ("FIRST", 16), ("SHORTEST", 4)):
            patching.setattr(alignment, f"_{size}_SLICE_BYTES", size_bytes)
        patching.setattr(alignment, "_REACH_BYTES", 12)
        yield


def text_of(lines: Sequence[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def cut(text: bytes, sizes: Sequence[int]) -> list[bytes]:
    """`text` in pieces of `sizes`, the last one as long as what is left."""
    pieces = []
    for size in sizes:
        pieces.append(text[:size])
        text = text[size:]
    return [piece for piece in (*pieces, text) if piece]


def compared(
    source: Sequence[bytes], merge: Sequence[bytes], *, cuts: tuple[Sequence[int], Sequence[int]] = ((), ())
) -> tuple[UniqueLines, Scan]:
    unmatched = UniqueLines()
    scan = difference.compare(
        cut(text_of(source), cuts[0]),
        cut(text_of(merge), cuts[1]),
        unmatched,
        limit_bytes=NO_LIMIT,
        with_checksum=True,
    )
    return unmatched, scan


@given(source=st.lists(LINES, unique=True), merge=st.lists(LINES, unique=True), cuts=st.tuples(CUTS, CUTS))
def test_difference_of_unlike_tables_is_that_of_their_sets(source, merge, cuts):
    """Lines of one side alone are left over on that side, wherever the blocks were cut."""
    unmatched, scan = compared(source, merge, cuts=cuts)

    assert unmatched.source == set(source) - set(merge)
    assert unmatched.merge == set(merge) - set(source)
    assert (scan.source_rows, scan.merge_rows) == (len(source), len(merge))
    assert scan.checksum == checksums.of_lines(source)


@given(data=st.data(), table=st.lists(LINES, unique=True, min_size=1, max_size=60), cuts=st.tuples(CUTS, CUTS))
def test_difference_of_an_edited_table_is_its_edits(data, table, cuts):
    """Tables that are mostly alike, in order, shifted or shuffled, leave over what was edited and nothing else."""
    kept = data.draw(st.lists(st.sampled_from(table), unique=True), label="kept")
    added = data.draw(st.lists(LINES.filter(lambda line: line not in table), unique=True, max_size=5), label="added")
    in_order = data.draw(st.booleans(), label="in order")
    merge = [line for line in table if line in kept] + added if in_order else [*added, *kept]

    unmatched, scan = compared(table, merge, cuts=cuts)

    assert unmatched.source == set(table) - set(kept)
    assert unmatched.merge == set(added)
    assert (scan.source_rows, scan.merge_rows) == (len(table), len(merge))
    assert scan.checksum == checksums.of_lines(table)


@given(source=st.lists(LINES), merge=st.lists(LINES), cuts=st.tuples(CUTS, CUTS))
def test_counted_difference_is_that_of_the_multisets(source, merge, cuts):
    """Of a line that stands three times here and once there, two are left over."""
    unmatched = CountedLines()

    scan = difference.compare(
        cut(text_of(source), cuts[0]),
        cut(text_of(merge), cuts[1]),
        unmatched,
        limit_bytes=NO_LIMIT,
        with_checksum=True,
    )

    assert unmatched.source == Counter(source) - Counter(merge)
    assert unmatched.merge == Counter(merge) - Counter(source)
    assert (scan.source_rows, scan.merge_rows) == (len(source), len(merge))
    assert scan.checksum == checksums.of_lines(source)


@given(source=st.lists(LINES.filter(bool), max_size=30), merge=st.lists(LINES.filter(bool), max_size=30, unique=True))
@settings(max_examples=200)
def test_repeated_line_is_refused_or_left_over(source, merge):
    """A line that stands twice in the source never vanishes: it is refused, or still there when its twin has met."""
    repeated = {line for line, times in Counter(source).items() if times > 1}
    try:
        unmatched, _ = compared(source, merge)
    except RepeatedLine:
        assert repeated
    else:
        assert repeated <= unmatched.source


@pytest.mark.parametrize("side", ["source", "merge"])
def test_one_empty_side_leaves_the_other_whole(side):
    """A table that was emptied, or is met for the first time, is all difference."""
    lines = [b"%d\tvalue" % number for number in range(100)]
    source, merge = (lines, []) if side == "source" else ([], lines)

    unmatched, scan = compared(source, merge)

    assert (unmatched.source, unmatched.merge) == (set(source), set(merge))
    assert (scan.source_rows, scan.merge_rows) == (len(source), len(merge))


def test_two_empty_sides_are_alike():
    """Nothing against nothing is no difference, and the checksum of no line is 0."""
    unmatched, scan = compared([], [])

    assert unmatched.lines() == 0
    assert scan == Scan(source_rows=0, merge_rows=0, checksum=0)


def test_lines_longer_than_a_window_are_compared_whole():
    """A line of many windows in small blocks meets its equal; one that differs in its last byte does not."""
    long = b"k\t" + b"x" * (10 * WINDOW_BYTES)
    source = [b"a", long + b"1", b"b", long + b"2"]
    merge = [long + b"1", b"a", long + b"3", b"b"]
    cuts = [7] * 500

    unmatched, scan = compared(source, merge, cuts=(cuts, cuts))

    assert (unmatched.source, unmatched.merge) == ({long + b"2"}, {long + b"3"})
    assert scan.checksum == checksums.of_lines(source)


def test_one_missing_row_does_not_put_the_rest_out_of_step():
    """Where a row is missing early on, the streams find into step again instead of piling up lines."""
    lines = [b"%06d\tsome value" % number for number in range(2_000)]
    unmatched = UniqueLines()

    difference.compare(
        [text_of(lines)],
        [text_of(lines[:5] + lines[6:])],
        unmatched,
        limit_bytes=50 * (WINDOW_BYTES + difference.LINE_OVERHEAD_BYTES),
        with_checksum=False,
    )

    assert (unmatched.source, unmatched.merge) == ({lines[5]}, set())


@pytest.mark.parametrize("kind", [UniqueLines, CountedLines], ids=["unique", "counted"])
def test_more_unmatched_lines_than_the_limit_end_the_comparison(kind):
    """What is held in memory is bounded: the comparison stops early and does not read on."""
    read = []

    def blocks() -> Iterator[bytes]:
        for number in range(1_000):
            read.append(number)
            yield b"%08d\n" % number

    with pytest.raises(TooManyUnmatched):
        difference.compare(blocks(), [], kind(), limit_bytes=2_000, with_checksum=False)

    assert len(read) < 100


@pytest.mark.parametrize("kind", [UniqueLines, CountedLines], ids=["unique", "counted"])
def test_few_long_lines_among_many_short_ones_are_counted_by_their_length(kind):
    """What is held is the long lines that changed, not as many average ones."""
    short = b"".join(b"%06d\n" % number for number in range(5_000))
    long = [b"%d\t" % number + b"x" * 10_000 + b"\n" for number in range(10)]

    with pytest.raises(TooManyUnmatched):
        difference.compare([short, *long], [short], kind(), limit_bytes=50_000, with_checksum=False)


@pytest.mark.parametrize("kind", [UniqueLines, CountedLines], ids=["unique", "counted"])
def test_lines_that_met_are_counted_no_more(kind):
    """A table in another order comes under a limit that only holds what is out at the same time."""
    lines = [b"%06d\tsome value" % number for number in range(5_000)]
    shifted = lines[20:] + lines[:20]

    difference.compare([text_of(lines)], [text_of(shifted)], kind(), limit_bytes=20_000, with_checksum=False)


def test_equal_streams_stay_under_any_limit():
    """Where nothing differs nothing is held."""
    text = text_of([b"%08d" % number for number in range(1_000)])

    scan = difference.compare([text], cut(text, [13, 500, 1]), UniqueLines(), limit_bytes=0, with_checksum=False)

    assert scan == Scan(source_rows=1_000, merge_rows=1_000, checksum=None)
