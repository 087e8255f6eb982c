"""Named moments at which a job may die; tests watch them and kill the process there.

In production nobody watches and reaching a point does nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


@contextmanager
def watched_by(watcher: Callable[[CrashPoint], None]) -> Iterator[None]:
    """Have `watcher` called at every point that any thread reaches within the block, in that thread."""
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)


def reached(point: CrashPoint) -> None:
    """Say that `point` is reached."""
    for watcher in tuple(_watchers):
        watcher(point)
