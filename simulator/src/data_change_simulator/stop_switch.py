"""How a run is told to stop, by a signal handler or another thread, and how it waits without missing that."""

from contextlib import suppress
from queue import Empty, SimpleQueue


class StopSwitch:
    """Pulled once, stays pulled.

    A SimpleQueue carries it because its put() may run in a signal handler that interrupts a get() of the same thread;
    threading.Event would deadlock there now and then.
    """

    def __init__(self) -> None:
        self._wake_ups: SimpleQueue[None] = SimpleQueue()
        self._is_pulled = False

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
        if not self._is_pulled and seconds > 0:
            with suppress(Empty):
                self._wake_ups.get(timeout=seconds)
        return self._is_pulled
