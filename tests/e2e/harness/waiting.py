"""Waiting for what a cluster does in its own time, with an error that says how far it got."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class NotInTime(AssertionError):
    """What was waited for did not come."""


def until(
    what: str,
    look: Callable[[], T | None],
    *,
    seconds: float,
    every_seconds: float = 0.5,
    passing: tuple[type[BaseException], ...] = (),
) -> T:
    """Call `look` until it gives something true, and return that.

    Errors of the types `passing` count as nothing yet. Raises NotInTime, with the last thing seen, after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while True:
        last: object
        try:
            found = look()
        except passing as error:
            last = f"{type(error).__name__}: {error}"
        else:
            if found:
                return found
            last = found
        if time.monotonic() >= deadline:
            raise NotInTime(f"not within {seconds:g} s: {what}; last: {last!r}")
        time.sleep(every_seconds)


def throughout(what: str, look: Callable[[], bool], *, seconds: float, every_seconds: float = 1.0) -> None:
    """Hold that `look` stays true for so long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert look(), f"no longer true: {what}"
        time.sleep(every_seconds)
