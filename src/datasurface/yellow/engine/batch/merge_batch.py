"""One batch: what the look found is staged, loaded and applied, and all of it commits at once.

Two sessions of the merge database take part. The look's own holds the stream's lock, applies and commits rows, counts,
checksums and status together. The other, the journal, commits at once what has to be seen before that: that the batch
is started, staged or ingested. docs/states.md draws the way of a batch.
"""

import dataclasses
from collections.abc import Mapping

from datasurface.errors import StateError
from datasurface.yellow.engine import database_errors, locks
from datasurface.yellow.engine.batch import (
    applied,
    apply_delta,
    batch_state,
    batches,
    crash_points,
    first_load,
    merge_statements,
    quiet_look,
    staging,
)
from datasurface.yellow.engine.batch.batch_state import BatchRef, BatchState, DatasetState
from datasurface.yellow.engine.batch.batches import StreamHistory
from datasurface.yellow.engine.batch.crash_points import CrashPoint
from datasurface.yellow.engine.batch.looking import Dataset, Looking, LookOutcome, Snapshot
from datasurface.yellow.engine.batch.staging import Staged
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.difference import comparison
from datasurface.yellow.engine.difference.comparison import FirstLoad, Rekeyed, Restaged, Streamed, Unchanged
from datasurface.yellow.engine.difference.delta import Counts

#: No statement of a batch waits longer for somebody else's lock: readers would queue behind it.
_LOCK_TIMEOUT = "30s"


def merge_batch(looking: Looking, history: StreamHistory, found: Snapshot) -> LookOutcome | None:
    """Make the batch of what a look found; None if the staging path finds that nothing had changed after all.

    The caller rolls back if an error is raised; what the journal committed then says how far it came.
    """
    return _merge_batch(looking, history, found, note=None)


def merge_corrections(looking: Looking, history: StreamHistory, found: Snapshot, note: str) -> LookOutcome:
    """Make a batch without a change that records the checksums of a full comparison; `note` says what was wrong."""
    outcome = _merge_batch(looking, history, found, note=note)
    if outcome is None:
        raise RuntimeError("a batch that corrects a record is made also without a change")
    return outcome


def _merge_batch(looking: Looking, history: StreamHistory, found: Snapshot, *, note: str | None) -> LookOutcome | None:
    batch = history.next_batch
    crash_points.reached(CrashPoint.BEFORE_STARTED)
    with looking.links.merge(looking.stream.job_credential) as journal_session:
        journal = _Journal(looking, journal_session, batch)
        journal.start()
        staged = {each.name: journal.stage(each) for each in found.datasets if isinstance(each.verdict, Restaged)}
        _lock_tables(looking.merge, found)
        results = {each.name: _load(looking, each, batch) for each in found.datasets if _is_load(each)}
        looking.source.rollback()
        journal.ingest(found)
        for each in found.datasets:
            if each.name not in results:
                results[each.name] = _apply(looking, each, staged.get(each.name), batch)
                crash_points.reached(CrashPoint.BETWEEN_DATASETS)
        if history.committed is not None and not any(result.counts.changed for result in results.values()):
            if note is None and looking.in_full:
                states = {name: result.state for name, result in results.items()}
                note = batches.wrong_record(history.committed, states)
            if note is None:
                looking.merge.rollback()
                return None
        elif quiet_look.has_lied(looking, history, found, {name: result.state for name, result in results.items()}):
            found, note = quiet_look.with_lie(found), quiet_look.SIGN_LIED
        return _commit(looking, found, batch, results, note or "")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    """What a batch did to a dataset, and the dataset's state after it."""

    counts: Counts
    state: DatasetState


class _Journal:
    """What is committed of a batch before the batch itself."""

    def __init__(self, looking: Looking, session: Session, batch: BatchRef) -> None:
        self._looking = looking
        self._session = session
        self._batch = batch
        self._state = batch_state.initial_state(looking.stream)

    def start(self) -> None:
        self._looking.batches.start(self._session, self._batch, self._state, self._looking.run_id)
        self._session.commit()
        crash_points.reached(CrashPoint.AFTER_STARTED)

    def stage(self, dataset: Dataset) -> Staged:
        """Stage a dataset's snapshot and note it; both commit together."""
        with (
            database_errors.reporting(f"staging {dataset.name}"),
            comparison.source_lines(self._looking.source, dataset.reading) as lines,
        ):
            staged = staging.stage(self._session, dataset.tables, lines, self._batch.batch_id)
        self._state = dataclasses.replace(self._state, staged=(*self._state.staged, dataset.name))
        self._looking.batches.note(self._session, self._batch, self._state)
        crash_points.reached(CrashPoint.BEFORE_STAGED)
        self._session.commit()
        crash_points.reached(CrashPoint.AFTER_STAGED)
        return staged

    def ingest(self, found: Snapshot) -> None:
        done = tuple(each.name for each in found.datasets)
        self._looking.batches.ingest(self._session, self._batch, dataclasses.replace(self._state, done=done))
        self._session.commit()
        crash_points.reached(CrashPoint.AFTER_INGESTED)


