"""Walking two blocks of lines side by side past the few lines in which they differ. Pure.

Where one row in a hundred changed, the lines between two changes are alike byte for byte. A walk compares them as
slices and stops only at the odd lines: half the processor time of putting every line into a set.
"""

from dataclasses import dataclass, field
from typing import Final

#: Slices are compared in this size; after a difference in a quarter of it, and so on down to the last.
_LONGEST_SLICE_BYTES: Final = 1 << 15
_FIRST_SLICE_BYTES: Final = 1 << 12
_SHORTEST_SLICE_BYTES: Final = 1 << 8
#: How far the equal of a line is looked for on the other side.
_REACH_BYTES: Final = 1 << 11


@dataclass(slots=True)
class Walk:
    """How far a walk came in each block, and the lines that had no equal where it passed, without their line ends."""

    left_end: int = 0
    right_end: int = 0
    odd_left: list[bytes] = field(default_factory=list)
    odd_right: list[bytes] = field(default_factory=list)

    @property
    def odd_lines(self) -> int:
        """How many lines of both sides had no equal."""
        return len(self.odd_left) + len(self.odd_right)


def walk(left: bytes, right: bytes, *, most_odd_lines: int) -> Walk:
    """Walk through two blocks of whole lines until one of them ends or more than `most_odd_lines` were odd.

    Every line passed is either equal on both sides or odd. An odd line may have its equal elsewhere.
    """
    passed = Walk()
    size = _FIRST_SLICE_BYTES
    while passed.left_end < len(left) and passed.right_end < len(right):
        here, there = passed.left_end, passed.right_end
        size = min(size, len(left) - here, len(right) - there)
        if left[here : here + size] == right[there : there + size]:
            alike = left.rfind(b"\n", here, here + size) + 1 - here
            if alike > 0:
                passed.left_end += alike
                passed.right_end += alike
                size = min(size * 4, _LONGEST_SLICE_BYTES)
                continue
        elif size > _SHORTEST_SLICE_BYTES:
            size //= 4
            continue
        _pass_line(left, right, passed)
        if passed.odd_lines > most_odd_lines:
            break
        size = _FIRST_SLICE_BYTES
    return passed


def _pass_line(left: bytes, right: bytes, passed: Walk) -> None:
    """Pass what is odd up to the next line that both sides have within reach, or one odd line of each side."""
    here, there = passed.left_end, passed.right_end
    left_end, right_end = left.index(b"\n", here) + 1, right.index(b"\n", there) + 1
    left_line, right_line = left[here:left_end], right[there:right_end]
    if left_line == right_line:
        passed.left_end, passed.right_end = left_end, right_end
    elif (found := _line_start(left, right_line, left_end)) > 0:
        passed.odd_left += left[here : found - 1].split(b"\n")
        passed.left_end = found
    elif (found := _line_start(right, left_line, right_end)) > 0:
        passed.odd_right += right[there : found - 1].split(b"\n")
        passed.right_end = found
    else:
        passed.odd_left.append(left_line[:-1])
        passed.odd_right.append(right_line[:-1])
        passed.left_end, passed.right_end = left_end, right_end


def _line_start(text: bytes, line: bytes, start: int) -> int:
    """Where `line` begins within reach of `start`, which is the start of a line; 0 where it does not."""
    return text.find(b"\n" + line, start - 1, start + len(line) + _REACH_BYTES) + 1
