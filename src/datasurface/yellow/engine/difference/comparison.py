"""What is to be done for one dataset: its source compared with its merge table, both read once.

Reads the source in the caller's snapshot and the merge table in the caller's transaction; writes nothing.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import ClassVar

from psycopg2 import sql

from datasurface.yellow.engine import copy
from datasurface.yellow.engine.batch import applied, batch_state, first_load
from datasurface.yellow.engine.batch.batch_state import DatasetState
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.difference import checksums, delta, difference
from datasurface.yellow.engine.difference.delta import Delta
from datasurface.yellow.engine.difference.difference import CountedLines, Scan, UniqueLines, Unmatched
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
    """The rows were merged under another key: all of them go, all of the snapshot comes.

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

    `previous` is its state in the last committed batch, None if it was in none. `limit_bytes` is what its difference
    may take. With `in_full` the checksum is computed from every line; without, it is carried where that is possible.
    """

    reading: Reading
    tables: MergeTables
    previous: DatasetState | None
    limit_bytes: int
    in_full: bool

    @property
    def carries_checksum(self) -> bool:
        """Whether the last checksum is of lines of the same columns, so that the difference is enough to go on."""
        if self.in_full or self.previous is None or self.previous.algorithm != checksums.ALGORITHM:
            return False
        return tuple(self.previous.columns) == batch_state.column_states(self.tables.plan)


def compare(source: Session, merge: Session, job: Comparing) -> Verdict:
    """Find out what is to be done. Raises difference.RepeatedLine or delta.DuplicateKey for a key that stands twice."""
    stored_key = first_load.stored_key(merge, job.tables)
    if stored_key is not None and set(stored_key) != set(job.tables.plan.key):
        has_rows = _has_rows(source, job.reading) or first_load.has_open_rows(merge, job.tables)
        return Rekeyed(is_difference=has_rows)
    if first_load.is_empty(merge, job.tables):
        has_rows = _has_rows(source, job.reading)
        return FirstLoad(is_difference=has_rows) if has_rows or job.previous is None else Unchanged(rows=0, checksum=0)
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


def source_lines(source: Session, reading: Reading) -> AbstractContextManager[copy.RowsOut]:
    """The rows of a source table as blocks. Stopped early, they leave the snapshot as it was."""
    return _lines(source, reading.query)


@contextmanager
def _lines(session: Session, query: sql.Composed) -> Iterator[copy.RowsOut]:
    applied.run(session, sql.SQL("SAVEPOINT ds_lines"))
    try:
        with copy.RowsOut(session.raw, copy.copy_out(query)) as lines:
            yield lines
    finally:
        if not session.raw.closed:
            applied.run(session, sql.SQL("ROLLBACK TO SAVEPOINT ds_lines"))


def _scan(source: Session, merge: Session, job: Comparing, unmatched: Unmatched) -> Scan:
    with source_lines(source, job.reading) as ours, _lines(merge, job.tables.open_lines()) as theirs:
        return difference.compare(
            ours, theirs, unmatched, limit_bytes=job.limit_bytes, with_checksum=not job.carries_checksum
        )


def _checksum(job: Comparing, scan: Scan, *, left: int, arrived: int) -> int:
    if scan.checksum is not None or job.previous is None:
        return scan.checksum or 0
    return checksums.carried(job.previous.checksum_value, left=left, arrived=arrived)


def _has_rows(source: Session, reading: Reading) -> bool:
    return applied.first_value(source, sql.SQL("SELECT EXISTS (SELECT FROM {})").format(reading.relation)) is True
