"""What is stored of a batch: its status, the moves between them, and its state as JSON. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from datasurface.errors import Family
from datasurface.model import codec
from datasurface.yellow.engine.difference import checksums
from datasurface.yellow.plan.streams import StreamPlan
from datasurface.yellow.plan.tables import TablePlan


class BatchStatus(StrEnum):
    """Where a batch is."""

    STARTED = "started"
    INGESTED = "ingested"
    COMMITTED = "committed"
    FAILED = "failed"


#: From each status, where a batch can go. A batch that did not commit is begun again under the same id.
MOVES: Final[Mapping[BatchStatus, frozenset[BatchStatus]]] = {
    BatchStatus.STARTED: frozenset({BatchStatus.STARTED, BatchStatus.INGESTED, BatchStatus.FAILED}),
    BatchStatus.INGESTED: frozenset({BatchStatus.STARTED, BatchStatus.COMMITTED, BatchStatus.FAILED}),
    BatchStatus.FAILED: frozenset({BatchStatus.STARTED, BatchStatus.FAILED}),
    BatchStatus.COMMITTED: frozenset(),
}


def sources(to: BatchStatus) -> list[str]:
    """The statuses from which a batch can become `to`."""
    return [status.value for status, targets in MOVES.items() if to in targets]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRef:
    """Which batch: the stream's key and the batch's id."""

    key: str
    batch_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnState:
    """A column as a batch saw it; `sql_type` as PostgreSQL spells it."""

    name: str
    sql_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetState:
    """A dataset as of a batch: its rows and their checksum, of lines of `columns` in that order."""

    rows: int
    checksum: str
    columns: Sequence[ColumnState]
    key: Sequence[str]
    algorithm: str = checksums.ALGORITHM

    @property
    def checksum_value(self) -> int:
        """The checksum as a number."""
        return checksums.from_text(self.checksum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a batch failed; `family` None: nobody foresaw it."""

    family: Family | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchState:
    """What column `state` holds.

    `done` are the datasets whose difference is known, `staged` those whose rows lie in a committed staging table: only
    then has a batch that did not commit left anything behind. `compared_in_full_at` is the time (ISO 8601) of the last
    comparison of every row and checksum with the source.
    """

    schema_hash: str
    columns: Mapping[str, Sequence[ColumnState]] = field(default_factory=dict)
    done: Sequence[str] = ()
    staged: Sequence[str] = ()
    datasets: Mapping[str, DatasetState] = field(default_factory=dict)
    failure: Failure | None = None
    compared_in_full_at: str | None = None
    v: int = 1


def initial_state(stream: StreamPlan) -> BatchState:
    """The state of a batch that begins: the schema it begins under, and nothing done."""
    return BatchState(
        schema_hash=stream.schema_hash, columns={table.dataset: column_states(table) for table in stream.tables}
    )


def column_states(table: TablePlan) -> tuple[ColumnState, ...]:
    """The columns of a dataset in the order in which its lines are read."""
    return tuple(ColumnState(name=column.name, sql_type=column.sql_type) for column in table.wire_columns)


def dataset_state(table: TablePlan, *, rows: int, checksum: int) -> DatasetState:
    """What a batch stores of a dataset."""
    return DatasetState(
        rows=rows, checksum=checksums.as_text(checksum), columns=column_states(table), key=tuple(table.key)
    )


def from_document(document: object) -> BatchState:
    """The state that `to_document` wrote. Raises codec.InvalidDocument for anything else."""
    return codec.decode(BatchState, document)


def to_document(state: BatchState) -> dict[str, object]:
    """The JSON form of a state."""
    document: dict[str, object] = codec.encode(state)
    return document
