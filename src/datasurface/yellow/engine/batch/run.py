"""One run of a stream: a look, and more of them while the budget lasts; one result, whatever happens.

A run takes the stream's run lock, so that a second one ends as busy, and the lock of its run_id, so that the same run
twice is told apart from that. Between looks it lets go of the look lock, which a model merge or a reset may take then.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from datasurface.errors import DatasurfaceError, Family, ModelError, StateError, TransientError
from datasurface.yellow.engine import database_errors, locks
from datasurface.yellow.engine.batch import batch_state, batches, look, run_result, upkeep
from datasurface.yellow.engine.batch.batches import BatchTables
from datasurface.yellow.engine.batch.looking import Looking, LookOutcome
from datasurface.yellow.engine.batch.run_result import RunResult
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.control import plan_store
from datasurface.yellow.engine.difference.delta import Counts
from datasurface.yellow.engine.links import Links
from datasurface.yellow.plan.streams import StreamPlan

#: What the differences of a look may take in memory; measured to keep a job of any size under 256 MiB.
DIFFERENCE_BYTES: Final = 120 << 20
#: A model merge or a reset holds the look lock for moments; a look waits for it so long.
_LOOK_LOCK_SECONDS: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """Which stream to run and how.

    `platform` is either of its names; `dataset` is given where each dataset is captured by itself. The same `run_id`
    twice has one effect. `budget_seconds` None: as the plan says.
    """

    platform: str
    store: str
    dataset: str | None = None
    run_id: str | None = None
    in_full: bool = False
    budget_seconds: float | None = None
    difference_bytes: int = DIFFERENCE_BYTES


#: Called after each look with the plan that it followed.
Watch = Callable[[StreamPlan, LookOutcome], None]


def run(request: RunRequest, links: Links, watch: Watch) -> RunResult:
    """Run a stream once and return the result that is recorded.

    Raises DatasurfaceError after the failure was recorded as well, in the stream's next batch.
    """
    with links.merge() as session, database_errors.reporting(f"running {request.platform}/{request.store}"):
        locks.refuse_pooler(session)
        stream = planned(session, links.schema, request)
        session.rollback()
        if stream.job_credential is None:
            return _run_stream(request, links, session, stream, watch)
        with links.merge(stream.job_credential) as own_session:
            session.close()
            return _run_stream(request, links, own_session, stream, watch)


def planned(session: Session, schema: str, request: RunRequest) -> StreamPlan:
    """The stream's plan as it is now. Raises ModelError naming what is not planned."""
    stream = plan_store.find(session, schema, request.platform, request.store, request.dataset)
    if stream is not None:
        return stream
    streams = plan_store.of_store(session, schema, request.platform, request.store)
    if not streams:
        raise ModelError(
            f"no stream of store {request.store} is planned on platform {request.platform}",
            fix="`datasurface status` lists the streams; `datasurface model apply` plans them",
        )
    if request.dataset is None:
        datasets = ", ".join(sorted(stream.dataset or "" for stream in streams))
        raise ModelError(
            f"the datasets of {request.store} are captured one by one", fix=f"Give --dataset: one of {datasets}"
        )
    raise ModelError(
        f"dataset {request.dataset} of {request.store} has no stream of its own on platform {request.platform}",
        fix="Leave --dataset out where a store's datasets are captured together",
    )


def _run_stream(request: RunRequest, links: Links, session: Session, stream: StreamPlan, watch: Watch) -> RunResult:
    """Take the locks of the run, or say who has them; return a recorded result of the same run."""
    tables = BatchTables(stream.control, links.schema, stream.stream_key)
    where = f"{stream.platform}/{stream.stream_key}"
    with ExitStack() as held:
        if request.run_id is not None:
            own = locks.run_id_lock(stream.platform_name, stream.stream_key, request.run_id)
            if not held.enter_context(locks.held(session, own)):
                raise TransientError(f"{where}: run {request.run_id} is still at work", fix="Try again later")
        if not held.enter_context(locks.held(session, locks.run_lock(stream.platform_name, stream.stream_key))):
            return run_result.busy(request.run_id, f"{where}: another run is at work")
        recorded = tables.history(session)
        session.commit()
        if request.run_id is not None and recorded.run_id == request.run_id and recorded.result is not None:
            return RunResult.model_validate(recorded.result)
        return _Run(request, links, session, tables, watch).until_done(stream)


