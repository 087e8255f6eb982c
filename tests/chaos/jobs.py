"""The chaos test's side of a job: start it, hear where it is, let it go on, and see how it ended."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from datasurface.yellow.engine.batch.crash_points import CrashPoint


class JobHangs(Exception):
    """A job did not end in the time that any of its runs may take."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a job ended: negative is the signal's number; `record` is its result file, empty where there is none."""

    status: int
    record: dict[str, Any]
    points: Sequence[str]
    log: str


@dataclass(kw_only=True)
class Job:
    """A running job."""

    pid: int
    record_path: Path
    log_path: Path
    crew: "Crew"
    points: list[str] = field(default_factory=list)
    held_at: CrashPoint | None = None
    status: int | None = None
    _socket: socket.socket | None = None
    _text: bytes = b""

    def reaches(self, seconds: float = 30) -> bool:
        """Wait until the job is held at its point; False if it ended before."""
        self._listen(time.monotonic() + seconds, lambda: self.held_at is not None)
        return self.held_at is not None

    def go(self) -> None:
        """Let a held job go on."""
        if self._socket is not None and self.held_at is not None:
            with contextlib.suppress(OSError):
                self._socket.send(b"x")

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process."""
        if self.status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def ended(self, seconds: float = 60) -> Ended:
        """Wait for the end. Raises JobHangs, after it killed the job."""
        self._listen(time.monotonic() + seconds, lambda: False)
        if self.status is None:
            self.send(signal.SIGKILL)
            self._listen(time.monotonic() + 10, lambda: False)
            raise JobHangs(f"still running after {seconds:g} s; it passed {', '.join(self.points)}\n{self._log()}")
        if self._socket is not None:
            self._socket.close()
        return Ended(status=self.status, record=self._record(), points=tuple(self.points), log=self._log())

    def _log(self) -> str:
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    def _record(self) -> dict[str, Any]:
        text = self.record_path.read_text(encoding="utf-8") if self.record_path.exists() else ""
        try:
            found: dict[str, Any] = json.loads(text or "{}")
        except json.JSONDecodeError:  # killed while it wrote
            return {}
        return found

    def _listen(self, deadline: float, enough: Any) -> None:
        while self.status is None and not enough():
            sources: list[Any] = [self.crew.said]
            sources.append(self.crew.listener if self._socket is None else self._socket)
            ready, _, _ = select.select(sources, [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                return
            if self.crew.listener in ready:
                self._socket, _ = self.crew.listener.accept()
            elif self._socket in ready and self._socket is not None:
                self._hear(self._socket)
            elif self.crew.said in ready:
                self.status = self.crew.heard()["status"]
        while self._socket is not None and select.select([self._socket], [], [], 0)[0]:
            if not self._hear(self._socket):
                break

    def _hear(self, speaker: socket.socket) -> bool:
        try:
            block = speaker.recv(1 << 14)
        except ConnectionError:
            block = b""
        if not block:
            speaker.close()
            self._socket = None
            # The process closes its end right before it is gone.
            if self.status is None:
                self.status = self.crew.heard()["status"]
            return False
        *lines, self._text = (self._text + block).split(b"\n")
        for line in lines:
            word, name = line.decode().split()
            self.points.append(name)
            if word == "held":
                self.held_at = CrashPoint[name]
        return True


class Crew:
    """A process that forks jobs, one at a time."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._environment = environment
        self._runs = 0
        self.listener = socket.socket(socket.AF_UNIX)

    def __enter__(self) -> Self:
        path = self._folder / "points"
        self.listener.bind(str(path))
        self.listener.listen()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.watched_job", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            cwd=Path(__file__).parents[2],
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        for each in (self._process.stdin, self._process.stdout):
            if each is not None:
                each.close()
        self.listener.close()

    @property
    def said(self) -> Any:
        return self._process.stdout

    def heard(self) -> dict[str, int]:
        """The next thing that the process says."""
        line = self.said.readline()
        if not line:
            raise RuntimeError("the process that forks the jobs is gone")
        found: dict[str, int] = json.loads(line)
        return found

    def start(
        self, *arguments: str, point: CrashPoint | None = None, occurrence: int = 1, stages_all: bool = False
    ) -> Job:
        """Start a command of `datasurface`; a job that reaches `point` for that time waits there."""
        self._runs += 1
        record, log = self._folder / "result.json", self._folder / "job.log"
        record.unlink(missing_ok=True)
        asked = {
            "arguments": arguments,
            "point": None if point is None else point.name,
            "occurrence": occurrence,
            "stages_all": stages_all,
            "log": str(log),
            "environment": self._environment | {"DATASURFACE_RESULT_FILE": str(record)},
        }
        stdin: Any = self._process.stdin
        stdin.write(json.dumps(asked).encode() + b"\n")
        stdin.flush()
        return Job(pid=self.heard()["pid"], record_path=record, log_path=log, crew=self)
