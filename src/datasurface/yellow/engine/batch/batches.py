"""The batches of a stream in the merge database: every read and every move of their rows.

Each function works in the caller's transaction and commits nothing. The guard of a move sits in its WHERE clause, so of
two racing jobs only one wins.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg2 import sql
from psycopg2.extras import Json

from datasurface.errors import Family, StateError, TransientError
from datasurface.model import codec
from datasurface.yellow.engine import database_errors, queries
from datasurface.yellow.engine.batch import batch_state
from datasurface.yellow.engine.batch.batch_state import BatchRef, BatchState, BatchStatus, DatasetState, Failure
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.difference.delta import Counts
from datasurface.yellow.engine.source.signs import Sign
from datasurface.yellow.plan.platforms import ControlTables

_STATEMENTS: Final = queries.load("batches.sql")


class BatchNotInState(StateError):
    """A batch cannot make a move: somebody else moved it, or it is done."""

    def __init__(self, batch: BatchRef, *, to: BatchStatus) -> None:
        self.batch = batch
        self.to = to
        wanted = ", ".join(batch_state.sources(to))
        super().__init__(
            f"{batch.key} batch {batch.batch_id} cannot become {to}: it is in none of the states {wanted}",
            fix="Look at it with `datasurface status`; another job may have moved it",
        )


class StreamMoved(TransientError):
    """Between a look and its batch the stream came to another batch: its database is another server's now."""

    def __init__(self, batch: BatchRef, *, last_batch_id: int) -> None:
        self.batch = batch
        self.last_batch_id = last_batch_id
        super().__init__(
            f"{batch.key} batch {batch.batch_id} was to follow, but the last committed batch is {last_batch_id}: "
            "a standby of the merge database took over, or another job was at work. Nothing was applied",
            fix="The next run goes on from there",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A stored batch."""

    ref: BatchRef
    status: BatchStatus
    state: BatchState


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What the counter keeps of a look for the next one: the sign of the snapshot that equals the merge tables.

    With `names_recorder` it also keeps the number of the transaction that stores it.
    """

    sign: Sign | None
    names_recorder: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamHistory:
    """Where a stream stands. `committed` is its last committed batch, `unfinished` one that began and did not commit.

    `run_id` and `result` are of the last recorded run. `compared_in_full_at` is when a look last computed every
    checksum. `keeps_marks` is false while the counter is an older release's, which has no room for marks.
    """

    key: str
    committed: Batch | None
    unfinished: Batch | None
    checked_at: datetime | None
    run_id: str | None
    result: dict[str, Any] | None
    sign: Sign | None = None
    compared_in_full_at: datetime | None = None
    keeps_marks: bool = False

    @property
    def next_batch(self) -> BatchRef:
        """The batch that a difference makes, or begins again."""
        return BatchRef(key=self.key, batch_id=1 if self.committed is None else self.committed.ref.batch_id + 1)


class BatchTables:
    """The rows of one stream in `{platform}_batch_counter` and `{platform}_batch_metrics`."""

    def __init__(self, control: ControlTables, schema: str, key: str) -> None:
        self.key = key
        self._places = {
            "counter": sql.Identifier(schema, control.batch_counter),
            "metrics": sql.Identifier(schema, control.batch_metrics),
        }

    def history(self, session: Session) -> StreamHistory:
        """Where the stream stands. Makes its row in the counter at the first call."""
        row = self._run(session, "read_counter")
        if row is None:
            self._run(session, "add_stream")
            row = self._run(session, "read_counter")
        batch_id, checked_at, run_id, result, sign, compared_in_full_at, keeps_marks = row
        return StreamHistory(
            key=self.key,
            committed=self.batch(session, batch_id),
            unfinished=self.batch(session, batch_id + 1),
            checked_at=checked_at,
            run_id=run_id,
            result=result,
            sign=_sign(sign),
            compared_in_full_at=compared_in_full_at,
            keeps_marks=keeps_marks,
        )

    def batch(self, session: Session, batch_id: int) -> Batch | None:
        """One batch, or None."""
        row = self._run(session, "read_batch", batch_id=batch_id)
        if row is None:
            return None
        ref = BatchRef(key=self.key, batch_id=row[0])
        return Batch(ref=ref, status=BatchStatus(row[1]), state=batch_state.from_document(row[2]))

    def start(self, session: Session, batch: BatchRef, state: BatchState, run_id: str | None) -> None:
        """Begin a batch, or begin it again. Raises BatchNotInState if it is committed, StreamMoved if others are."""
        parameters = _move_parameters(batch, BatchStatus.STARTED)
        if self._run(session, "start_batch", **parameters, run_id=run_id, state=_json(state)) is None:
            counter = self._run(session, "read_counter")
            last_batch_id = 0 if counter is None else counter[0]
            if last_batch_id != batch.batch_id - 1:
                raise StreamMoved(batch, last_batch_id=last_batch_id)
            raise BatchNotInState(batch, to=BatchStatus.STARTED)

    def ingest(self, session: Session, batch: BatchRef, state: BatchState) -> None:
        """Say that everything is read and every difference known. Raises BatchNotInState."""
        self._move(session, "advance_batch", batch, BatchStatus.INGESTED, state=_json(state))

    def note(self, session: Session, batch: BatchRef, state: BatchState) -> None:
        """Store the progress of a started batch. Raises BatchNotInState."""
        self._move(session, "advance_batch", batch, BatchStatus.STARTED, state=_json(state))

    def commit(self, session: Session, batch: BatchRef, state: BatchState, counts: Counts) -> None:
        """Close a batch with its counts; the caller's transaction also holds its rows. Raises BatchNotInState."""
        self._move(
            session,
            "commit_batch",
            batch,
            BatchStatus.COMMITTED,
            state=_json(state),
            inserted=counts.inserted,
            updated=counts.updated,
            deleted=counts.deleted,
            total=counts.total,
        )

    def fail(self, session: Session, batch: BatchRef, state: BatchState, run_id: str | None) -> bool:
        """Record a failure, also of a batch that had not begun, and let the run try again; False if it is committed."""
        self.forget_run(session)
        parameters = _move_parameters(batch, BatchStatus.FAILED)
        return self._run(session, "fail_batch", **parameters, run_id=run_id, state=_json(state)) is not None

    def forget_run(self, session: Session) -> None:
        """Let the last recorded run try again: one of its looks went well, a later one failed."""
        self._run(session, "forget_run")

    def forget(self, session: Session, batch: BatchRef) -> None:
        """Take back a batch that did not commit, if there is one: the stream equals its last committed batch."""
        self._run(session, "forget_batch", **_move_parameters(batch, BatchStatus.FAILED))

    def advance_counter(
        self, session: Session, batch: BatchRef, *, checked_at: datetime, run_id: str | None, result: dict[str, Any]
    ) -> None:
        """Make the batch the last committed one. Raises BatchNotInState if its predecessor is not.

        Its mark is to be recorded in the same transaction: an older one is of another state.
        """
        parameters = {"batch_id": batch.batch_id, "checked_at": checked_at, "run_id": run_id, "result": Json(result)}
        if self._run(session, "advance_counter", **parameters) is None:
            raise BatchNotInState(batch, to=BatchStatus.COMMITTED)

    def record_look(
        self,
        session: Session,
        *,
        checked_at: datetime,
        run_id: str | None,
        result: dict[str, Any],
    ) -> None:
        """Say that the stream was looked at and nothing had changed."""
        self._run(session, "record_look", checked_at=checked_at, run_id=run_id, result=Json(result))

    def record_mark(self, session: Session, mark: Mark | None, compared_in_full_at: datetime | None) -> None:
        """Keep what a look found for the next one, in the transaction that records the look or commits its batch.

        `mark` None: the counter has no room for marks. `compared_in_full_at` None: it stays what it was.
        """
        if mark is None:
            return
        self._run(
            session,
            "record_named_mark" if mark.names_recorder else "record_mark",
            sign=None if mark.sign is None else Json(codec.encode(mark.sign)),
            compared_in_full_at=compared_in_full_at,
        )

    def record_full_comparison(self, session: Session, batch: BatchRef, compared_at: datetime) -> None:
        """Note in a committed batch when it was last compared in full with the source."""
        self._run(
            session,
            "record_full_comparison",
            batch_id=batch.batch_id,
            compared_at=compared_at.isoformat(),
            sources=[BatchStatus.COMMITTED.value],
        )

    def _move(self, session: Session, statement: str, batch: BatchRef, to: BatchStatus, **parameters: Any) -> None:
        if self._run(session, statement, **_move_parameters(batch, to), **parameters) is None:
            raise BatchNotInState(batch, to=to)

    def _run(self, session: Session, statement: str, **parameters: Any) -> Any:
        with (
            database_errors.reporting(f"{statement.replace('_', ' ')} of {self.key}"),
            session.raw.cursor() as cursor,
        ):
            cursor.execute(_STATEMENTS[statement].format(**self._places), {"key": self.key, **parameters})
            return cursor.fetchone() if cursor.description else None


def wrong_record(committed: Batch, found: Mapping[str, DatasetState]) -> str | None:
    """Hold what a batch recorded against what was computed from every row; say what is wrong, or None.

    So it is where a stranger changed a merge table and a look that carried the checksum repaired it.
    """
    for name, state in found.items():
        recorded = committed.state.datasets.get(name)
        if recorded is None or tuple(recorded.columns) != tuple(state.columns):
            continue
        if (recorded.checksum, recorded.rows) != (state.checksum, state.rows):
            last = committed.ref.batch_id
            return f"{name}: batch {last} recorded a wrong checksum; this batch records the true one"
    return None


def server_time(session: Session) -> datetime:
    """The time of the merge database's clock."""
    with session.raw.cursor() as cursor:
        cursor.execute(_STATEMENTS["snapshot_time"])
        row = cursor.fetchone()
    if row is None:
        raise RuntimeError("SELECT without FROM returns one row")
    at: datetime = row[0]
    return at


def failure(family: Family | None, message: str) -> Failure:
    """What is stored of an error; its text holds no value and no secret, as every message of ours."""
    return Failure(family=family, message=message[:2000])


def _sign(document: object) -> Sign | None:
    """The stored sign; one that this release cannot read says nothing."""
    try:
        return None if document is None else codec.decode(Sign, document)
    except codec.InvalidDocument:
        return None


def _json(state: BatchState) -> Json:
    return Json(batch_state.to_document(state))


def _move_parameters(batch: BatchRef, to: BatchStatus) -> dict[str, Any]:
    return {"batch_id": batch.batch_id, "to": to.value, "sources": batch_state.sources(to)}
