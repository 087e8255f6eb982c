"""Comparing the datasets of a look, one after the other, in one snapshot of the source.

The largest come first: while one is applied the next is compared, and what is applied last should be little.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from datasurface.errors import StateError
from datasurface.yellow.engine import database_errors
from datasurface.yellow.engine.batch import first_load, quiet_look
from datasurface.yellow.engine.batch.batches import StreamHistory
from datasurface.yellow.engine.batch.looking import Dataset, Looking, Snapshot
from datasurface.yellow.engine.batch.quiet_look import Moment
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.difference import comparison
from datasurface.yellow.engine.difference.comparison import Comparing, Restaged
from datasurface.yellow.engine.source import snapshot
from datasurface.yellow.engine.source.readings import Reading
from datasurface.yellow.engine.tables import merge_tables
from datasurface.yellow.engine.tables.merge_tables import MergeTables
from datasurface.yellow.plan.streams import StreamPlan

#: After so many datasets a session that reads merge tables gives back its locks on them.
_DATASETS_PER_TRANSACTION = 64


class RowsOfAnotherStream(StateError):
    """A stream without a batch finds rows in its merge table; their batch ids are of another stream."""

    def __init__(self, stream: StreamPlan, table: str) -> None:
        super().__init__(
            f"{table} holds rows, but stream {stream.stream_key} has made no batch: they are another stream's, as when "
            "a store's consistency changes. Nothing was read or applied",
            fix="Restore the store's consistency in the model, or move the table away under another name",
        )


class Comparisons:
    """The source's snapshot of a look, open, and what is known of its datasets so far."""

    def __init__(self, looking: Looking, history: StreamHistory, now: Moment) -> None:
        """Take the snapshot and check its values; compare nothing yet. Leaves the merge side without a transaction."""
        self._looking = looking
        self._committed = history.committed
        readings = snapshot.begin(looking.source, looking.stream)
        for reading in readings:
            snapshot.verify(looking.source, reading)
        self._taken = Snapshot(datasets=(), taken_at=now.at)
        if history.keeps_marks:
            self._taken = quiet_look.marked(looking, history, now, self._taken, readings)
        tables = merge_tables.of_stream(looking.stream, looking.links.schema)
        self._keys = first_load.stored_keys(looking.merge, looking.links.schema, tables)
        if self._committed is None:
            self._refuse_rows_of_another_stream(tables)
        looking.merge.rollback()
        self._places = {each.plan.dataset: place for place, each in enumerate(tables)}
        by_rows = sorted(zip(readings, tables, strict=True), key=lambda pair: -self._rows_before(pair[1]))
        self._left = by_rows[::-1]
        self.done: list[Dataset] = []

    @property
    def taken_at(self) -> datetime:
        """The time of the merge database's clock right before the source was read."""
        return self._taken.taken_at

    def until_difference(self) -> bool:
        """Compare, reading on the look's own session, up to the first dataset that differs; False if none does."""
        while (dataset := self.compare_next(self._looking.merge, held_bytes=0)) is not None:
            if dataset.verdict.is_difference:
                self._looking.merge.rollback()
                return True
        self._looking.merge.rollback()
        return False

    def compare_next(self, reader: Session, *, held_bytes: int) -> Dataset | None:
        """Compare one more dataset and keep it in `done`; None if all are.

        `reader` reads the merge table; its transaction only reads. Other differences take `held_bytes` of memory.
        """
        if not self._left:
            return None
        self._looking.links.refuse_if_cancelled()
        reading, tables = self._left.pop()
        dataset = self._compared(reader, reading, tables, self._looking.difference_bytes - held_bytes)
        self.done.append(dataset)
        if len(self.done) % _DATASETS_PER_TRANSACTION == 0:
            reader.rollback()
        return dataset

    def compare_again(self, reader: Session) -> Dataset:
        """Compare the last dataset once more, now that no other difference takes memory."""
        last = self.done.pop()
        dataset = self._compared(reader, last.reading, last.tables, self._looking.difference_bytes)
        self.done.append(dataset)
        return dataset

    def snapshot(self) -> Snapshot:
        """What was found, in the plan's order; everything has been compared."""
        datasets = sorted(self.done, key=lambda each: self._places[each.name])
        return replace(self._taken, datasets=tuple(datasets))

    def _compared(self, reader: Session, reading: Reading, tables: MergeTables, limit_bytes: int) -> Dataset:
        looking = self._looking
        job = Comparing(
            reading=reading,
            tables=tables,
            previous=self._committed.state.datasets.get(tables.plan.dataset) if self._committed else None,
            stored_key=self._keys.get(tables.plan.merge_table),
            limit_bytes=limit_bytes,
            in_full=looking.in_full,
        )
        with database_errors.reporting(f"comparing {tables.plan.dataset}"):
            verdict = comparison.compare(looking.source, reader, job)
        return Dataset(reading=reading, tables=tables, verdict=verdict, carries_checksum=job.carries_checksum)

    def _rows_before(self, tables: MergeTables) -> int:
        datasets = self._committed.state.datasets if self._committed else {}
        return datasets[tables.plan.dataset].rows if tables.plan.dataset in datasets else 0

    def _refuse_rows_of_another_stream(self, tables: Sequence[MergeTables]) -> None:
        for each in tables:
            if not first_load.is_empty(self._looking.merge, each):
                raise RowsOfAnotherStream(self._looking.stream, each.plan.merge_table)


def outgrew_its_share(dataset: Dataset, held_bytes: int) -> bool:
    """Whether a difference found no room in memory because others took some of it."""
    return held_bytes > 0 and isinstance(dataset.verdict, Restaged) and bool(dataset.tables.plan.key)
