"""Asking a server to stop a statement while everything else goes on.

The driver's own `cancel` keeps the interpreter's lock until the server has answered: a silent server would hold up
every thread, also the one that hears of SIGTERM and has to report. Here libpq's function is called without that lock.
"""

import ctypes
import re
from functools import cache
from pathlib import Path
from typing import Final

from psycopg2 import extensions

_MESSAGE_BYTES: Final = 256
#: Of a line of the kernel's list of what is mapped; the last one is a file's path.
_PARTS: Final = 6


class Canceller:
    """Stops whatever a connection runs; safe from another thread. Make it while the connection does nothing."""

    def __init__(self, connection: extensions.connection) -> None:
        self._connection = connection
        self._libpq = _loaded_libpq()
        # Taken now and kept: later another thread may be closing the connection.
        self._handle = None if self._libpq is None else self._libpq.PQgetCancel(connection.pgconn_ptr)

    def __del__(self) -> None:
        if self._libpq is not None and self._handle:
            self._libpq.PQfreeCancel(self._handle)

    def cancel(self) -> None:
        """Ask, and wait until the server has heard it; one that cannot be reached has nothing to stop."""
        if self._connection.closed:
            return
        if self._libpq is None or not self._handle:
            self._connection.cancel()
            return
        message = ctypes.create_string_buffer(_MESSAGE_BYTES)
        self._libpq.PQcancel(self._handle, message, _MESSAGE_BYTES)


@cache
def _loaded_libpq() -> ctypes.CDLL | None:
    """The library that the driver itself has loaded; None where it cannot be told which one that is."""
    maps = Path("/proc/self/maps")
    if not maps.exists():
        return None
    lines = (line.split(maxsplit=5) for line in maps.read_text(encoding="utf-8", errors="replace").splitlines())
    found = {parts[5] for parts in lines if len(parts) == _PARTS and re.search(r"/libpq[^/]*\.so[^/]*$", parts[5])}
    if len(found) != 1:
        return None
    libpq = ctypes.CDLL(found.pop())
    libpq.PQgetCancel.argtypes, libpq.PQgetCancel.restype = [ctypes.c_void_p], ctypes.c_void_p
    libpq.PQcancel.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
    libpq.PQfreeCancel.argtypes, libpq.PQfreeCancel.restype = [ctypes.c_void_p], None
    return libpq
