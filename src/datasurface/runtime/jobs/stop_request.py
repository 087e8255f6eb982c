"""SIGTERM and SIGINT of a job, from its first moment to its last: noted whenever they come, never lost, never fatal.

A job loads for a while before it runs and reports after it ran; a signal in between must neither kill it without a
record nor take away the report of what was committed. Needs the standard library alone, for it is there before anything
else is loaded.
"""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class StopRequest:
    """Whether and when this process was asked to end; the first signal counts."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._asked_at = 0.0
        self._listener: Callable[[], None] | None = None
        self._before: dict[signal.Signals, Any] = {}

    @property
    def seconds_ago(self) -> float | None:
        """How long ago it was asked; None if it was not."""
        return None if self.signal is None else time.monotonic() - self._asked_at

    def take(self) -> None:
        """Take the signals from now on; in the main thread only."""
        self._before = {each: signal.signal(each, self._on_signal) for each in _SIGNALS}

    def give_back(self) -> None:
        """Let whoever had the signals before have them again.

        Except a handler that interrupts: after the report there is nothing left that SIGTERM should interrupt.
        """
        for each, handler in self._before.items():
            is_interrupting = each is signal.SIGTERM and handler is signal.default_int_handler
            signal.signal(each, signal.SIG_IGN if is_interrupting else handler)
        self._before = {}

    @contextmanager
    def telling(self, listener: Callable[[], None]) -> Iterator[None]:
        """Call `listener` at every signal inside the block; it runs in the handler, so it must be short."""
        self._listener = listener
        try:
            yield
        finally:
            self._listener = None

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.signal is None:
            self.signal = signal.Signals(number)
            self._asked_at = time.monotonic()
        if self._listener is not None:
            self._listener()
