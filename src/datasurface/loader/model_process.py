"""Starts the process that runs eco.py, waits within the limits and takes its answer, which may be anything.

The process gets a clean environment, no input, a session of its own and a pipe for the answer; whatever it prints is
counted and thrown away. Nothing here reads the answer.
"""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from datasurface.loader.limits import Limits

CHILD: Final = "datasurface.loader.child"
_BLOCK_BYTES: Final = 1024 * 1024
#: How often a process that neither answers nor ends is looked at.
_LOOK_SECONDS: Final = 0.05
#: How long the first of the two processes has to end what is left.
_GRACE_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How the process ended: with `status`, negative for a signal. `answer` holds at most one byte above its limit.

    `limits` are those that it ran under, which another host may have set.
    """

    answer: bytes
    status: int
    is_late: bool
    printed_bytes: int
    limits: Limits


def run(model: Path, scratch: Path, limits: Limits) -> Outcome:
    """Run eco.py of the private copy `model`; `scratch` is its home and its temporary directory.

    Returns within the wall time and a short grace, with every process of the model ended.
    """
    answer_fd, answer_end = os.pipe()
    printed_fd, printed_end = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-s", "-P", "-B", "-X", "utf8", "-m", CHILD, str(answer_end), _arguments(limits)],
        cwd=model,
        env=_environment(scratch),
        stdin=subprocess.DEVNULL,
        stdout=printed_end,
        stderr=printed_end,
        pass_fds=(answer_end,),
        start_new_session=True,
    )
    os.close(answer_end)
    os.close(printed_end)
    watch = _Watch(process, answer_fd, printed_fd, limits)
    try:
        watch.until_done()
    finally:
        _end(process)
        watch.close()
    return Outcome(
        answer=b"".join(watch.answer),
        status=process.returncode,
        is_late=watch.is_late,
        printed_bytes=watch.printed_bytes,
        limits=limits,
    )


def _arguments(limits: Limits) -> str:
    arguments = {
        "parent_pid": os.getpid(),
        "memory_bytes": limits.memory_bytes,
        "cpu_seconds": limits.cpu_seconds,
        "file_bytes": limits.file_bytes,
        "user_processes": limits.user_processes,
    }
    return json.dumps(arguments)


def _environment(scratch: Path) -> Mapping[str, str]:
    """Nothing of our own environment, which may hold secrets. With a fixed seed sets come in one order always."""
    return {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "PYTHONHASHSEED": "0",
    }


class _Watch:
    """Reads the two pipes of a process until it has ended or may not go on."""

    def __init__(self, process: subprocess.Popen[bytes], answer_fd: int, printed_fd: int, limits: Limits) -> None:
        self.answer: list[bytes] = []
        self.printed_bytes = 0
        self.is_late = False
        self._process = process
        self._answer_fd = answer_fd
        self._printed_fd = printed_fd
        self._bytes_left = limits.answer_bytes + 1
        self._deadline = time.monotonic() + limits.wall_seconds
        self._look_seconds = _LOOK_SECONDS
        self._selector = selectors.DefaultSelector()
        for pipe in (answer_fd, printed_fd):
            os.set_blocking(pipe, False)
            self._selector.register(pipe, selectors.EVENT_READ)

    def until_done(self) -> None:
        """Read until the process has ended, whoever else holds its pipes, or is late, or has answered too much."""
        while True:
            has_ended = _has_ended(self._process)
            self._read()
            if has_ended or self._bytes_left <= 0:
                return
            if time.monotonic() >= self._deadline:
                self.is_late = True
                return

    def close(self) -> None:
        """Give the pipes back."""
        self._selector.close()
        os.close(self._answer_fd)
        os.close(self._printed_fd)

    def _read(self) -> None:
        """Take everything that is there, after a short wait."""
        timeout = self._look_seconds
        while ready := self._selector.select(timeout):
            timeout = 0
            for pipe, _ in ready:
                self._take(pipe.fd)
            if self._bytes_left <= 0 or time.monotonic() >= self._deadline:
                return

    def _take(self, pipe: int) -> None:
        """Read one block, or note the end of the pipe."""
        try:
            block = os.read(pipe, min(_BLOCK_BYTES, self._bytes_left))
        except BlockingIOError:
            return
        if not block:
            self._selector.unregister(pipe)
            self._look_seconds = _LOOK_SECONDS / 10
        elif pipe == self._answer_fd:
            self.answer.append(block)
            self._bytes_left -= len(block)
        else:
            self.printed_bytes += len(block)


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """True once the process is over; it stays a zombie, so that its number means no other process yet."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _end(process: subprocess.Popen[bytes]) -> None:
    """Have the first process end all others, then end what is left of the session, then reap."""
    deadline = time.monotonic() + _GRACE_SECONDS
    # Not Popen.terminate: that reaps, and then the number could mean another process.
    os.kill(process.pid, signal.SIGTERM)
    while not _has_ended(process) and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS / 10)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
