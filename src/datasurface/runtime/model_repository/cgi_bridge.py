"""Runs a CGI program for one request: its body streams in, its answer streams out, and it ends with the client.

No shell, an environment of its own, a time limit. Which program, and for whom, is the caller's matter.
"""

import contextlib
import http
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import BufferedReader
from typing import IO, Final, cast

from datasurface.runtime import logs

_BLOCK_BYTES: Final = 64 * 1024
_HEADER_BYTES: Final = 64 * 1024
_LOGGED_BYTES: Final = 2000
#: What a program may still tidy up after it has said all.
_TIDY_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.005


class CgiFailed(Exception):
    """The program gave no answer; the message says why and may be logged."""


class CgiAnswer:
    """An answer whose status and headers are read, and whose body is still to come. Iterate it, then close it."""

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        body: IO[bytes],
        *,
        timeout_seconds: float,
        at_end: Callable[[], None] = lambda: None,
    ) -> None:
        """Start the program; `at_end` is called when it has ended, also where that is at once. Raises CgiFailed."""
        self._at_end = at_end
        try:
            self._process = subprocess.Popen(
                command,
                env=dict(env),
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            at_end()
            raise CgiFailed(f"it cannot be run: {error.strerror}") from error
        self._said = b""
        self._is_read = False
        self._threads = [
            threading.Thread(target=self._feed, args=(body,), daemon=True),
            threading.Thread(target=self._listen, daemon=True),
        ]
        self._clock = threading.Timer(timeout_seconds, self._kill)
        self._clock.daemon = True
        try:
            self._start_threads()
            self.status, self.headers = self._head()
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[bytes]:
        """The body, as it comes."""
        while block := self._output.read1(_BLOCK_BYTES):
            yield block
        self._is_read = True

    def close(self) -> None:
        """End the program and everything it started; one whose answer was taken in full may end by itself."""
        try:
            self._close()
        finally:
            self._at_end()
        if self._process.returncode > 0 or self._said:
            said = self._said.decode(errors="replace")
            logs.logger("model-repo").warning("git said", status=self._process.returncode, said=said)

    def _close(self) -> None:
        deadline = time.monotonic() + (_TIDY_SECONDS if self._is_read else 0)
        while not self._has_ended() and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
        self._clock.cancel()
        self._kill()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(timeout=5)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()
        self._process.wait()
        _reap(self._process.pid)

    def _start_threads(self) -> None:
        try:
            for thread in (*self._threads, self._clock):
                thread.start()
        except RuntimeError as error:
            raise CgiFailed("no thread can be started for it") from error

    @property
    def _output(self) -> BufferedReader:
        return cast(BufferedReader, self._process.stdout)

    def _has_ended(self) -> bool:
        """It stays a zombie until it is waited for, so that its number means no other process yet."""
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _head(self) -> tuple[str, list[tuple[str, str]]]:
        status, left = "200 OK", _HEADER_BYTES
        headers: list[tuple[str, str]] = []
        while line := self._output.readline(left):
            left -= len(line)
            name, colon, value = line.decode("latin-1").strip().partition(":")
            if not name:
                return status, headers
            if not colon or left <= 0:
                break
            if name.lower() == "status":
                status = _status(value.strip())
            else:
                headers.append((name, value.strip()))
        raise CgiFailed("its answer has no head")

    def _feed(self, body: IO[bytes]) -> None:
        stdin = self._process.stdin
        with contextlib.suppress(OSError, ValueError):
            while stdin is not None and (block := body.read(_BLOCK_BYTES)):
                stdin.write(block)
        with contextlib.suppress(OSError, ValueError):
            if stdin is not None:
                stdin.close()

    def _listen(self) -> None:
        stderr = self._process.stderr
        with contextlib.suppress(OSError, ValueError):
            while stderr is not None and (line := stderr.readline(_BLOCK_BYTES)):
                self._said = (self._said + line)[-_LOGGED_BYTES:]

    def _kill(self) -> None:
        """Everything in the program's session; it has not been waited for, so the number is still its own."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self._process.returncode is None:
                os.killpg(self._process.pid, signal.SIGKILL)


def _status(text: str) -> str:
    code = int(text.split(maxsplit=1)[0]) if text[:3].isdigit() else http.HTTPStatus.BAD_GATEWAY
    return f"{int(code)} {http.HTTPStatus(code).phrase}" if code in set(http.HTTPStatus) else "502 Bad Gateway"


def _reap(group: int) -> None:
    """What the program left behind became our child, if we are a container's first process."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-group, os.WNOHANG)[0]:
            pass
