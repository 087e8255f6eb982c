"""Keeps the service's process from the programs that it runs, which have the same user.

As a container's first process it cannot be killed from inside; here its handlers and its memory are closed as well.
What the same user may do by right stays: change the process's limits and its priority. An end by that is a new start of
the container.
"""

import _thread
import contextlib
import ctypes
import os
import signal
import threading
from typing import Final

FIRST_PID: Final = 1
_PR_SET_DUMPABLE: Final = 4
_ASKED_TO_END: Final = frozenset({signal.SIGTERM, signal.SIGINT})
#: kill(2) was called; the kernel lets nobody say so of another signal, nor make up the sender.
_BY_KILL: Final = 0
#: The sender has no number in our namespace: it is outside of the container.
_OUTSIDE: Final = 0


def shield() -> None:
    """Close the process's memory, environment and open files to others; as the first process hear no one inside.

    Must be called in the main thread, before there are others. A signal from outside then does in the main thread what
    its handler does.
    """
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if os.getpid() == FIRST_PID:
        signal.pthread_sigmask(signal.SIG_BLOCK, _ASKED_TO_END)
        threading.Thread(target=_hear, name="signals", daemon=True).start()


def _hear() -> None:
    while True:
        heard = signal.sigwaitinfo(_ASKED_TO_END)
        if heard.si_code == _BY_KILL and heard.si_pid == _OUTSIDE:
            _thread.interrupt_main(signal.Signals(heard.si_signo))
