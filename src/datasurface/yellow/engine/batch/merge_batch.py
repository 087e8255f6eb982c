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
    batch_state,
    batches,
    crash_points,
    first_load,
    merge_statements,
    quiet_look,
    staging,
)
from datasurface.yellow.engine.batch.applier import LOCKS_PER_LOAD, Applier, lock, refuse_without_locks
from datasurface.yellow.engine.batch.batch_state import BatchRef, BatchState, DatasetState
from datasurface.yellow.engine.batch.batches import StreamHistory
from datasurface.yellow.engine.batch.comparing import Comparisons
from datasurface.yellow.engine.batch.crash_points import CrashPoint
from datasurface.yellow.engine.batch.looking import Dataset, Looking, LookOutcome, Snapshot
from datasurface.yellow.engine.batch.staging import Staged
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.difference import comparison
from datasurface.yellow.engine.difference.comparison import FirstLoad, Rekeyed, Restaged, Streamed, Unchanged, Verdict
from datasurface.yellow.engine.difference.delta import Counts

#: No statement of a batch waits longer for somebody else's lock: readers would queue behind it.
_LOCK_TIMEOUT = "30s"


def merge_batch(looking: Looking, history: StreamHistory, comparisons: Comparisons) -> LookOutcome | None:
    """Make the batch of what a look finds; None if the staging path finds that nothing had changed after all.

    What is left of `comparisons` is compared while the differences that are known are applied. The caller rolls back if
    an error is raised; what the journal committed then says how far it came.
    """
    return _merge_batch(looking, history, comparisons, note=None)


def merge_corrections(looking: Looking, history: StreamHistory, comparisons: Comparisons, note: str) -> LookOutcome:
    """Make a batch without a change that records the checksums of a full comparison; `note` says what was wrong."""
    outcome = _merge_batch(looking, history, comparisons, note=note)
    if outcome is None:
        raise RuntimeError("a batch that corrects a record is made also without a change")
    return outcome


def _merge_batch(
    looking: Looking, history: StreamHistory, comparisons: Comparisons, *, note: str | None
) -> LookOutcome | None:
    batch = history.next_batch
    crash_points.reached(CrashPoint.BEFORE_STARTED)
    with looking.links.merge(looking.stream.job_credential) as journal_session:
        # A journal of a server that was promoted meanwhile must not speak for a look whose own server is gone.
        _refuse_without_lock(looking)
        journal = _Journal(looking, journal_session, batch)
        journal.start()
        found, results = _applied(looking, journal, comparisons, batch)
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


def _applied(
    looking: Looking, journal: "_Journal", comparisons: Comparisons, batch: BatchRef
) -> tuple[Snapshot, dict[str, "_Result"]]:
    """Compare what is left and apply everything, in the open transaction of the look's session."""
    applied.run(looking.merge, merge_statements.set_lock_timeout(_LOCK_TIMEOUT))
    with Applier(looking, batch) as applier:
        applier.apply_all(comparisons, reader=journal.session)
    found = comparisons.snapshot()
    again = [each for each in found.datasets if _is_staged_or_loaded(each)]
    results = {each.name: _result(each, each.verdict) for each in found.datasets if not _is_staged_or_loaded(each)}
    staged = {each.name: journal.stage(each) for each in again if isinstance(each.verdict, Restaged)}
    refuse_without_locks(looking.merge, len(again) * LOCKS_PER_LOAD)
    for each in again:
        lock(looking.merge, each)
    results |= {each.name: _load(looking, each, batch) for each in again if each.name not in staged}
    looking.source.rollback()
    journal.ingest(found)
    for each in again:
        if each.name in staged:
            results[each.name] = _apply_staged(looking, each, staged[each.name], batch)
    return found, results


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    """What a batch did to a dataset, and the dataset's state after it."""

    counts: Counts
    state: DatasetState


