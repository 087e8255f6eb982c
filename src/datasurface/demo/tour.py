"""The tour: its steps in order, and what happens when one of them fails.

Every step uses the code that the commands use, so that what the tour shows is what the platform does. Nothing outside
of the server's temporary folder is touched, and nothing of it is left unless the options say so.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from datasurface.demo import deployment, history, leaving, opening, proof, rounds
from datasurface.demo.embedded import EmbeddedServer
from datasurface.demo.records import Finished, Record
from datasurface.demo.stage import Stage, TourOptions
from datasurface.errors import DatasurfaceError, Family, ModelError, StateError, TransientError
from datasurface.yellow.engine import database_errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: what it does, in words that finish "while", the function that does it, and whether it is taken."""

    title: str
    act: Callable[[Stage], Record]
    when: Callable[[TourOptions], bool] = lambda _: True


def _evolves(options: TourOptions) -> bool:
    return options.evolved_model is not None


def _is_kept(options: TourOptions) -> bool:
    return options.keep


STEPS: Final[Sequence[Step]] = (
    Step(title="starting an embedded PostgreSQL", act=opening.start_server),
    Step(title="loading and checking the model", act=opening.read_model),
    Step(title="making databases, roles and the source", act=opening.make_source),
    Step(title="applying the model", act=deployment.apply_model),
    Step(title="running the first batches", act=rounds.run_streams),
    Step(title="changing the source", act=rounds.change_source),
    Step(title="running the batches of the changes", act=rounds.run_streams),
    Step(title="changing the schema of the source", act=rounds.evolve_source, when=_evolves),
    Step(title="applying the later model", act=deployment.apply_evolved_model, when=_evolves),
    Step(title="running the batches of the later model", act=rounds.run_streams, when=_evolves),
    Step(title="reading a row's history", act=history.tell_history),
    Step(title="comparing in full and auditing", act=proof.audit_streams),
    Step(title="comparing the views with the source", act=proof.compare_views),
    Step(title="writing down how to go on", act=leaving.leave_running, when=_is_kept),
)


class Watcher(Protocol):
    """Who looks on: told of each step as it begins and advances, and of each record as soon as it is there."""

    def begins(self, title: str) -> None: ...

    def advances(self, done: int, total: int) -> None: ...

    def happened(self, record: Record) -> None: ...


def run(options: TourOptions, watcher: Watcher) -> Sequence[Record]:
    """Take the tour and return its records.

    Raises the error of the step that failed, with the step's title in front and of the same family; server and folder
    are removed then, and so they are when the process is interrupted.
    """
    began = time.perf_counter()
    server = EmbeddedServer()
    stage = Stage(options=options, server=server, progress=watcher.advances)
    records: list[Record] = []

    def note(record: Record) -> None:
        records.append(record)
        watcher.happened(record)

    is_left_running = False
    try:
        for step in STEPS:
            if step.when(options):
                watcher.begins(step.title)
                with _naming(step):
                    note(step.act(stage))
        is_left_running = options.keep
        folder = server.folder
    finally:
        if not is_left_running:
            with _uninterrupted():
                server.remove()
    note(Finished(seconds=time.perf_counter() - began, removed=None if is_left_running else folder))
    return records


@contextmanager
def _naming(step: Step) -> Iterator[None]:
    """Put the step's title in front of an error, and keep its family, its cause and what to do."""
    try:
        with database_errors.reporting(step.title):
            yield
    except DatasurfaceError as error:
        kind = _KINDS[error.family]
        raise kind(f"the tour stopped while {step.title}: {error.message}", fix=error.fix) from error


_KINDS: Final[dict[Family | None, type[DatasurfaceError]]] = {
    Family.MODEL: ModelError,
    Family.STATE: StateError,
    Family.TRANSIENT: TransientError,
    None: DatasurfaceError,
}


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """A second Ctrl+C must not leave a server behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {each: signal.signal(each, signal.SIG_IGN) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
