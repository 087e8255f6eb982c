"""JSON whose objects know the lines they stand in, so that a finding can name one.

The parser is the standard library's own, in its Python form; only where its objects are built is something added.
"""

import json
from bisect import bisect_left
from collections.abc import Callable, Mapping
from json import decoder, scanner
from typing import Any, Final

#: In every CPython since 3.1; the stubs leave them out.
_parse_object: Final[Callable[..., Any]] = vars(decoder)["JSONObject"]
_make_scanner: Final[Callable[..., Any]] = vars(scanner)["py_make_scanner"]

Scan = Callable[[str, int], tuple[Any, int]]


class LocatedObject(dict[str, Any]):
    """An object with the line where it begins, the line of each of its values, and the keys that it repeats."""

    def __init__(self, pairs: list[tuple[str, Any]], line: int, lines: list[int]) -> None:
        super().__init__(pairs)
        self.line = line
        self.lines: Mapping[str, int] = dict(zip((key for key, _ in pairs), lines, strict=True))
        self.repeated: list[tuple[str, int]] = []
        seen: set[str] = set()
        for (key, _), at in zip(pairs, lines, strict=True):
            if key in seen:
                self.repeated.append((key, at))
            seen.add(key)

    def line_of(self, key: str) -> int:
        """The line of the value of `key`; that of the object where there is none."""
        return self.lines.get(key, self.line)


class _LocatingDecoder(json.JSONDecoder):
    def __init__(self, text: str) -> None:
        super().__init__()
        self._newlines = [position for position, character in enumerate(text) if character == "\n"]
        self.parse_object = self._object
        self.scan_once = _make_scanner(self)

    def _line(self, position: int) -> int:
        return bisect_left(self._newlines, position) + 1

    def _object(self, at: tuple[str, int], strict: bool, scan: Scan, _hook: object, _pairs: object, memo: Any) -> Any:
        starts: list[int] = []

        def noting(text: str, position: int) -> tuple[Any, int]:
            starts.append(position)
            return scan(text, position)

        pairs, end = _parse_object(at, strict, noting, None, list, memo)
        return LocatedObject(pairs, self._line(at[1] - 1), [self._line(start) for start in starts]), end


def loads(text: str) -> Any:
    """As json.loads, with LocatedObject for objects. Raises json.JSONDecodeError, RecursionError and ValueError."""
    return _LocatingDecoder(text).decode(text)
