"""Lengths of time as people say them."""

from typing import Final

#: What stands where there is nothing to say.
NONE: Final = "–"
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def spoken(seconds: float | None) -> str:
    """A length of time in its largest unit, rounded down: `42 s`, `3 min`, `2 h`, `5 d`."""
    if seconds is None:
        return NONE
    whole = max(0, int(seconds))
    size, unit = next(((size, unit) for size, unit in _UNITS if whole >= size), _UNITS[-1])
    return f"{whole // size} {unit}"
