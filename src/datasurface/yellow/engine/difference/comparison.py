"""What is to be done for one dataset: its source compared with its merge table, both read once.

Reads the source in the caller's snapshot and the merge table in the caller's transaction; writes nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from psycopg2 import sql

from datasurface.yellow.engine import copy
from datasurface.yellow.engine.batch import applied, batch_state, first_load, narrowed
from datasurface.yellow.engine.batch.batch_state import DatasetState
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.difference import checksums, delta, difference
from datasurface.yellow.engine.difference.delta import Delta
from datasurface.yellow.engine.difference.difference import CountedLines, Scan, UniqueLines, Unmatched
from datasurface.yellow.engine.source import snapshot
from datasurface.yellow.engine.source.readings import Reading
from datasurface.yellow.engine.tables.merge_tables import MergeTables


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged:
    """Source and merge table hold the same rows; `checksum` is theirs, carried or computed anew."""

    rows: int
    checksum: int
    is_difference: ClassVar[bool] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """The difference is known and in memory; `checksum` is of the snapshot."""

    delta: Delta
    checksum: int
    is_difference: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstLoad:
    """The merge table is empty: the snapshot goes straight in.

    If that is empty too it `is_difference` no more, but a batch that is made anyway takes the dataset in.
    """

    is_difference: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rekeyed:
    """The rows were merged under another key, or wider types than they fit: all go, all of the snapshot comes.

    Where there are none on either side it `is_difference` no more, but a batch that is made anyway changes the key.
    """

    is_difference: bool


@dataclass(frozen=True, slots=True)
class Restaged:
    """The staging path has to find the difference: the dataset has no key, or the difference outgrew the memory."""

    is_difference: ClassVar[bool] = True


Verdict = Unchanged | Streamed | FirstLoad | Rekeyed | Restaged


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparing:
    """One dataset to be compared.

    `previous` is its state in the last committed batch, None if it was in none; `stored_key` is what the merge table's
    index finds rows by, None if no batch has built it. `limit_bytes` is what its difference may take. With `in_full`
    the checksum is computed from every line; without, it is carried where that is possible.
    """

    reading: Reading
    tables: MergeTables
    previous: DatasetState | None
    stored_key: tuple[str, ...] | None
    limit_bytes: int
    in_full: bool

    @property
    def carries_checksum(self) -> bool:
        """Whether the last checksum is of lines of the same columns, so that the difference is enough to go on."""
        if self.in_full or self.previous is None or self.previous.algorithm != checksums.ALGORITHM:
            return False
        return tuple(self.previous.columns) == batch_state.column_states(self.tables.plan)

    @property
    def may_be_empty(self) -> bool:
        """Whether the merge table may hold no row; where a stranger emptied one, the comparison finds every row new."""
        return self.previous is None or self.previous.rows == 0


def compare(source: Session, merge: Session, job: Comparing) -> Verdict:
    """Find out what is to be done. Raises difference.RepeatedLine or delta.DuplicateKey for a key that stands twice.

    `source` is in its snapshot, behind the savepoint that `snapshot.begin` set, `merge` in a transaction that only
    reads: both are taken back where a comparison ends early.
    """
    if job.stored_key is not None and set(job.stored_key) != set(job.tables.plan.key):
        has_rows = _has_rows(source, job.reading) or first_load.has_open_rows(merge, job.tables)
        return Rekeyed(is_difference=has_rows)
    if job.may_be_empty and first_load.is_empty(merge, job.tables):
        has_rows = _has_rows(source, job.reading)
        return FirstLoad(is_difference=has_rows) if has_rows or job.previous is None else Unchanged(rows=0, checksum=0)
    if narrowed.loses_rows(merge, job.tables, job.previous):
        return Rekeyed(is_difference=True)
    return _compared(source, merge, job)


def _compared(source: Session, merge: Session, job: Comparing) -> Verdict:
    """Read both sides, which can hold the same rows."""
    unmatched = UniqueLines() if job.tables.plan.key else CountedLines()
    try:
        scan = _scan(source, merge, job, unmatched)
    except difference.TooManyUnmatched:
        return Restaged()
    if not unmatched.lines():
        return Unchanged(rows=scan.source_rows, checksum=_checksum(job, scan, left=0, arrived=0))
    if not isinstance(unmatched, UniqueLines):
        return Restaged()
    found = delta.of_unmatched(unmatched, delta.keys_of_lines(job.tables.plan), source_rows=scan.source_rows)
    checksum = _checksum(job, scan, left=found.left_checksum, arrived=found.arrived_checksum)
    return Streamed(delta=found, checksum=checksum)


@contextmanager
def source_lines(source: Session, reading: Reading) -> Iterator[copy.RowsOut]:
    """The rows of a source table as blocks. Stopped early, they leave the snapshot as it was."""
    with _lines(source, reading.query, lambda: snapshot.go_back(source)) as lines:
        yield lines


@contextmanager
def _lines(session: Session, query: sql.Composed, go_back: Callable[[], None]) -> Iterator[copy.RowsOut]:
    lines = copy.RowsOut(session.raw, copy.copy_out(query))
    try:
        with lines:
            yield lines
    finally:
        if not lines.has_ended and not session.raw.closed:
            go_back()


def _scan(source: Session, merge: Session, job: Comparing, unmatched: Unmatched) -> Scan:
    with (
        source_lines(source, job.reading) as ours,
        _lines(merge, job.tables.open_lines(), merge.rollback) as theirs,
    ):
        return difference.compare(
            ours, theirs, unmatched, limit_bytes=job.limit_bytes, with_checksum=not job.carries_checksum
        )


def _checksum(job: Comparing, scan: Scan, *, left: int, arrived: int) -> int:
    if scan.checksum is not None or job.previous is None:
        return scan.checksum or 0
    return checksums.carried(job.previous.checksum_value, left=left, arrived=arrived)


def _has_rows(source: Session, reading: Reading) -> bool:
    return applied.first_value(source, sql.SQL("SELECT EXISTS (SELECT FROM {})").format(reading.relation)) is True
