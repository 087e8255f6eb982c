"""Named moments at which a job may die; tests watch them and kill the process there.

In production nobody watches and reaching a point does nothing.
"""

from collections.abc import Callable
from enum import StrEnum


class CrashPoint(StrEnum):
    """Moments before and after everything that a batch makes durable."""

    LOCKED = "the stream is locked, nothing was read"
    BEFORE_STARTED = "a difference was found, the batch is not started"
    AFTER_STARTED = "the batch is started"
    WHILE_COPYING = "rows of a first load are being copied"
    AFTER_FIRST_LOAD = "a first load is copied and not committed"
    BEFORE_STAGED = "a snapshot is staged and not committed"
    AFTER_STAGED = "a snapshot is staged"
    AFTER_INGESTED = "the batch is ingested"
    BETWEEN_DATASETS = "one dataset is applied"
    BEFORE_COMMIT = "all is applied and not committed"
    AFTER_COMMIT = "the batch is committed and not reported"
    BEFORE_EXIT = "the result is reported"


_watchers: list[Callable[[CrashPoint], None]] = []


def watch(watcher: Callable[[CrashPoint], None]) -> None:
    """Have `watcher` called at every point from now on, in the thread that reaches it."""
    _watchers.append(watcher)


def reached(point: CrashPoint) -> None:
    """Say that `point` is reached."""
    for watcher in _watchers:
        watcher(point)
