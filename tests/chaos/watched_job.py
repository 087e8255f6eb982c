"""Runs jobs for the chaos test, each in a process of its own: `datasurface job snapshot-merge`, watched at its points.

A program by itself, `python -m tests.chaos.watched_job SOCKET`: it loads the product once and forks a child for each
line of JSON on stdin, so that a run costs no start of Python and SIGKILL still ends a real process. The child says on
the socket which points it reaches; at the point that the line names it waits there for an answer.
"""

import json
import os
import signal
import socket
import sys
import threading
from typing import Any

from datasurface.cli import audit, job, main, reset
from datasurface.runtime.jobs import snapshot_merge
from datasurface.yellow.engine.batch import crash_points, run
from datasurface.yellow.engine.batch.crash_points import CrashPoint

#: What a child needs; naming it here loads it before the first fork.
PROGRAM = (audit, job, main, reset, snapshot_merge, run)


class Watcher:
    """Tells the chaos test where the job is, and holds it at one point."""

    def __init__(self, path: str, wanted: str | None, occurrence: int) -> None:
        self._wanted = wanted
        self._left = occurrence
        self._guard = threading.Lock()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)

    def __call__(self, point: CrashPoint) -> None:
        with self._guard:
            holds = point.name == self._wanted and self._left == 1
            self._left -= point.name == self._wanted
            self._socket.sendall(f"{'held' if holds else 'passed'} {point.name}\n".encode())
            if holds:
                self._socket.recv(1)


def child(asked: dict[str, Any], path: str) -> None:
    """Be the job. Never returns."""
    with open(asked["log"], "wb") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    os.environ |= asked["environment"]
    sys.argv = ["datasurface", *asked["arguments"]]
    if asked["stages_all"]:
        # No difference fits into no memory, so every dataset is staged. The command line has no option for it.
        run.RunRequest.__init__.__kwdefaults__["difference_bytes"] = 0  # type: ignore[index]
    status: object = 70
    try:
        with crash_points.watched_by(Watcher(path, asked["point"], asked["occurrence"])):
            main.main()
    except SystemExit as ended:
        status = ended.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status if isinstance(status, int) else 0 if status is None else 70)


def serve(path: str) -> None:
    """Fork a child per line of stdin; say its pid, and how it ended."""
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            child(asked, path)
        tell({"pid": pid})
        _, status = os.waitpid(pid, 0)
        tell({"status": os.waitstatus_to_exitcode(status)})


def tell(fact: dict[str, int]) -> None:
    """A line of JSON on stdout."""
    os.write(1, json.dumps(fact).encode() + b"\n")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve(sys.argv[1])