class _Journal:
    """What is committed of a batch before the batch itself."""

    def __init__(self, looking: Looking, session: Session, batch: BatchRef) -> None:
        self._looking = looking
        self.session = session
        self._batch = batch
        self._state = batch_state.initial_state(looking.stream)

    def start(self) -> None:
        self._looking.batches.start(self.session, self._batch, self._state, self._looking.run_id)
        self.session.commit()
        crash_points.reached(CrashPoint.AFTER_STARTED)

    def stage(self, dataset: Dataset) -> Staged:
        """Stage a dataset's snapshot and note it; both commit together."""
        with (
            database_errors.reporting(f"staging {dataset.name}"),
            comparison.source_lines(self._looking.source, dataset.reading) as lines,
        ):
            staged = staging.stage(self.session, dataset.tables, lines, self._batch.batch_id)
        self._state = dataclasses.replace(self._state, staged=(*self._state.staged, dataset.name))
        self._looking.batches.note(self.session, self._batch, self._state)
        crash_points.reached(CrashPoint.BEFORE_STAGED)
        self.session.commit()
        crash_points.reached(CrashPoint.AFTER_STAGED)
        return staged

    def ingest(self, found: Snapshot) -> None:
        done = tuple(each.name for each in found.datasets)
        self._looking.batches.ingest(self.session, self._batch, dataclasses.replace(self._state, done=done))
        self.session.commit()
        crash_points.reached(CrashPoint.AFTER_INGESTED)


def _is_staged_or_loaded(dataset: Dataset) -> bool:
    """Whether the source has to be read once more, into a table of the merge database."""
    return isinstance(dataset.verdict, FirstLoad | Rekeyed | Restaged)


def _load(looking: Looking, dataset: Dataset, batch: BatchRef) -> _Result:
    """Copy the whole snapshot of a dataset into its merge table."""
    deleted = 0
    if isinstance(dataset.verdict, Rekeyed):
        deleted = first_load.close_all(looking.merge, dataset.tables, batch.batch_id)
    with comparison.source_lines(looking.source, dataset.reading) as lines:
        loaded = first_load.load(looking.merge, dataset.tables, lines, batch.batch_id)
    crash_points.reached(CrashPoint.AFTER_FIRST_LOAD)
    counts = Counts(inserted=loaded.rows, deleted=deleted, total=loaded.rows)
    return _state_after(dataset, counts, loaded.checksum)


def _apply_staged(looking: Looking, dataset: Dataset, staged: Staged, batch: BatchRef) -> _Result:
    """Find the difference of a staged dataset and apply it."""
    looking.links.refuse_if_cancelled()
    counts = staging.apply_staged(looking.merge, dataset.tables, staged, batch.batch_id)
    crash_points.reached(CrashPoint.BETWEEN_DATASETS)
    return _state_after(dataset, counts, staged.checksum)


def _result(dataset: Dataset, verdict: Verdict) -> _Result:
    """What became of a dataset whose difference was known from the comparison, or that had none."""
    if isinstance(verdict, Streamed):
        return _state_after(dataset, verdict.delta.counts, verdict.checksum)
    if isinstance(verdict, Unchanged):
        return _state_after(dataset, Counts(total=verdict.rows), verdict.checksum)
    raise TypeError(f"{dataset.name}: {verdict} is not applied")


def _carries_any(found: Snapshot) -> bool:
    """Whether a checksum goes on from the last recorded one; what is loaded or staged is always summed anew."""
    return any(each.carries_checksum and isinstance(each.verdict, Streamed | Unchanged) for each in found.datasets)


def _state_after(dataset: Dataset, counts: Counts, checksum: int) -> _Result:
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
    _refuse_without_lock(looking)
    crash_points.reached(CrashPoint.BEFORE_COMMIT)
    looking.merge.commit()
    crash_points.reached(CrashPoint.AFTER_COMMIT)
    return outcome


def _refuse_without_lock(looking: Looking) -> None:
    """Raise if the stream's lock is no longer this session's: another job may be at work."""
    stream = looking.stream
    if not locks.holds(looking.merge, locks.look_lock(stream.platform_name, stream.stream_key)):
        raise StateError(
            f"the lock of {stream.stream_key} was lost before the commit; nothing was applied",
            fix="Connect jobs to the server itself: a pooler in transaction mode loses their locks",
        )
