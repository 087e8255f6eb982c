"""Measuring one command: its wall time, the memory and CPU of its processes, and what the server wrote meanwhile."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from bench import statements
from bench.arena import Arena

_QUERIES: Final = statements.load("arena.sql")
_SAMPLE_SECONDS: Final = 0.02
_QUIET_SECONDS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A program to be measured, with what its environment has beside PATH. None: it may take as long as it likes."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    limit_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a command cost.

    `largest_process_bytes` is the peak of its largest process, `tree_bytes` the largest sum seen of all its processes.
    `server_cpu_seconds` and `other_cpu_seconds` are None where the server is not this machine's own.
    """

    exit_status: int
    log: str
    wall_seconds: float
    began_at: float
    client_cpu_seconds: float
    server_cpu_seconds: float | None
    other_cpu_seconds: float | None
    largest_process_bytes: int
    tree_bytes: int
    wal_bytes: int
    temp_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _ServerCounters:
    wal_bytes: int
    temp_bytes: int
    server_cpu_seconds: float | None
    machine_cpu_seconds: float


class _Sampler:
    """Looks at the memory of a process and all below it until it is told to stop.

    The kernel's own figure for an ended child (ru_maxrss) is no use: it counts what the parent held before the exec.
    """

    def __init__(self, pid: int) -> None:
        self.tree_bytes = 0
        self.largest_process_bytes = 0
        self._process = psutil.Process(pid)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(_SAMPLE_SECONDS):
            with suppress(psutil.Error):
                tree = [self._process, *self._process.children(recursive=True)]
                self.tree_bytes = max(self.tree_bytes, sum(_resident_bytes(each) for each in tree))
                self.largest_process_bytes = max(self.largest_process_bytes, *map(_peak_bytes, tree))


def measure(arena: Arena, command: Command) -> Reading:
    """Run a command after a checkpoint; its output is kept, its exit status is the caller's to judge."""
    with arena.admin() as session, session.raw.cursor() as cursor:
        cursor.execute(_QUERIES["checkpoint"])
    before = _counters(arena)
    log_path = arena.installation.folder / "command.log"
    with log_path.open("wb") as log:
        began_at, began = time.time(), time.perf_counter()
        process = subprocess.Popen(
            command.arguments,
            env={"PATH": os.environ.get("PATH", os.defpath), **command.environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        sampler = _Sampler(process.pid)
        with _limited(process, command.limit_seconds):
            _, status, usage = os.wait4(process.pid, 0)
        wall_seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    sampler.stop()
    client_cpu_seconds = usage.ru_utime + usage.ru_stime
    after = _counters(arena)
    return Reading(
        exit_status=process.returncode,
        log=log_path.read_text(encoding="utf-8", errors="replace"),
        wall_seconds=wall_seconds,
        began_at=began_at,
        client_cpu_seconds=client_cpu_seconds,
        **_server_side(before, after, client_cpu_seconds),
        largest_process_bytes=sampler.largest_process_bytes,
        tree_bytes=max(sampler.tree_bytes, sampler.largest_process_bytes),
        wal_bytes=after.wal_bytes - before.wal_bytes,
        temp_bytes=after.temp_bytes - before.temp_bytes,
    )


@contextmanager
def _limited(process: "subprocess.Popen[bytes]", seconds: float | None) -> Iterator[None]:
    """End the process after so long."""
    timer = threading.Timer(seconds or 0.0, process.kill)
    if seconds is not None:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _server_side(before: _ServerCounters, after: _ServerCounters, client_cpu_seconds: float) -> dict[str, float | None]:
    if before.server_cpu_seconds is None or after.server_cpu_seconds is None:
        return {"server_cpu_seconds": None, "other_cpu_seconds": None}
    server = after.server_cpu_seconds - before.server_cpu_seconds
    machine = after.machine_cpu_seconds - before.machine_cpu_seconds
    return {"server_cpu_seconds": server, "other_cpu_seconds": max(0.0, machine - server - client_cpu_seconds)}


def _counters(arena: Arena) -> _ServerCounters:
    """Read once the sessions of both databases are gone: only then the server has summed up what they did."""
    deadline = time.monotonic() + _QUIET_SECONDS
    parameters = {"databases": list(arena.databases)}
    with arena.admin() as session, session.raw.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute(_QUERIES["busy_sessions"], parameters)
            if (cursor.fetchone() or (0,))[0] == 0:
                break
            time.sleep(_SAMPLE_SECONDS)
        cursor.execute(_QUERIES["server_counters"], parameters)
        wal_bytes, temp_bytes = cursor.fetchone() or (0, 0)
    return _ServerCounters(
        wal_bytes=int(wal_bytes),
        temp_bytes=int(temp_bytes or 0),
        server_cpu_seconds=None if arena.postmaster_pid is None else _tree_cpu_seconds(arena.postmaster_pid),
        machine_cpu_seconds=_machine_cpu_seconds(),
    )


def _tree_cpu_seconds(pid: int) -> float:
    """CPU of the server: its running processes, and those that ended, which its first process has added up."""
    postmaster = psutil.Process(pid)
    own = postmaster.cpu_times()
    seconds = own.user + own.system + own.children_user + own.children_system
    for child in postmaster.children(recursive=True):
        with suppress(psutil.Error):
            times = child.cpu_times()
            seconds += times.user + times.system
    return float(seconds)


def _machine_cpu_seconds() -> float:
    times = psutil.cpu_times()
    return float(sum(getattr(times, name, 0.0) for name in ("user", "nice", "system", "irq", "softirq")))


def _resident_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _peak_bytes(process: psutil.Process) -> int:
    """The most that a process ever held, which no sample can miss by much."""
    try:
        lines = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return _resident_bytes(process)
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


def program(arena: Arena, name: str) -> Path | str:
    """One of PostgreSQL's own programs: the embedded server's, else what PATH finds."""
    return name if arena.binaries is None else arena.binaries / name
