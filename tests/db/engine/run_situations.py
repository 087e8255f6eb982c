"""Situations of a run: something happens at a named moment, a run pauses there, somebody holds a lock."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from datasurface.errors import DatasurfaceError
from datasurface.yellow.engine import locks
from datasurface.yellow.engine.batch import crash_points
from datasurface.yellow.engine.batch.crash_points import CrashPoint
from datasurface.yellow.engine.batch.run_result import RunResult
from datasurface.yellow.engine.locks import LockRef
from tests.db.streams import Stream


@contextmanager
def at(point: CrashPoint, happening: Any) -> Iterator[None]:
    """Let something happen when a run reaches a point."""
    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(crash_points, "_watchers", [lambda reached: happening() if reached is point else None])
        yield


@contextmanager
def paused(stream: Stream, point: CrashPoint, **request: Any) -> Iterator[list[RunResult]]:
    """A run of the stream in another thread that waits at a point until the block is left; its result is there then."""
    arrived, go_on = threading.Event(), threading.Event()
    results: list[RunResult] = []
    errors: list[DatasurfaceError] = []

    def runs() -> None:
        try:
            results.append(stream.run(**request))
        except DatasurfaceError as error:
            errors.append(error)

    runner = threading.Thread(target=runs, daemon=True)

    def wait_here(reached: CrashPoint) -> None:
        if reached is point and threading.current_thread() is runner:
            arrived.set()
            go_on.wait(timeout=30)

    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(crash_points, "_watchers", [wait_here])
        runner.start()
        try:
            assert arrived.wait(timeout=30)
            yield results
        finally:
            go_on.set()
            runner.join(timeout=30)
    assert errors == []


@contextmanager
def holding(stream: Stream, ref: LockRef) -> Iterator[None]:
    """Somebody else has a lock."""
    with stream.installation.session("admin") as other, locks.held(other, ref) as is_held:
        assert is_held
        yield
