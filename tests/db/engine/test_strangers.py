"""Full comparisons, and strangers at the merge tables: what is put right, what is refused, who waits for whom."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg2 import sql

from datasurface.errors import StateError, TransientError
from datasurface.yellow.engine.batch import merge_batch
from datasurface.yellow.engine.batch.batch_state import BatchStatus
from datasurface.yellow.engine.batch.crash_points import CrashPoint
from tests.db.engine.run_situations import at
from tests.db.streams import Stream, column, plan, table

ITEMS = table("items", column("id", "integer", is_key=True), column("v"))
MAKE = ("CREATE TABLE items (id integer PRIMARY KEY, v text)", "INSERT INTO items VALUES (1, 'a'), (2, 'b'), (3, 'c')")
CHANGE = "UPDATE items SET v = v || 'x' WHERE id = 1"


def of_both(deployed: Any, strategy: Any) -> Stream:
    stream: Stream = deployed(plan(strategy, ITEMS), *MAKE)
    stream.run()
    return stream


@pytest.mark.row("I10")
def test_full_look_confirms_what_is_recorded_and_says_when(deployed, strategy):
    """Rows and checksums computed anew are those of the last batch; the time of it is kept with the batch."""
    stream = of_both(deployed, strategy)
    stream.source(CHANGE, "INSERT INTO items VALUES (4, 'd')", "DELETE FROM items WHERE id = 2")
    stream.run()
    assert stream.batch(2)["state"].get("compared_in_full_at") is None
    before = datetime.now(UTC) - timedelta(seconds=1)

    assert stream.run(in_full=True).outcome == "unchanged"

    assert datetime.fromisoformat(stream.batch(2)["state"]["compared_in_full_at"]) > before
    assert stream.batch(2)["batch_status"] == BatchStatus.COMMITTED


@pytest.mark.row("I10", kind="refusal")
@pytest.mark.parametrize("shuffled", [False, True], ids=["in order", "in another order, staged"])
@pytest.mark.parametrize("planted", ["checksum", "rows"])
def test_full_look_finds_a_record_that_is_wrong(deployed, strategy, planted, shuffled):
    """Source and merge table are equal, the record is not: an ordinary look passes, a full one records the truth."""
    stream = of_both(deployed, strategy)
    true = stream.batch(1)["state"]["datasets"]
    _plant(stream, planted)
    if shuffled:
        stream.source("CREATE TABLE old AS SELECT * FROM items", "TRUNCATE items")
        stream.source("INSERT INTO items SELECT * FROM old ORDER BY id DESC")
    options = {"difference_bytes": 0} if shuffled else {}
    assert stream.run(**options).outcome == "unchanged"

    result = stream.run(in_full=True, **options)

    assert (result.batch_id, result.inserted, result.updated, result.deleted, result.total) == (2, 0, 0, 0, 3)
    assert "items: batch 1 recorded a wrong checksum" in result.message
    assert stream.batch(2)["state"]["datasets"] == true
    assert stream.run(in_full=True, **options).outcome == "unchanged"


@pytest.mark.parametrize("difference_bytes", [1 << 20, 0], ids=["streamed", "staged"])
@pytest.mark.row("I14")
def test_row_that_somebody_changed_in_the_merge_table_is_put_right(deployed, strategy, difference_bytes):
    """The merge table is compared, not only the source: the next look makes a batch that undoes it."""
    stream = of_both(deployed, strategy)
    stream.execute(sql.SQL("UPDATE {} SET v = 'stranger' WHERE id = 1").format(stream.tables().merge))
    stream.execute(sql.SQL("DELETE FROM {} WHERE id = 2").format(stream.tables().merge))

    result = stream.run(difference_bytes=difference_bytes)

    assert (result.batch_id, result.inserted, result.updated, result.deleted, result.total) == (2, 1, 1, 0, 3)
    assert stream.rows() == [(1, "a"), (2, "b"), (3, "c")]


@pytest.mark.row("I14")
def test_row_without_a_key_that_somebody_changed_is_put_right(deployed, strategy):
    """What a row holds decides, not the hash that was stored beside it."""
    stream = deployed(plan(strategy, table("items", column("v"))), *MAKE)
    stream.run()
    stream.execute(sql.SQL("UPDATE {} SET v = 'stranger' WHERE v = 'a'").format(stream.tables().merge))
    stream.execute(sql.SQL("DELETE FROM {} WHERE v = 'b'").format(stream.tables().merge))

    result = stream.run()

    assert (result.batch_id, result.inserted, result.deleted, result.total) == (2, 2, 1, 3)
    assert stream.rows() == [("a",), ("b",), ("c",)]
    assert stream.run().outcome == "unchanged"


@pytest.mark.row("I14", kind="refusal")
@pytest.mark.parametrize(
    "deed", ["UPDATE {} SET id = 9 WHERE id = 1", "DELETE FROM {} WHERE id = 1"], ids=["moved", "gone"]
)
def test_row_that_somebody_takes_between_comparison_and_apply_fails_the_batch(deployed, strategy, deed):
    """The counts do not fit: nothing is applied, the error says so, and the next run puts everything right."""
    stream = of_both(deployed, strategy)
    stream.source(CHANGE, "INSERT INTO items VALUES (4, 'd')")

    deeds = at(CrashPoint.BEFORE_STARTED, lambda: stream.execute(sql.SQL(deed).format(stream.tables().merge)))
    with deeds, pytest.raises(StateError, match="somebody else writes to the merge table"):
        stream.run()

    assert stream.batch(2)["batch_status"] == BatchStatus.FAILED
    assert (4, "d") not in stream.rows()
    assert stream.run().batch_id == 2
    assert stream.rows() == [(1, "ax"), (2, "b"), (3, "c"), (4, "d")]


def test_row_that_somebody_adds_between_comparison_and_apply_goes_with_the_next_look(deployed, strategy):
    """It is none of the batch's keys: the batch commits, and the next one removes it."""
    stream = of_both(deployed, strategy)
    stream.source(CHANGE)
    columns = ", ".join(["id", "v", *stream.tables().batch_columns])
    values = "9, 'stranger', 1, 2147483647" if stream.is_forensic else "9, 'stranger', 1"
    adding = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(stream.tables().merge, sql.SQL(columns), sql.SQL(values))

    with at(CrashPoint.BEFORE_STARTED, lambda: stream.execute(adding)):
        assert stream.run().batch_id == 2

    result = stream.run()
    assert (result.batch_id, result.deleted) == (3, 1)
    assert stream.rows() == [(1, "ax"), (2, "b"), (3, "c")]


