"""The watch as a process: turns in a thread, so that the main thread takes signals and shows that we are alive."""

import signal
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Final

from datasurface.errors import ModelError
from datasurface.runtime import logs
from datasurface.runtime.model_sync.watch import Watch
from datasurface.yellow.engine.links import Cancelled, Links

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
#: How long work under way has to end after a signal; Kubernetes would kill it at 30 s.
GRACE_SECONDS: Final = 10.0
#: Tables may be rewritten for a long time; whatever takes longer than this hangs.
TURN_SECONDS: Final = 6 * 3600.0
_TICK_SECONDS: Final = 1.0


class Service:
    """Runs a watch until SIGTERM or SIGINT. `alive_file` is touched every second, unless a turn hangs."""

    def __init__(self, watch: Watch, links: Links, *, interval_seconds: float, alive_file: Path | None) -> None:
        self._watch = watch
        self._links = links
        self._interval_seconds = interval_seconds
        self._alive_file = alive_file
        self._asked_to_end = threading.Event()
        self._turn_began_at = time.monotonic()
        self._error: BaseException | None = None

    def run(self) -> None:
        """Return after a signal. Raises ModelError where the alive file cannot be written. For the main thread."""
        for each in _SIGNALS:
            signal.signal(each, self._on_signal)
        log = logs.logger("model-sync")
        log.info("watching", link=str(self._watch.link))
        worker = threading.Thread(target=self._work, name="watch", daemon=True)
        worker.start()
        while worker.is_alive() and not self._asked_to_end.wait(_TICK_SECONDS):
            self._show_alive()
        self._end(worker)
        if self._error is not None:
            raise self._error
        log.info("asked to end")

    def _work(self) -> None:
        try:
            while not self._asked_to_end.is_set():
                self._turn_began_at = time.monotonic()
                self._watch.turn()
                self._asked_to_end.wait(self._interval_seconds)
        except Cancelled:
            return
        except BaseException as error:  # handed to the main thread
            self._error = error

    def _show_alive(self) -> None:
        if self._alive_file is None or time.monotonic() > self._turn_began_at + TURN_SECONDS:
            return
        try:
            self._alive_file.touch()
        except OSError as error:
            raise ModelError(
                f"the alive file {self._alive_file} cannot be written: {error.strerror}", fix="Name one that can be"
            ) from error

    def _end(self, worker: threading.Thread) -> None:
        """Cancel what runs, again and again: a statement may have begun right after the last time."""
        deadline = time.monotonic() + GRACE_SECONDS
        while worker.is_alive() and time.monotonic() < deadline:
            # In a thread of its own: asking a silent server takes long.
            threading.Thread(target=self._links.cancel, name="cancel", daemon=True).start()
            worker.join(timeout=0.5)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._asked_to_end.set()
