"""Computes again, from a merge table, what batches recorded of a dataset: rows and checksum as of each of them.

A live table is read once, as it is now. A forensic one is read once per run of batches that recorded the same columns:
every version is added to the batch that opened it and taken off after the one that it ended with, so that all batches
of a run are told from one pass, in memory that grows with the batches and not with the rows.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg2
from psycopg2 import sql

from datasurface.errors import StateError
from datasurface.model import codec
from datasurface.yellow.engine import copy, queries, sql_types
from datasurface.yellow.engine.batch import applied, merge_lines, staging
from datasurface.yellow.engine.batch.batch_state import ColumnState
from datasurface.yellow.engine.columns import ColumnFact
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.difference import checksums
from datasurface.yellow.plan.tables import OPEN_BATCH, TablePlan

_STATEMENTS: Final = queries.load("audit.sql")
_ROWS_PER_FETCH: Final = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """In which form batches recorded a dataset."""

    columns: Sequence[ColumnState]
    key: Sequence[str]
    algorithm: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeRun:
    """Batches `first` to `last`, which recorded a dataset in one shape."""

    first: int
    last: int
    shape: Shape

    def __str__(self) -> str:
        return f"batch {self.first}" if self.first == self.last else f"batches {self.first} to {self.last}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedTable:
    """A dataset's merge table as it is now. `columns` are empty where the table is not there.

    `plan` is None where the stream no longer has the dataset.
    """

    dataset: str
    merge: sql.Identifier
    is_forensic: bool
    columns: Mapping[str, ColumnFact]
    plan: TablePlan | None

    @property
    def exists(self) -> bool:
        """Whether the merge table is there."""
        return bool(self.columns)

    def missing(self, columns: Iterable[ColumnState]) -> tuple[str, ...]:
        """Which of these columns the merge table no longer has."""
        return tuple(column.name for column in columns if column.name not in self.columns)

    def is_planned(self, column: str) -> bool:
        """Whether the plan still has a column, which then has to be there."""
        return self.plan is not None and any(column == each.name for each in self.plan.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Where a stream's recorded batches are."""

    key: str
    metrics: sql.Identifier
    counter: sql.Identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """Batches of a run that recorded something else than the table gives: the first one's rows, and how many."""

    first: int
    last: int
    batches: int
    recorded_rows: int
    found_rows: int

    def __str__(self) -> str:
        more = "" if self.batches == 1 else f" (and {self.batches - 1} more up to batch {self.last})"
        if self.recorded_rows != self.found_rows:
            return (
                f"batch {self.first} recorded {self.recorded_rows} rows, the merge table gives {self.found_rows}{more}"
            )
        return f"batch {self.first} recorded other values than the merge table gives, in {self.found_rows} rows{more}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recomputed:
    """What a run gave: rows as of its last batch, and what differs."""

    rows: int
    mismatch: Mismatch | None


class NotComparable(Exception):
    """A stored value cannot be cast to the type that the batch recorded; only the SQLSTATE is told."""


def runs(session: Session, ledger: Ledger, dataset: str, *, first: int, last: int) -> tuple[ShapeRun, ...]:
    """The runs of batches that recorded the dataset, in order; batches without it lie between them."""
    parameters = {"key": ledger.key, "dataset": dataset, "first": first, "last": last}
    with session.raw.cursor() as cursor:
        cursor.execute(_STATEMENTS["read_shapes"].format(metrics=ledger.metrics), parameters)
        rows = cursor.fetchall()
    return tuple(
        ShapeRun(first=begin, last=end, shape=_shape(document, ledger)) for begin, end, document in rows if document
    )


def recomputed(session: Session, ledger: Ledger, table: AuditedTable, run: ShapeRun) -> Recomputed:
    """Compute the run's batches again and compare. Raises NotComparable; the transaction then goes on."""
    applied.run(session, sql.SQL("SAVEPOINT ds_lines"))
    try:
        history = _History(_summed(session, table, run))
    except psycopg2.DataError as error:
        applied.run(session, sql.SQL("ROLLBACK TO SAVEPOINT ds_lines"))
        raise NotComparable(str(error.pgcode)) from None
    wrong: list[tuple[int, int, int]] = []
    for batch_id, rows, checksum in _recorded(session, ledger, table.dataset, run):
        history.advance(batch_id)
        if (rows, checksum) != (history.rows, checksums.as_text(history.checksum)):
            wrong.append((batch_id, rows, history.rows))
    return Recomputed(rows=history.rows, mismatch=_mismatch(wrong))


