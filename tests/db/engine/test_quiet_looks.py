"""What a look costs and leaves behind: without a change next to nothing, and never a lock, a session or a table."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from datasurface.errors import DatasurfaceError
from datasurface.yellow.engine.batch import run
from tests.db.streams import Stream, column, plan, table

KEYED = table("keyed", column("id", "integer", is_key=True), column("v"))
COUNTED = table("counted", column("v"))
MAKE = (
    "CREATE TABLE keyed (id integer PRIMARY KEY, v text)",
    "CREATE TABLE counted (v text)",
    "INSERT INTO keyed SELECT n, repeat('x', 100) FROM generate_series(1, 2000) AS n",
    "INSERT INTO counted SELECT 'row ' || n % 100 FROM generate_series(1, 1000) AS n",
)
CHANGE = ("UPDATE keyed SET v = v || 'y' WHERE id % 10 = 0", "DELETE FROM counted WHERE v = 'row 7'")


@pytest.fixture
def stream(deployed, strategy) -> Stream:
    """A stream of 3,000 rows, loaded and changed once."""
    stream = deployed(plan(strategy, KEYED, COUNTED, look_interval_seconds=0), *MAKE)
    stream.run()
    stream.source(*CHANGE)
    stream.run()
    return stream


def test_look_without_a_change_writes_a_row_of_the_counter_and_nothing_else(stream):
    """Under 10 kB of write-ahead log, of which others may write too, and no row version but in the counter."""
    stream.run()
    before = _versions(stream)
    written: list[int] = []
    while min(written, default=10_000) >= 10_000 and len(written) < 20:
        start = _log_position(stream)
        assert stream.run().outcome == "unchanged"
        written.append(_log_position(stream) - start)

    assert min(written) < 10_000
    after = _versions(stream)
    assert {name for name in after if after[name] != before[name]} == {stream.plan.control.batch_counter}
    assert len(after[stream.plan.control.batch_counter]) == 1


@pytest.mark.parametrize("difference_bytes", [1 << 20, 0], ids=["streamed", "staged"])
def test_sessions_of_a_run_are_clean_between_its_looks(stream, difference_bytes):
    """After a batch the one session that is left is idle and holds the run's lock; the source's is closed."""
    found: list[tuple[Any, ...]] = []

    def watch(*_: object) -> None:
        found.append((_sessions(stream), _locks(stream), _temporary_tables(stream)))

    for change in (CHANGE[:1], (), ("DELETE FROM keyed WHERE id < 100",)):
        stream.source(*change)
        run.run(stream.request(difference_bytes=difference_bytes, run_id="run-1"), stream.links, watch)
        stream.execute(_forget(stream))

    merge = stream.installation.endpoint("merge").database
    expected = ([(merge, "idle")], ["advisory", "advisory"], 0)
    assert found == [expected] * 3


def test_nothing_is_left_after_a_run(stream):
    """Neither a session nor a lock nor a table, in the merge database or in the source."""
    stream.source(*CHANGE)
    stream.run()

    _soon(lambda: (_sessions(stream), _locks(stream), _temporary_tables(stream)) == ([], [], 0))


@pytest.mark.parametrize("difference_bytes", [1 << 20, 0], ids=["streamed", "staged"])
def test_nothing_is_left_after_a_run_that_failed(stream, difference_bytes):
    """A batch that fails while it is applied lets go of everything, and leaves the rows of the last one."""
    before = stream.rows("keyed"), stream.rows("counted")
    stream.source("ALTER TABLE keyed DROP CONSTRAINT keyed_pkey", "UPDATE keyed SET v = 'other'")
    stream.source("INSERT INTO keyed VALUES (7, 'again')", "DELETE FROM counted WHERE v = 'row 8'")

    with pytest.raises(DatasurfaceError):
        stream.run(difference_bytes=difference_bytes)

    assert (stream.rows("keyed"), stream.rows("counted")) == before
    _soon(lambda: (_sessions(stream), _locks(stream), _temporary_tables(stream)) == ([], [], 0))


def _forget(stream: Stream) -> Any:
    from psycopg2 import sql

    return sql.SQL("UPDATE {} SET run_id = NULL").format(sql.Identifier("public", stream.plan.control.batch_counter))


def _log_position(stream: Stream) -> int:
    (row,) = stream.query("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn AS bytes")
    return int(row["bytes"])


def _versions(stream: Stream) -> dict[str, set[str]]:
    """By table of the stream: every row version that is there, as the transaction that wrote it and its place."""
    control = stream.plan.control
    tables = [control.batch_counter, control.batch_metrics]
    tables += [name for each in stream.plan.tables for name in (each.merge_table, each.staging_table)]
    return {
        name: {
            row["version"] for row in stream.query("SELECT xmin::text || ' ' || ctid::text AS version FROM {}", name)
        }
        for name in tables
    }


def _sessions(stream: Stream) -> list[tuple[str, str]]:
    """Database and state of the job's sessions."""
    return [
        (row["datname"], row["state"])
        for row in stream.query(
            "SELECT datname::text, state FROM pg_stat_activity"
            " WHERE application_name = 'test job' AND datname = ANY (%s) ORDER BY 1, 2",
            parameters=[[stream.installation.endpoint(each).database for each in ("merge", "source")]],
        )
    ]


def _locks(stream: Stream) -> list[str]:
    """The kinds of locks that the job's sessions hold, their own transactions' numbers apart."""
    return [
        row["locktype"]
        for row in stream.query(
            "SELECT l.locktype FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)"
            " WHERE a.application_name = 'test job' AND a.datname = ANY (%s) AND l.locktype <> 'virtualxid'",
            parameters=[[stream.installation.endpoint(each).database for each in ("merge", "source")]],
        )
    ]


def _temporary_tables(stream: Stream) -> int:
    (row,) = stream.query("SELECT count(*) AS tables FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'")
    return int(row["tables"])


def _soon(holds: Callable[[], bool]) -> None:
    """The server notices a moment later that a session was closed."""
    deadline = time.monotonic() + 10
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert holds()