def test_merge_table_that_somebody_locks_is_transient_and_the_batch_goes_on(deployed, strategy, monkeypatch):
    """A lock is not waited for without end; the failed batch is visible, and made by the next run."""
    stream = of_both(deployed, strategy)
    monkeypatch.setattr(merge_batch, "_LOCK_TIMEOUT", "100ms")
    stream.source(CHANGE)
    with stream.installation.session("admin") as stranger, stranger.raw.cursor() as cursor:
        cursor.execute(sql.SQL("LOCK TABLE {} IN ROW EXCLUSIVE MODE").format(stream.tables().merge))
        with pytest.raises(TransientError, match="55P03"):
            stream.run()

    assert stream.batch(2)["batch_status"] == BatchStatus.FAILED
    assert stream.batch(2)["state"]["failure"]["family"] == "transient"
    assert stream.run().batch_id == 2


def test_readers_go_on_while_a_batch_is_applied(deployed, strategy):
    """A consumer reads the last batch until the next one is committed, and waits for nothing."""
    stream = of_both(deployed, strategy)
    before = stream.rows()
    stream.source(CHANGE, "DELETE FROM items WHERE id = 3")
    seen: list[Any] = []

    with at(CrashPoint.BEFORE_COMMIT, lambda: seen.append(stream.rows())):
        stream.run()

    assert seen == [before]
    assert stream.rows() == [(1, "ax"), (2, "b")]


def _plant(stream: Stream, planted: str) -> None:
    """Put another checksum or number of rows into the record of batch 1."""
    value = sql.Literal('"' + "0" * 32 + '"' if planted == "checksum" else "4")
    stream.execute(
        sql.SQL("UPDATE {} SET state = jsonb_set(state, ARRAY['datasets', 'items', {}], {}::jsonb)").format(
            sql.Identifier("public", stream.plan.control.batch_metrics), sql.Literal(planted), value
        )
    )
