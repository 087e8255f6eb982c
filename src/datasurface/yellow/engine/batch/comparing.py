"""Comparing the datasets of a look: one snapshot of the source, and for each dataset what is to be done."""

from datasurface.errors import StateError
from datasurface.yellow.engine import database_errors
from datasurface.yellow.engine.batch import batches, first_load
from datasurface.yellow.engine.batch.batches import StreamHistory
from datasurface.yellow.engine.batch.looking import Dataset, Looking, Snapshot
from datasurface.yellow.engine.difference import comparison
from datasurface.yellow.engine.difference.comparison import Comparing, Streamed
from datasurface.yellow.engine.source import snapshot
from datasurface.yellow.engine.source.readings import Reading
from datasurface.yellow.engine.tables import merge_tables
from datasurface.yellow.engine.tables.merge_tables import MergeTables
from datasurface.yellow.plan.streams import StreamPlan


class RowsOfAnotherStream(StateError):
    """A stream without a batch finds rows in its merge table; their batch ids are of another stream."""

    def __init__(self, stream: StreamPlan, table: str) -> None:
        super().__init__(
            f"{table} holds rows, but stream {stream.stream_key} has made no batch: they are another stream's, as when "
            "a store's consistency changes. Nothing was read or applied",
            fix="Restore the store's consistency in the model, or move the table away under another name",
        )


def compared(looking: Looking, history: StreamHistory) -> Snapshot:
    """Take the source's snapshot and compare every dataset; the snapshot stays open, the merge side is let go."""
    taken_at = batches.server_time(looking.merge)
    looking.merge.rollback()
    readings = snapshot.begin(looking.source, looking.stream)
    for reading in readings:
        snapshot.verify(looking.source, reading)
    tables = merge_tables.of_stream(looking.stream, looking.links.schema)
    datasets: list[Dataset] = []
    held_bytes = 0
    for reading, table in zip(readings, tables, strict=True):
        dataset = _compare_one(looking, history, reading, table, looking.difference_bytes - held_bytes)
        if isinstance(dataset.verdict, Streamed):
            held_bytes += dataset.verdict.delta.size_bytes
        datasets.append(dataset)
    looking.merge.rollback()
    return Snapshot(datasets=tuple(datasets), taken_at=taken_at)


def _compare_one(
    looking: Looking, history: StreamHistory, reading: Reading, tables: MergeTables, limit_bytes: int
) -> Dataset:
    looking.links.refuse_if_cancelled()
    committed = history.committed
    previous = committed.state.datasets.get(tables.plan.dataset) if committed else None
    if committed is None and not first_load.is_empty(looking.merge, tables):
        raise RowsOfAnotherStream(looking.stream, tables.plan.merge_table)
    job = Comparing(reading=reading, tables=tables, previous=previous, limit_bytes=limit_bytes, in_full=looking.in_full)
    with database_errors.reporting(f"comparing {tables.plan.dataset}"):
        verdict = comparison.compare(looking.source, looking.merge, job)
    return Dataset(reading=reading, tables=tables, verdict=verdict, carries_checksum=job.carries_checksum)
