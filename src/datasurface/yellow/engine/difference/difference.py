"""What changed: two streams of canonical lines, compared as they arrive, in bounded memory. Pure.

Both tables are read in the same form and, mostly, in the same physical order. Where the streams read alike, byte for
byte, a comparison of blocks is all it takes. Where few lines differ they are walked through side by side; where many
do, all lines meet in two collections of unmatched lines and equal ones are thrown out at once. What is left at the end
is the difference: no order is assumed, no hash decides.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, MutableMapping
from dataclasses import dataclass
from typing import Final, Protocol

from datasurface.yellow.engine.difference import alignment, checksums

#: How much of each stream is compared at a time, in bytes.
WINDOW_BYTES: Final = 1 << 20
#: What a line costs in memory beyond its own bytes: the object's header and its slot in a set.
LINE_OVERHEAD_BYTES: Final = 90
#: A walk through a window ends when it has seen so many odd lines: from there on sets are faster.
_MOST_ODD_LINES: Final = 600
#: After a walk that ended so, this many windows are compared by sets alone.
_WINDOWS_WITHOUT_WALK: Final = 8


class TooManyUnmatched(Exception):
    """The unmatched lines outgrew their limit; the staging path takes over."""


class RepeatedLine(Exception):
    """A line stands twice in a stream whose lines are unique."""

    def __init__(self) -> None:
        super().__init__("a line is repeated")


class Unmatched(Protocol):
    """Lines of both sides that have not met their equal yet."""

    def meet(self, source: list[bytes], merge: list[bytes]) -> None:
        """Add lines of both sides and throw out those that are equal."""

    def lines(self) -> int:
        """How many lines are held."""

    def size_bytes(self) -> int:
        """What the held lines take in memory, about."""


class UniqueLines:
    """Unmatched lines of a table with a key: no line stands twice on a side."""

    def __init__(self) -> None:
        self.source: set[bytes] = set()
        self.merge: set[bytes] = set()
        self._text_bytes = 0

    def meet(self, source: list[bytes], merge: list[bytes]) -> None:
        """Raises RepeatedLine where the source holds the same line twice within reach."""
        ours, theirs = set(source), set(merge)
        if len(ours) != len(source):
            raise RepeatedLine
        # Most lines meet within the window, where sets are small; what was held before is asked only for the others.
        _throw_out(ours, theirs)
        self._text_bytes -= _length(_throw_out(ours, self.merge)) + _length(_throw_out(theirs, self.source))
        expected = len(self.source) + len(ours)
        self.source |= ours
        if len(self.source) != expected:
            raise RepeatedLine
        self.merge |= theirs
        self._text_bytes += _length(ours) + _length(theirs)

    def lines(self) -> int:
        return len(self.source) + len(self.merge)

    def size_bytes(self) -> int:
        return self._text_bytes + LINE_OVERHEAD_BYTES * self.lines()


class CountedLines:
    """Unmatched lines of a table without a key: a line may stand any number of times."""

    def __init__(self) -> None:
        self.source: Counter[bytes] = Counter()
        self.merge: Counter[bytes] = Counter()
        self._text_bytes = 0

    def meet(self, source: list[bytes], merge: list[bytes]) -> None:
        for held, lines in ((self.source, source), (self.merge, merge)):
            self._text_bytes += _length(set(lines) - held.keys())
            held.update(lines)
        for line in self.source.keys() & self.merge.keys():
            met = min(self.source[line], self.merge[line])
            gone = _take(self.source, line, met) + _take(self.merge, line, met)
            self._text_bytes -= gone * len(line)

    def lines(self) -> int:
        return len(self.source) + len(self.merge)

    def size_bytes(self) -> int:
        return self._text_bytes + LINE_OVERHEAD_BYTES * self.lines()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What went by: rows of both sides, and the checksum of the source's lines where it was asked for, else None."""

    source_rows: int
    merge_rows: int
    checksum: int | None


def compare(
    source: Iterable[bytes], merge: Iterable[bytes], unmatched: Unmatched, *, limit_bytes: int, with_checksum: bool
) -> Scan:
    """Read both streams to their ends; the difference is what `unmatched` then holds.

    `source` and `merge` yield bytes cut anywhere; each line ends in a newline. Raises TooManyUnmatched as soon as the
    unmatched lines take more than `limit_bytes`, and RepeatedLine.
    """
    left, right = _Window(source), _Window(merge)
    tally = _Tally(with_checksum)
    unlike_windows = 0
    while left.fill() | right.fill():
        if (alike := _equal_bytes(left, right)) > 0:
            tally.count_equal(left.take(alike), right.take(alike))
            continue
        if unlike_windows == 0 and left.text and right.text:
            passed = alignment.walk(left.lines(), right.lines(), most_odd_lines=_MOST_ODD_LINES)
            tally.count(left.take(passed.left_end), right.take(passed.right_end))
            unmatched.meet(passed.odd_left, passed.odd_right)
            unlike_windows = _WINDOWS_WITHOUT_WALK if passed.odd_lines > _MOST_ODD_LINES else 0
        else:
            unlike_windows = max(0, unlike_windows - 1)
            source_end, merge_end = _aligned_ends(left, right)
            source_lines, merge_lines = _lines(left.take(source_end)), _lines(right.take(merge_end))
            tally.count_lines(source_lines, merge_lines)
            unmatched.meet(source_lines, merge_lines)
        if unmatched.size_bytes() > limit_bytes:
            raise TooManyUnmatched
    return Scan(source_rows=tally.source_rows, merge_rows=tally.merge_rows, checksum=tally.checksum)


