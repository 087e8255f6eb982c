"""Runs of a stream that may die: as an exception, as a broken connection, or as a process by SIGKILL.

Whatever a run does is told as it happens, in the same words from this process and from a forked one.
"""

import contextlib
import gc
import os
import signal
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from types import SimpleNamespace
from typing import Any
from unittest import mock

from datasurface.errors import DatasurfaceError, TransientError
from datasurface.yellow.engine.batch import comparing, crash_points, run
from datasurface.yellow.engine.batch.crash_points import CrashPoint
from datasurface.yellow.engine.batch.looking import LookOutcome
from datasurface.yellow.engine.batch.run import RunRequest
from datasurface.yellow.engine.batch.run_result import RunResult
from datasurface.yellow.engine.links import Links
from tests.soak.world import JOB, World

LOOK_INTERVAL_SECONDS = 2


class Way(StrEnum):
    """How a job dies."""

    ERROR = "an error"
    GONE = "gone without a word"
    NO_MERGE = "merge connections break"
    NO_SOURCE = "source connections break"
    SIGKILL = "SIGKILL of the process"


@dataclass(frozen=True, kw_only=True)
class Death:
    """Where and how a job dies: when `point` is reached for the `nth` time."""

    point: CrashPoint
    way: Way
    nth: int = 1


class Died(TransientError):
    """The job's end, as an error that it sees."""

    def __init__(self) -> None:
        super().__init__("the job ends here")


class Gone(BaseException):
    """The job's end, unseen by itself."""


#: Told `point:<NAME>`, `verdict:<kind>` and `look:<batch id>:<dataset>=<I>,<U>,<D>,<total>;…`.
Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a run ended. `died`: its death was reached. Both None: a process of its own that did not tell."""

    result: RunResult | None = None
    error: BaseException | None = None
    died: bool = False


class _Watch:
    """Follows one run and lets it die."""

    def __init__(self, world: World, tell: Tell, death: Death | None) -> None:
        self._world, self._tell, self._death = world, tell, death
        self._reached = 0
        self.died = False

    def __call__(self, point: CrashPoint) -> None:
        self._tell(f"point:{point.name}")
        if self._death is None or point is not self._death.point:
            return
        self._reached += 1
        if self._reached == self._death.nth:
            self.died = True
            self._die(self._death.way)

    def _die(self, way: Way) -> None:
        if way is Way.ERROR:
            raise Died
        if way is Way.GONE:
            raise Gone
        if way is Way.SIGKILL:
            os.kill(os.getpid(), signal.SIGKILL)
        self._world.end_jobs("merge" if way is Way.NO_MERGE else "source")


class _Links(Links):
    """Links whose wait between two looks takes no time."""

    def __init__(self, world: World, between: Callable[[], None]) -> None:
        super().__init__(world.connections, application_name=JOB)
        self._between = between
        self.now = 0.0

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self._between()


def attempt(
    world: World, request: RunRequest, tell: Tell, death: Death | None, between: Callable[[], None] = lambda: None
) -> Ended:
    """Run a stream once; `between` is called between two looks of it."""
    if death is not None and death.way is Way.SIGKILL:
        return _forked(world, request, tell, death)
    watch = _Watch(world, tell, death)
    result, error = None, None
    try:
        result = _run(world, request, tell, watch, between)
    except (DatasurfaceError, Gone) as raised:
        error = raised
    if watch.died:
        world.wait_for_the_dead()
    return Ended(result=result, error=error, died=watch.died)


def _run(world: World, request: RunRequest, tell: Tell, watch: _Watch, between: Callable[[], None]) -> RunResult:
    links = _Links(world, between)
    clock = SimpleNamespace(monotonic=lambda: links.now)
    with crash_points.watched_by(watch), _told_verdicts(tell), mock.patch.object(run, "time", clock):
        result = run.run(request, links, lambda _, outcome: tell(_described(outcome)))
        crash_points.reached(CrashPoint.BEFORE_EXIT)
    return result


@contextlib.contextmanager
def _told_verdicts(tell: Tell) -> Iterator[None]:
    compare = comparing.comparison.compare

    def told(*arguments: Any, **named: Any) -> Any:
        verdict = compare(*arguments, **named)
        tell(f"verdict:{type(verdict).__name__}")
        return verdict

    with mock.patch.object(comparing.comparison, "compare", told):
        yield


def _described(outcome: LookOutcome) -> str:
    counts = (
        f"{name}={each.inserted},{each.updated},{each.deleted},{each.total}" for name, each in outcome.datasets.items()
    )
    return f"look:{outcome.batch_id or 0}:{';'.join(counts)}"


def _forked(world: World, request: RunRequest, tell: Tell, death: Death) -> Ended:
    """Run in a process of its own, which is told what it does through a pipe until it dies."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        _child(world, request, writing, death)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as lines:
        for line in lines:
            tell(line.rstrip("\n"))
    _, status = os.waitpid(pid, 0)
    died = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    world.wait_for_the_dead()
    if died or os.WEXITSTATUS(status) == 0:
        return Ended(died=died)
    return Ended(error=TransientError("the process ended with an error"))


def _child(world: World, request: RunRequest, writing: int, death: Death) -> None:
    """Never returns, and finalizes nothing: the connections that it was born with are its parent's."""
    gc.disable()
    status = 1

    def tell(text: str) -> None:
        os.write(writing, f"{text}\n".encode())

    try:
        _run(world, request, tell, _Watch(world, tell, death), lambda: None)
        status = 0
    except DatasurfaceError as error:
        tell(f"error:{error.family}:{error.message!r}")
    finally:
        os._exit(status)
