"""The moves of a batch on a real server: an allowed one is made, another one raises and changes nothing."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psycopg2.errors
import pytest

from datasurface.yellow.engine.batch import batch_state
from datasurface.yellow.engine.batch.batch_state import MOVES, BatchRef, BatchStatus
from datasurface.yellow.engine.batch.batches import BatchNotInState, BatchTables, StreamMoved
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.difference.delta import Counts
from tests.db.engine.conftest import LIVE
from tests.db.streams import SCHEMA, Stream, column, plan, table

COUNTS = Counts(inserted=4, updated=3, deleted=1, total=198)
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

Move = Callable[[BatchTables, Session, BatchRef], object]
#: By target: how a batch gets there.
STEPS: dict[BatchStatus, Move] = {
    BatchStatus.STARTED: lambda tables, session, batch: tables.start(session, batch, state(), "run-2"),
    BatchStatus.INGESTED: lambda tables, session, batch: tables.ingest(session, batch, state("ingested")),
    BatchStatus.COMMITTED: lambda tables, session, batch: tables.commit(session, batch, state("committed"), COUNTS),
}
#: By status: how a new batch comes to be in it.
WAYS: dict[BatchStatus, tuple[BatchStatus, ...]] = {
    BatchStatus.STARTED: (BatchStatus.STARTED,),
    BatchStatus.INGESTED: (BatchStatus.STARTED, BatchStatus.INGESTED),
    BatchStatus.COMMITTED: (BatchStatus.STARTED, BatchStatus.INGESTED, BatchStatus.COMMITTED),
}


def state(schema_hash: str = "started") -> batch_state.BatchState:
    return batch_state.BatchState(schema_hash=schema_hash)


@pytest.fixture
def stream(deployed) -> Stream:
    """A stream that never ran."""
    return deployed(plan(LIVE, table("items", column("id", is_key=True))), "CREATE TABLE items (id text)")


@pytest.fixture
def tables(stream) -> BatchTables:
    return BatchTables(stream.plan.control, SCHEMA, stream.plan.stream_key)


@pytest.fixture
def session(stream) -> Session:
    return stream.installation.session("job")


def in_status(tables: BatchTables, session: Session, status: BatchStatus, batch_id: int = 1) -> BatchRef:
    """A batch that was brought into a status."""
    batch = BatchRef(key=tables.key, batch_id=batch_id)
    if status is BatchStatus.FAILED:
        tables.fail(session, batch, state("failed"), "run-1")
    for step in WAYS.get(status, ()):
        STEPS[step](tables, session, batch)
    session.commit()
    return batch


def stored(stream: Stream, batch_id: int = 1) -> dict[str, Any] | None:
    return stream.batch(batch_id)


ALLOWED = [(status, to) for status in BatchStatus for to in STEPS if to in MOVES[status]]
FORBIDDEN = [(status, to) for status in BatchStatus for to in STEPS if to not in MOVES[status]]


@pytest.mark.row("I12")
@pytest.mark.parametrize(("status", "to"), ALLOWED)
def test_allowed_move_is_made(stream, tables, session, status, to):
    """The status and the state are the new ones; a batch that begins again keeps its id."""
    batch = in_status(tables, session, status)

    STEPS[to](tables, session, batch)
    session.commit()

    assert (stored(stream)["batch_status"], stored(stream)["state"]["schema_hash"]) == (to, to.value)
    assert (stored(stream)["batch_end_time"] is None) == (to is not BatchStatus.COMMITTED)


@pytest.mark.row("I12", kind="refusal")
@pytest.mark.parametrize(("status", "to"), FORBIDDEN)
def test_forbidden_move_raises_and_changes_nothing(stream, tables, session, status, to):
    """The guard is in the statement, so the row is as it was, whatever the caller believed."""
    batch = in_status(tables, session, status)
    before = stored(stream)

    with pytest.raises(BatchNotInState, match=f"Store1 batch 1 cannot become {to}"):
        STEPS[to](tables, session, batch)
    session.commit()

    assert stored(stream) == before


@pytest.mark.row("I12", kind="refusal")
@pytest.mark.parametrize("to", list(STEPS)[1:])
def test_batch_that_never_began_cannot_move(stream, tables, session, to):
    """Nothing is ingested or committed that was not started."""
    with pytest.raises(BatchNotInState):
        STEPS[to](tables, session, BatchRef(key=tables.key, batch_id=1))

    assert stored(stream) is None


@pytest.mark.parametrize("status", [BatchStatus.STARTED, BatchStatus.INGESTED, BatchStatus.FAILED])
def test_failure_is_recorded_and_what_the_batch_left_stays_known(stream, tables, session, status):
    """The reason goes into the state beside what is staged there; the run may try again."""
    batch = in_status(tables, session, status)

    assert tables.fail(session, batch, batch_state.BatchState(schema_hash="x", failure=_failure()), "run-9")
    session.commit()

    found = stored(stream)
    assert (found["batch_status"], found["run_id"]) == (BatchStatus.FAILED, "run-9")
    assert found["state"]["failure"] == {"family": None, "message": "why"}
    assert found["state"]["schema_hash"] == status.value
    assert found["batch_end_time"] is not None


def test_batch_that_never_began_can_fail(stream, tables, session):
    """A source that is missing fails the batch that would have been."""
    assert tables.fail(session, BatchRef(key=tables.key, batch_id=1), state("failed"), None)
    session.commit()

    assert stored(stream)["batch_status"] == BatchStatus.FAILED


@pytest.mark.row("I12", kind="refusal")
def test_committed_batch_neither_fails_nor_is_forgotten(stream, tables, session):
    """A failure that comes after the commit is none of the batch."""
    batch = in_status(tables, session, BatchStatus.COMMITTED)
    before = stored(stream)

    assert not tables.fail(session, batch, state("failed"), "run-9")
    tables.forget(session, batch)
    session.commit()

    assert stored(stream) == before


def test_committed_batch_has_its_counts(stream, tables, session):
    """As the table's own constraint wants them."""
    in_status(tables, session, BatchStatus.COMMITTED)

    found = stored(stream)
    counts = [found[name] for name in ("records_inserted", "records_updated", "records_deleted", "total_records")]
    assert counts == [4, 3, 1, 198]