def _lock_tables(merge: Session, found: Snapshot) -> None:
    """Shut other writers out of every table that the batch changes, in the plan's order."""
    with database_errors.reporting("locking the merge tables"):
        applied.run(merge, merge_statements.set_lock_timeout(_LOCK_TIMEOUT))
        for each in found.datasets:
            if not isinstance(each.verdict, Unchanged):
                applied.run(merge, merge_statements.statement("lock_merge", each.tables))


def _is_load(dataset: Dataset) -> bool:
    return isinstance(dataset.verdict, FirstLoad | Rekeyed)


def _load(looking: Looking, dataset: Dataset, batch: BatchRef) -> _Result:
    """Copy the whole snapshot of a dataset into its merge table."""
    deleted = 0
    if isinstance(dataset.verdict, Rekeyed):
        deleted = first_load.close_all(looking.merge, dataset.tables, batch.batch_id)
    with comparison.source_lines(looking.source, dataset.reading) as lines:
        loaded = first_load.load(looking.merge, dataset.tables, lines, batch.batch_id)
    crash_points.reached(CrashPoint.AFTER_FIRST_LOAD)
    counts = Counts(inserted=loaded.rows, deleted=deleted, total=loaded.rows)
    return _result(dataset, counts, loaded.checksum)


def _apply(looking: Looking, dataset: Dataset, staged: Staged | None, batch: BatchRef) -> _Result:
    """Apply the difference of a dataset, wherever it was found."""
    looking.links.refuse_if_cancelled()
    verdict = dataset.verdict
    if staged is not None:
        counts = staging.apply_staged(looking.merge, dataset.tables, staged, batch.batch_id)
        return _result(dataset, counts, staged.checksum)
    if isinstance(verdict, Streamed):
        apply_delta.apply_delta(looking.merge, dataset.tables, verdict.delta, batch.batch_id)
        return _result(dataset, verdict.delta.counts, verdict.checksum)
    if isinstance(verdict, Unchanged):
        return _result(dataset, Counts(total=verdict.rows), verdict.checksum)
    raise TypeError(f"{dataset.name}: {verdict} is not applied")


def _carries_any(found: Snapshot) -> bool:
    """Whether a checksum goes on from the last recorded one; what is loaded or staged is always summed anew."""
    return any(each.carries_checksum and isinstance(each.verdict, Streamed | Unchanged) for each in found.datasets)


def _result(dataset: Dataset, counts: Counts, checksum: int) -> _Result:
    state = batch_state.dataset_state(dataset.tables.plan, rows=counts.total, checksum=checksum)
    return _Result(counts=counts, state=state)


def _commit(
    looking: Looking, found: Snapshot, batch: BatchRef, results: Mapping[str, _Result], note: str
) -> LookOutcome:
    """Commit rows, counts, checksums and status, if the stream's lock is still this session's."""
    looking.links.refuse_if_cancelled()
    counts = {name: result.counts for name, result in results.items()}
    outcome = LookOutcome(
        batch_id=batch.batch_id,
        counts=sum(counts.values(), Counts()),
        datasets=dict(sorted(counts.items())),
        note=note,
    )
    compared_in_full_at = None if _carries_any(found) else found.taken_at
    state: BatchState = dataclasses.replace(
        batch_state.initial_state(looking.stream),
        done=tuple(sorted(results)),
        datasets={name: result.state for name, result in sorted(results.items())},
        compared_in_full_at=None if compared_in_full_at is None else compared_in_full_at.isoformat(),
    )
    looking.batches.commit(looking.merge, batch, state, outcome.counts)
    looking.batches.advance_counter(
        looking.merge,
        batch,
        checked_at=found.taken_at,
        run_id=looking.run_id,
        result=looking.record(outcome),
    )
    looking.batches.record_mark(looking.merge, found.mark, compared_in_full_at)
    stream = looking.stream
    if not locks.holds(looking.merge, locks.look_lock(stream.platform_name, stream.stream_key)):
        raise StateError(
            f"the lock of {stream.stream_key} was lost before the commit; nothing was applied",
            fix="Connect jobs to the server itself: a pooler in transaction mode loses their locks",
        )
    crash_points.reached(CrashPoint.BEFORE_COMMIT)
    looking.merge.commit()
    crash_points.reached(CrashPoint.AFTER_COMMIT)
    return outcome
