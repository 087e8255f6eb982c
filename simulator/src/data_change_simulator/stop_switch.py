"""How a run is told to stop, by a signal handler or another thread, and how it waits without missing that."""

import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Final

#: While the run waits, it shows that often that it is alive.
_BEAT_SECONDS: Final = 5.0


class StopSwitch:
    """Pulled once, stays pulled.

    A SimpleQueue carries it because its put() may run in a signal handler that interrupts a get() of the same thread;
    threading.Event would deadlock there now and then. `beat` is called before each wait and every few seconds in it.
    """

    def __init__(self, beat: Callable[[], None] | None = None) -> None:
        self._wake_ups: SimpleQueue[None] = SimpleQueue()
        self._is_pulled = False
        self._beat = beat

    @property
    def is_pulled(self) -> bool:
        """Whether the run is to end."""
        return self._is_pulled

    def pull(self) -> None:
        """End the run: at once if it waits, else after the change it is at."""
        self._is_pulled = True
        self._wake_ups.put(None)

    def wait(self, seconds: float) -> bool:
        """Wait that long, or until the switch is pulled; returns whether it is."""
        end = time.monotonic() + seconds
        while not self._is_pulled:
            if self._beat is not None:
                self._beat()
            left_seconds = end - time.monotonic()
            if left_seconds <= 0:
                break
            with suppress(Empty):
                self._wake_ups.get(timeout=min(left_seconds, _BEAT_SECONDS))
        return self._is_pulled