class _Window:
    """The part of a stream that was read and not yet taken; always whole lines beyond the first `usable` bytes."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks: Iterator[bytes] = iter(blocks)
        self._ended = False
        self.text = b""

    def fill(self) -> bool:
        """Read until a window of whole lines is there or the stream ends; False when nothing is left."""
        parts, size, has_line = [self.text], len(self.text), b"\n" in self.text
        while not self._ended and (size < WINDOW_BYTES or not has_line):
            block = next(self._blocks, None)
            if block is None:
                self._ended = True
                break
            parts.append(block)
            size += len(block)
            has_line = has_line or b"\n" in block
        if len(parts) > 1:
            self.text = b"".join(parts)
        return bool(self.text)

    def end_of_lines(self) -> int:
        """Where the last whole line ends."""
        return self.text.rfind(b"\n") + 1

    def lines(self) -> bytes:
        """All its whole lines."""
        return self.text[: self.end_of_lines()]

    def take(self, end: int) -> bytes:
        """The first `end` bytes, which are whole lines; they leave the window."""
        taken, self.text = self.text[:end], self.text[end:]
        return taken


class _Tally:
    """Counts rows, and sums the source's lines where a checksum is asked for."""

    def __init__(self, with_checksum: bool) -> None:
        self.source_rows = 0
        self.merge_rows = 0
        self.checksum: int | None = 0 if with_checksum else None

    def count_equal(self, source: bytes, _merge: bytes) -> None:
        rows = source.count(b"\n")
        self.source_rows += rows
        self.merge_rows += rows
        self._sum(source)

    def count(self, source: bytes, merge: bytes) -> None:
        self.source_rows += source.count(b"\n")
        self.merge_rows += merge.count(b"\n")
        self._sum(source)

    def count_lines(self, source: list[bytes], merge: list[bytes]) -> None:
        self.source_rows += len(source)
        self.merge_rows += len(merge)
        if self.checksum is not None:
            self.checksum = (self.checksum + checksums.of_lines(source)) % checksums.MODULUS

    def _sum(self, source: bytes) -> None:
        if self.checksum is not None:
            self.checksum = (self.checksum + checksums.of_block(source)) % checksums.MODULUS


def _equal_bytes(left: _Window, right: _Window) -> int:
    """How many bytes of whole lines both windows begin with alike: all of the shorter one, or none."""
    shorter, longer = sorted((left.text, right.text), key=len)
    if not shorter or not longer.startswith(shorter):
        return 0
    return shorter.rfind(b"\n") + 1


def _aligned_ends(left: _Window, right: _Window) -> tuple[int, int]:
    """Where to cut both windows so that, if the streams go on alike, the next windows begin alike.

    The last line of one window is looked up in the other; without it both windows are taken whole.
    """
    left_end, right_end = left.end_of_lines(), right.end_of_lines()
    if (found := _line_end(right.text, _last_line(left.text, left_end), right_end)) > 0:
        return left_end, found
    if (found := _line_end(left.text, _last_line(right.text, right_end), left_end)) > 0:
        return found, right_end
    return left_end, right_end


def _last_line(text: bytes, end: int) -> bytes:
    """The last whole line with its line end; empty where there is none."""
    return text[text.rfind(b"\n", 0, max(0, end - 1)) + 1 : end]


def _line_end(text: bytes, line: bytes, end: int) -> int:
    """Where `line` ends within the whole lines of `text`; 0 where it does not stand there."""
    if not line:
        return 0
    if text.startswith(line):
        return len(line)
    found = text.find(b"\n" + line, 0, end)
    return found + 1 + len(line) if found >= 0 else 0


def _lines(block: bytes) -> list[bytes]:
    lines = block.split(b"\n")
    lines.pop()
    return lines


def _length(lines: Iterable[bytes]) -> int:
    return sum(map(len, lines))


def _throw_out(some: set[bytes], others: set[bytes]) -> set[bytes]:
    """Take the lines that both hold out of both, and return them."""
    equal = some & others
    some -= equal
    others -= equal
    return equal


def _take(counted: MutableMapping[bytes, int], line: bytes, times: int) -> bool:
    """Take a line so many times; True if none is left."""
    if counted[line] == times:
        del counted[line]
        return True
    counted[line] -= times
    return False