def test_counter_follows_its_batches_one_by_one(stream, tables, session):
    """No batch is the last one whose predecessor was not."""
    tables.history(session)
    for batch_id in (1, 2):
        tables.advance_counter(
            session, BatchRef(key=tables.key, batch_id=batch_id), checked_at=NOW, run_id=None, result={}
        )
    session.commit()

    for batch_id in (2, 4, 1):
        batch = BatchRef(key=tables.key, batch_id=batch_id)
        with pytest.raises(BatchNotInState):
            tables.advance_counter(session, batch, checked_at=NOW, run_id=None, result={})

    assert stream.counter()["batch_id"] == 2


@pytest.mark.row("I01", kind="refusal")
def test_second_unfinished_batch_of_a_stream_is_refused_by_the_table(stream, tables, session):
    """Batches are serial whoever writes them: the index knows, not only the code."""
    in_status(tables, session, BatchStatus.STARTED)

    with pytest.raises(Exception, match="23505 unique_violation") as caught:
        in_status(tables, session, BatchStatus.FAILED, batch_id=2)

    assert not isinstance(caught.value, psycopg2.errors.UniqueViolation)


def test_history_says_where_a_stream_stands(stream, tables, session):
    """The last committed batch, the unfinished one, and the id that comes next."""
    assert (tables.history(session).committed, tables.history(session).next_batch.batch_id) == (None, 1)
    in_status(tables, session, BatchStatus.COMMITTED)
    tables.advance_counter(
        session, BatchRef(key=tables.key, batch_id=1), checked_at=NOW, run_id="run-1", result={"rc": 0}
    )
    in_status(tables, session, BatchStatus.FAILED, batch_id=2)

    history = tables.history(session)

    assert (history.committed.ref.batch_id, history.committed.status) == (1, BatchStatus.COMMITTED)
    assert (history.unfinished.ref.batch_id, history.unfinished.status) == (2, BatchStatus.FAILED)
    assert (history.next_batch.batch_id, history.checked_at) == (2, NOW)


def _failure() -> batch_state.Failure:
    return batch_state.Failure(family=None, message="why")


@pytest.mark.row("I14", kind="refusal")
def test_batch_that_does_not_follow_the_last_committed_one_is_not_begun(stream, tables, session):
    """A job whose merge database went back, as when a standby took over, leaves no batch that nobody finishes."""
    stream.source("INSERT INTO items VALUES ('a')")
    stream.run()

    with pytest.raises(StreamMoved, match="batch 3 was to follow, but the last committed batch is 1"):
        tables.start(session, BatchRef(key=tables.key, batch_id=3), state(), "run-2")
    session.commit()

    assert stored(stream, 3) is None
    stream.source("INSERT INTO items VALUES ('b')")
    assert stream.run().batch_id == 2