class _Run:
    """The looks of one run."""

    def __init__(self, request: RunRequest, links: Links, session: Session, tables: BatchTables, watch: Watch) -> None:
        self._request = request
        self._links = links
        self._session = session
        self._tables = tables
        self._watch = watch
        self._counts = Counts()
        self._batch_id: int | None = None
        self._note = ""

    def until_done(self, stream: StreamPlan) -> RunResult:
        """Look until the budget is used up; an error ends the run and is recorded."""
        budget = stream.run_budget_seconds if self._request.budget_seconds is None else self._request.budget_seconds
        deadline = time.monotonic() + budget
        while True:
            stream, outcome = self._look(stream)
            self._watch(stream, outcome)
            upkeep.after_look(self._session, stream, self._links.schema, outcome)
            left = deadline - time.monotonic()
            if left < stream.look_interval_seconds:
                return self._result(outcome, is_last=True)
            self._links.wait(stream.look_interval_seconds)

    def _look(self, stream: StreamPlan) -> tuple[StreamPlan, LookOutcome]:
        """One look under the stream's lock, by the plan as it is then, which is returned with the outcome."""
        session = self._session
        lock = locks.look_lock(stream.platform_name, stream.stream_key)
        with locks.held(session, lock, timeout_seconds=_LOOK_LOCK_SECONDS) as is_ours:
            if not is_ours:
                raise TransientError(f"{stream.stream_key} is being changed by somebody else", fix="Try again later")
            stream = planned(session, self._links.schema, self._request)
            session.rollback()
            with self._recording_failure(stream), self._links.source(stream.source) as source:
                outcome = look.look(self._looking(stream, source))
                self._counts = replace(self._counts + outcome.counts, total=outcome.counts.total)
                if outcome.batch_id is not None:
                    self._batch_id, self._note = outcome.batch_id, outcome.note or self._note
        return stream, outcome

    def _looking(self, stream: StreamPlan, source: Session) -> Looking:
        return Looking(
            links=self._links,
            merge=self._session,
            source=source,
            stream=stream,
            batches=self._tables,
            run_id=self._request.run_id,
            in_full=self._request.in_full,
            difference_bytes=self._request.difference_bytes,
            record=self._record,
        )

    def _record(self, outcome: LookOutcome) -> dict[str, Any]:
        """What the counter keeps with a look: the run's result as if it were its last one."""
        return self._result(outcome, is_last=False).document()

    def _result(self, outcome: LookOutcome, *, is_last: bool) -> RunResult:
        counts = self._counts if is_last else replace(self._counts + outcome.counts, total=outcome.counts.total)
        batch_id = outcome.batch_id if outcome.batch_id is not None else self._batch_id
        is_changed = outcome.batch_id is not None
        return run_result.of_looks(
            self._request.run_id, counts, batch_id, keeps_working=is_changed, message=self._note or outcome.note
        )

    @contextmanager
    def _recording_failure(self, stream: StreamPlan) -> Iterator[None]:
        """Record an error in the stream's next batch, so that people see it, and say which batch it was."""
        try:
            with database_errors.reporting(f"looking at {stream.stream_key}"):
                yield
        except DatasurfaceError as error:
            if not self._session.raw.closed:
                self._session.rollback()
            raise self._recorded(stream, error) from error

    def _recorded(self, stream: StreamPlan, error: DatasurfaceError) -> DatasurfaceError:
        where = f"{stream.platform}/{stream.stream_key}"
        try:
            with self._links.merge(stream.job_credential) as journal:
                history = self._tables.history(journal)
                batch = history.next_batch
                if error.family is Family.TRANSIENT and history.unfinished is None:
                    self._tables.forget_run(journal)
                    journal.commit()
                    return _placed(error, where)
                failure = batches.failure(error.family, str(error))
                state = replace(batch_state.initial_state(stream), failure=failure)
                self._tables.fail(journal, batch, state, self._request.run_id)
                journal.commit()
        except DatasurfaceError:
            return _placed(error, where)
        return _placed(error, f"{where} batch {batch.batch_id} failed")


def _placed(error: DatasurfaceError, where: str) -> DatasurfaceError:
    """The same error with the stream, and the batch where there is one, in front."""
    kinds: dict[Family | None, type[DatasurfaceError]] = {
        Family.MODEL: ModelError,
        Family.STATE: StateError,
        Family.TRANSIENT: TransientError,
        None: DatasurfaceError,
    }
    return kinds[error.family](f"{where}: {error.message}", fix=error.fix)
