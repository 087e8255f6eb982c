"""One look at a stream: compare the source with the merge tables and, where they differ, make a batch of it."""

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import psycopg2

from datasurface.errors import StateError
from datasurface.yellow.engine.batch import batch_state, batches, crash_points, merge_batch, quiet_look
from datasurface.yellow.engine.batch.applied import RowsDoNotFit
from datasurface.yellow.engine.batch.batch_state import ColumnState, DatasetState
from datasurface.yellow.engine.batch.batches import Batch, Mark, StreamHistory
from datasurface.yellow.engine.batch.comparing import Comparisons
from datasurface.yellow.engine.batch.crash_points import CrashPoint
from datasurface.yellow.engine.batch.looking import Dataset, Looking, LookOutcome, Snapshot
from datasurface.yellow.engine.batch.quiet_look import Moment
from datasurface.yellow.engine.difference.comparison import Unchanged
from datasurface.yellow.engine.difference.delta import Counts, DuplicateKey
from datasurface.yellow.engine.difference.difference import RepeatedLine
from datasurface.yellow.engine.source import duplicates
from datasurface.yellow.plan.streams import StreamPlan

_Columns = Mapping[str, Sequence[ColumnState]]


class SchemaChanged(StateError):
    """A batch left staged rows of another schema behind; whoever runs the stream has to let them go."""

    def __init__(self, stream: StreamPlan, batch: Batch) -> None:
        now = {table.dataset: batch_state.column_states(table) for table in stream.tables}
        differing = sorted(_differing(now, batch.state.columns))
        dataset = f" --dataset {stream.dataset}" if stream.dataset else ""
        super().__init__(
            f"batch {batch.ref.batch_id} was begun and staged under another schema: {', '.join(differing)}",
            fix=f"Run `datasurface reset-batch-state --platform {stream.platform} --store {stream.store}{dataset}`",
        )


def look(looking: Looking) -> LookOutcome:
    """Bring the merge tables to the source's present state. Everything of a batch is committed at once, or nothing is.

    Raises DatasurfaceError; then nothing of the batch is kept, but what it says of itself (`merge_batch.failed`).
    """
    crash_points.reached(CrashPoint.LOCKED)
    history = looking.batches.history(looking.merge)
    looking.merge.commit()
    _refuse_other_schema(looking.stream, history.unfinished)
    now = quiet_look.moment(looking)
    if quiet_look.is_full_comparison_due(history, now.at, looking.stream.full_comparison_hours):
        looking = dataclasses.replace(looking, in_full=True)
    mark = quiet_look.still_equal(looking, history, now)
    if mark is not None and history.committed is not None:
        return _nothing_written(looking, history.committed, mark, now)
    with _explaining(looking):
        comparisons = Comparisons(looking, history, now)
        if not comparisons.until_difference() and history.committed is not None:
            found = comparisons.snapshot()
            note = batches.wrong_record(history.committed, _states(found)) if looking.in_full else None
            if note is None:
                return _unchanged(looking, history, found)
            return merge_batch.merge_corrections(looking, history, comparisons, note)
        outcome = merge_batch.merge_batch(looking, history, comparisons)
        return outcome if outcome is not None else _unchanged(looking, history, comparisons.snapshot())


def _refuse_other_schema(stream: StreamPlan, unfinished: Batch | None) -> None:
    """A batch that left nothing behind begins again under the new plan; one with staged rows waits for a reset."""
    if unfinished is None or not unfinished.state.staged or unfinished.state.schema_hash == stream.schema_hash:
        return
    raise SchemaChanged(stream, unfinished)


def _nothing_written(looking: Looking, committed: Batch, mark: Mark, now: Moment) -> LookOutcome:
    """Write that the stream equals its last batch, by the word of the source's server."""
    names = [table.dataset for table in looking.stream.tables]
    rows = {name: state.rows for name, state in committed.state.datasets.items()}
    counts = {name: Counts(total=rows.get(name, 0)) for name in names}
    outcome = LookOutcome(
        batch_id=None, counts=sum(counts.values(), Counts()), datasets=counts, note=quiet_look.NOTHING_WRITTEN
    )
    looking.batches.record_look(looking.merge, checked_at=now.at, run_id=looking.run_id, result=looking.record(outcome))
    looking.batches.record_mark(looking.merge, mark, None)
    looking.merge.commit()
    return outcome


def _unchanged(looking: Looking, history: StreamHistory, found: Snapshot) -> LookOutcome:
    """Write that the stream equals its last batch; also takes back a batch that began and is no longer needed."""
    counts = {each.name: Counts(total=_rows(each, history)) for each in found.datasets}
    outcome = LookOutcome(batch_id=None, counts=sum(counts.values(), Counts()), datasets=counts)
    if history.committed is not None and looking.in_full:
        looking.batches.record_full_comparison(looking.merge, history.committed.ref, found.taken_at)
    looking.batches.forget(looking.merge, history.next_batch)
    looking.batches.record_look(
        looking.merge, checked_at=found.taken_at, run_id=looking.run_id, result=looking.record(outcome)
    )
    looking.batches.record_mark(looking.merge, found.mark, found.taken_at if looking.in_full else None)
    looking.merge.commit()
    looking.source.rollback()
    return outcome


def _rows(dataset: Dataset, history: StreamHistory) -> int:
    if isinstance(dataset.verdict, Unchanged):
        return dataset.verdict.rows
    committed = history.committed.state.datasets if history.committed else {}
    return committed[dataset.name].rows if dataset.name in committed else 0


def _states(found: Snapshot) -> Mapping[str, DatasetState]:
    """What a batch would record of the datasets that did not change."""
    return {
        each.name: batch_state.dataset_state(each.tables.plan, rows=each.verdict.rows, checksum=each.verdict.checksum)
        for each in found.datasets
        if isinstance(each.verdict, Unchanged)
    }


@contextlib.contextmanager
def _explaining(looking: Looking) -> Iterator[None]:
    """Say which keys stand twice in the source where that is what an error comes from."""
    try:
        yield
    except (RepeatedLine, DuplicateKey, RowsDoNotFit, psycopg2.errors.UniqueViolation) as error:
        duplicates.refuse(looking.source, looking.stream)
        if isinstance(error, RowsDoNotFit):
            raise
        raise StateError(
            f"a key of {looking.stream.stream_key} stood twice and no longer does: {type(error).__name__}",
            fix="Run the stream again; if it comes back, run `datasurface audit`",
        ) from None


def _differing(now: _Columns, then: _Columns) -> Iterator[str]:
    for dataset in now.keys() | then.keys():
        names = {column.name for column in set(now.get(dataset, ())) ^ set(then.get(dataset, ()))}
        yield from (f"{dataset}.{name}" for name in names)