@dataclass(slots=True)
class _Sum:
    """Lines that are valid from a batch on, or until one: how many, and the sum of their checksums."""

    rows: int = 0
    checksum: int = 0

    def add(self, lines: Sequence[bytes]) -> None:
        self.rows += len(lines)
        self.checksum = (self.checksum + checksums.of_lines(lines)) % checksums.MODULUS


_Sums = tuple[Mapping[int, _Sum], Mapping[int, _Sum]]


class _History:
    """Rows and checksum of a table, batch after batch."""

    def __init__(self, sums: _Sums) -> None:
        opened, closed = sums
        self._opened = sorted(opened.items(), key=lambda item: item[0], reverse=True)
        self._closed = sorted(closed.items(), key=lambda item: item[0], reverse=True)
        self.rows = 0
        self.checksum = 0

    def advance(self, batch_id: int) -> None:
        """Go on to a later batch."""
        while self._opened and self._opened[-1][0] <= batch_id:
            self._take(self._opened.pop()[1], 1)
        while self._closed and self._closed[-1][0] < batch_id:
            self._take(self._closed.pop()[1], -1)

    def _take(self, change: _Sum, sign: int) -> None:
        self.rows += sign * change.rows
        self.checksum = (self.checksum + sign * change.checksum) % checksums.MODULUS


def _summed(session: Session, table: AuditedTable, run: ShapeRun) -> _Sums:
    """Read the table once: the sums of the lines by the batch that opened them and by the last one they are of."""
    statement = _STATEMENTS["version_lines" if table.is_forensic else "live_lines"].format(
        columns=_columns(run.shape.columns),
        merge=table.merge,
        first=sql.Literal(run.first),
        last=sql.Literal(run.last),
    )
    with copy.RowsOut(session.raw, copy.copy_out(statement)) as blocks:
        if table.is_forensic:
            return _versions_summed(blocks)
        lines = staging.SummedLines(blocks)
        for _ in lines:
            pass
    return {run.first: _Sum(lines.rows, lines.checksum)}, {}


def _versions_summed(blocks: Iterable[bytes]) -> _Sums:
    opened: defaultdict[int, _Sum] = defaultdict(_Sum)
    closed: defaultdict[int, _Sum] = defaultdict(_Sum)
    for block in merge_lines.whole_lines(blocks):
        alike: defaultdict[tuple[bytes, bytes], list[bytes]] = defaultdict(list)
        for line in block.split(b"\n")[:-1]:
            begin, end, values = line.split(b"\t", 2)
            alike[begin, end].append(values)
        for (begin, end), lines in alike.items():
            opened[int(begin)].add(lines)
            if int(end) != OPEN_BATCH:
                closed[int(end)].add(lines)
    return opened, closed


def _columns(columns: Iterable[ColumnState]) -> sql.Composed:
    return sql.SQL(", ").join(
        sql.SQL("{}::{}").format(sql.Identifier("m", column.name), sql_types.of_plan(column.sql_type))
        for column in columns
    )


def _recorded(session: Session, ledger: Ledger, dataset: str, run: ShapeRun) -> Iterator[tuple[int, int, str]]:
    parameters = {"key": ledger.key, "dataset": dataset, "first": run.first, "last": run.last}
    with session.raw.cursor(name="ds_recorded") as cursor:
        cursor.itersize = _ROWS_PER_FETCH
        cursor.execute(_STATEMENTS["read_recorded"].format(metrics=ledger.metrics), parameters)
        yield from cursor


def _mismatch(wrong: Sequence[tuple[int, int, int]]) -> Mismatch | None:
    if not wrong:
        return None
    first, recorded_rows, found_rows = wrong[0]
    return Mismatch(
        first=first,
        last=wrong[-1][0],
        batches=len(wrong),
        recorded_rows=recorded_rows,
        found_rows=found_rows,
    )


def _shape(document: Any, ledger: Ledger) -> Shape:
    try:
        return codec.decode(Shape, document)
    except codec.InvalidDocument as error:
        raise StateError(
            f"{ledger.key}: a batch recorded its datasets in a form that this version cannot read: {error}"
        ) from None
