"""What one call costs that runs in this process: wall time, CPU on both sides of the connection, log of the server."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import psutil

from bench import statements
from bench.arena import Arena

_QUERIES = statements.load("experiments.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What passed during a call; `cpu_seconds` are this process's and the server's together."""

    wall_seconds: float
    cpu_seconds: float
    wal_bytes: int


def of_call(place: Arena, call: Callable[[], object]) -> Cost:
    """Run `call` and say what it cost. The place's server must be an embedded one."""
    wal_before, cpu_before, began = _wal_bytes(place), _cpu_seconds(place), time.perf_counter()
    call()
    wall_seconds = time.perf_counter() - began
    return Cost(
        wall_seconds=wall_seconds,
        cpu_seconds=_cpu_seconds(place) - cpu_before,
        wal_bytes=_wal_bytes(place) - wal_before,
    )


def _wal_bytes(place: Arena) -> int:
    with place.admin() as session, session.raw.cursor() as cursor:
        cursor.execute(_QUERIES["wal_position"])
        return int((cursor.fetchone() or (0,))[0])


def _cpu_seconds(place: Arena) -> float:
    """CPU of this process and of the server with all processes that it ever had."""
    if place.postmaster_pid is None:
        raise RuntimeError("the server's processes are not on this machine")
    postmaster = psutil.Process(place.postmaster_pid)
    own = postmaster.cpu_times()
    seconds = time.process_time() + own.user + own.system + own.children_user + own.children_system
    for child in postmaster.children(recursive=True):
        with suppress(psutil.Error):
            times = child.cpu_times()
            seconds += times.user + times.system
    return float(seconds)
