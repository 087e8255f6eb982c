"""Looks that read no table because nothing was written: when they are made, and that every write ends them."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from psycopg2 import sql
from psycopg2.extras import Json

from datasurface.model import codec
from datasurface.yellow.engine.batch.quiet_look import SIGN_LIED
from datasurface.yellow.engine.source import server_state
from tests.db.engine.conftest import LIVE
from tests.db.engine.quiet_streams import QuietStream, is_quiet, quiet_stream, quiet_template
from tests.db.installation import Template
from tests.db.streams import column, plan, table

ITEMS = table("items", column("id", "integer", is_key=True), column("v"))
MAKE = (
    "CREATE TABLE items (id integer PRIMARY KEY, v text)",
    "INSERT INTO items VALUES (1, 'a'), (2, 'b'), (3, 'c')",
    "CREATE TABLE other (id integer)",
)
Opening = Callable[..., QuietStream]


@pytest.fixture(scope="module")
def merge_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Template]:
    """The server of the merge database."""
    with quiet_template(tmp_path_factory.mktemp("merge")) as template:
        yield template


@pytest.fixture(scope="module")
def source_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Template]:
    """Another server, of the system's packages where there is one."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    with quiet_template(tmp_path_factory.mktemp("source"), folders[-1] if folders else None) as template:
        yield template


#: For tests in which it matters whether the looks' own transactions are the source's server's too.
BOTH = pytest.mark.parametrize("opened", ["beside", "elsewhere"], indirect=True)


@pytest.fixture
def opened(request, merge_server, source_server, tmp_path) -> Iterator[Opening]:
    """Deploy a stream whose source is a database of another server, or `beside` the merge database."""
    origin = None if getattr(request, "param", None) == "beside" else source_server
    with ExitStack() as stack:

        def open_stream(*statements: str, **changes: Any) -> QuietStream:
            made = plan(changes.pop("strategy", LIVE), *changes.pop("tables", [ITEMS]), **changes)
            return stack.enter_context(quiet_stream(merge_server, origin, tmp_path, made, *(statements or MAKE)))

        yield open_stream


@pytest.fixture
def stream(opened: Opening) -> QuietStream:
    """A stream that was looked at until a look read no table."""
    stream = opened()
    stream.run()
    stream.settle()
    return stream


@BOTH
def test_look_reads_no_table_where_nothing_was_written(stream: QuietStream) -> None:
    """It passes tables that are locked against every reader, tells the true total and moves the time of the look."""
    before = stream.counter()["checked_at"]
    with stream.source_session() as source, stream.installation.session("admin") as merge:
        for session, place in ((source, sql.Identifier("items")), (merge, stream.tables().merge)):
            with session.raw.cursor() as cursor:
                cursor.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(place))
        result = stream.run()

    assert is_quiet(result)
    assert (result.rc, result.batch_id, result.inserted, result.total) == (0, None, 0, 3)
    assert stream.counter()["checked_at"] > before


WRITES = {
    "insert": ["INSERT INTO items VALUES (10, 'x')"],
    "update": ["UPDATE items SET v = v || 'x' WHERE id = 1"],
    "update to the same": ["UPDATE items SET v = v WHERE id = 1"],
    "delete": ["DELETE FROM items WHERE id = 2"],
    "truncate": ["TRUNCATE items"],
    "frozen copy": ["TRUNCATE items", "INSERT INTO items SELECT g, 'f' FROM generate_series(1, 5) AS g"],
    "rewrite": ["ALTER TABLE items ALTER COLUMN v TYPE varchar USING v || '!'"],
    "column": ["ALTER TABLE items ADD COLUMN w integer DEFAULT 1"],
    "subtransaction": ["SAVEPOINT s", "INSERT INTO items VALUES (20, 's')", "RELEASE SAVEPOINT s"],
    "asynchronous commit": ["SET LOCAL synchronous_commit = off", "INSERT INTO items VALUES (30, 'y')"],
    "swapped table": ["ALTER TABLE items RENAME TO old_items", "CREATE TABLE items AS SELECT * FROM old_items LIMIT 2"],
    "another table": ["INSERT INTO other VALUES (1)"],
}


@BOTH
def test_every_write_ends_quiet_looks(stream: QuietStream) -> None:
    """Each kind of write makes the next look compare every row, whatever was written; then it is quiet again."""
    for name, statements in WRITES.items():
        stream.source(*statements)

        assert not stream.is_quiet(), name
        assert stream.rows() == stream.source_rows(), name
        stream.settle()
        assert stream.rows() == stream.source_rows(), name


def test_frozen_rows_end_quiet_looks(stream: QuietStream) -> None:
    """COPY FREEZE writes rows that every snapshot sees, but it commits like everything else."""
    with stream.source_session() as session, session.raw.cursor() as cursor:
        cursor.execute("TRUNCATE items")
        cursor.copy_expert("COPY items FROM STDIN (FREEZE)", StringIO("1\tfrozen\n7\tfrozen\n"))
        assert stream.is_quiet()
        session.commit()

    stream.run()
    assert stream.rows() == [(1, "frozen"), (7, "frozen")]


@BOTH
@pytest.mark.parametrize("commit", ["COMMIT", "PREPARE"])
def test_transaction_that_outlasts_looks_ends_them_when_it_commits(stream: QuietStream, commit: str) -> None:
    """Its rows are seen by no look before that, and by the first one after; a prepared one is open until it commits."""
    with stream.source_session() as writer, writer.raw.cursor() as cursor:
        cursor.execute("INSERT INTO items VALUES (40, 'late')")
        stream.source("INSERT INTO items VALUES (41, 'soon')")
        if commit == "PREPARE":
            cursor.execute("PREPARE TRANSACTION 'late'")
        stream.run()
        stream.settle()
        assert (40, "late") not in stream.rows()
        if commit == "PREPARE":
            writer.raw.rollback()
            writer.raw.autocommit = True
            cursor.execute("COMMIT PREPARED 'late'")
        else:
            writer.commit()

    assert stream.run().batch_id is not None
    assert stream.rows() == stream.source_rows()


@BOTH
def test_transaction_that_rolls_back_is_no_change(stream: QuietStream) -> None:
    """It may cost a comparison, and makes no batch."""
    with stream.source_session() as writer, writer.raw.cursor() as cursor:
        cursor.execute("INSERT INTO items VALUES (50, 'never')")
        writer.rollback()

    assert stream.run().outcome == "unchanged"
    stream.settle()


@BOTH
def test_looks_among_writers_lose_no_row(opened: Opening) -> None:
    """Writers commit all the time, some late and some in subtransactions; in the end every row has arrived."""
    stream = opened()
    stream.run()
    stop = threading.Event()
    writers = [threading.Thread(target=_write, args=(stream, number, stop)) for number in range(1, 4)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(25):
            stream.run()
    finally:
        stop.set()
        for writer in writers:
            writer.join(timeout=30)
    while not stream.is_quiet():
        pass

    assert stream.rows() == stream.source_rows()
    assert stream.batch(3) is not None


def _write(stream: QuietStream, number: int, stop: threading.Event) -> None:
    chance = random.Random(number)
    with stream.source_session() as session, session.raw.cursor() as cursor:
        while not stop.is_set():
            key = number * 1000 + chance.randrange(20)
            if chance.random() < 0.3:
                cursor.execute("SAVEPOINT s")
            if chance.random() < 0.4:
                cursor.execute("DELETE FROM items WHERE id = %s", [key])
            else:
                cursor.execute(
                    "INSERT INTO items VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET v = excluded.v",
                    [key, str(chance.random())],
                )
            if chance.random() < 0.5:
                stop.wait(chance.random() * 0.1)
            if chance.random() < 0.1:
                session.rollback()
            else:
                session.commit()
            stop.wait(chance.random() * 0.3)


@pytest.mark.parametrize("what", ["plan", "full", "unfinished", "other release", "table made anew", "table emptied"])
def test_whatever_is_not_certain_is_compared(stream: QuietStream, what: str) -> None:
    """Another plan, an open batch, a sign that cannot be read, another merge table, a look in full."""
    if what == "plan":
        stream.redeploy(replace(stream.plan, latency_seconds=61))
    if what == "unfinished":
        _add_failed_batch(stream)
    if what == "other release":
        _set_counter(stream, 'source_sign = source_sign || \'{"v": "two"}\'')
    if what == "table made anew":
        place, old = stream.tables().merge, sql.Identifier("public", "old_items")
        owner = sql.Identifier(stream.installation.roles.job)
        statements = "ALTER TABLE {} RENAME TO old_items; CREATE TABLE {} (LIKE {}); ALTER TABLE {} OWNER TO {}"
        stream.execute(sql.SQL(statements).format(place, place, old, place, owner))
    if what == "table emptied":
        stream.execute(sql.SQL("TRUNCATE {}").format(stream.tables().merge))

    assert not stream.is_quiet(in_full=what == "full")
    assert stream.rows() == stream.source_rows()
    stream.settle()


def test_look_compares_in_full_once_a_day(stream: QuietStream) -> None:
    """What a stranger did to the merge table is found by then at the latest, and the time of it is kept."""
    stream.execute(sql.SQL("UPDATE {} SET v = 'stranger' WHERE id = 1").format(stream.tables().merge))
    _set_counter(stream, "compared_in_full_at = now() - interval '25 hours'")

    result = stream.run()

    assert (result.batch_id, result.updated) == (2, 1)
    assert stream.rows() == stream.source_rows()
    assert stream.batch(2)["state"]["compared_in_full_at"] is not None
    assert stream.counter()["compared_in_full_at"] == stream.counter()["checked_at"]
    stream.settle()


@pytest.mark.parametrize("stored", ["NULL", "now() + interval '1 hour'"], ids=["unknown", "in the future"])
def test_look_compares_in_full_where_the_time_of_the_last_one_cannot_be(stream: QuietStream, stored: str) -> None:
    """An installation of an older release knows no time; a clock that jumped back knows a wrong one."""
    _set_counter(stream, f"compared_in_full_at = {stored}")

    assert not stream.is_quiet()

    assert stream.counter()["compared_in_full_at"] == stream.counter()["checked_at"]


def test_platform_can_have_every_look_compare_in_full(opened: Opening) -> None:
    """With 0 hours no look trusts anything."""
    stream = opened(full_comparison_hours=0)
    assert [stream.run().message for _ in range(4)] == [""] * 4
    counter = stream.counter()
    assert (counter["source_sign"], counter["compared_in_full_at"]) == (None, counter["checked_at"])


@BOTH
def test_full_comparison_finds_a_sign_that_lied(stream: QuietStream) -> None:
    """The source changed though its server seems to say no: said loudly, put right, and never trusted again."""
    stream.source("UPDATE items SET v = 'unseen' WHERE id = 1")
    _plant_present_sign(stream)
    assert stream.is_quiet()
    _plant_present_sign(stream)

    result = stream.run(in_full=True)

    assert (result.batch_id, result.updated, result.message) == (2, 1, SIGN_LIED)
    assert stream.rows() == stream.source_rows()
    assert [stream.run().message for _ in range(4)] == [""] * 4
    assert stream.run(in_full=True).outcome == "unchanged"
    stream.source("UPDATE items SET v = 'seen' WHERE id = 1")
    assert (stream.run().batch_id, stream.run().message) == (3, "")


def test_lie_is_told_at_the_end_of_a_run_with_many_looks(opened: Opening) -> None:
    """What a batch had to say is not lost by the looks after it."""
    stream = opened(look_interval_seconds=0)
    stream.run()
    stream.source("UPDATE items SET v = 'unseen' WHERE id = 1")
    _plant_present_sign(stream)

    result = stream.run(in_full=True, budget_seconds=1)

    assert len(stream.outcomes) > 2
    assert (result.batch_id, result.message) == (2, SIGN_LIED)


def test_change_of_the_merge_table_alone_is_no_lie(opened: Opening) -> None:
    """A full comparison that finds a stranger's change goes on trusting the source's server."""
    stream = opened()
    stream.run()
    stream.execute(sql.SQL("UPDATE {} SET v = 'stranger' WHERE id = 1").format(stream.tables().merge))
    _plant_present_sign(stream)

    result = stream.run(in_full=True)

    assert (result.batch_id, result.updated, result.message) == (2, 1, "")
    stream.settle()


def test_counter_of_an_older_release_has_every_look_compare(stream: QuietStream) -> None:
    """Before its tables are migrated a stream runs on as it did."""
    _alter_counter(stream, "DROP COLUMN source_sign, DROP COLUMN compared_in_full_at")
    assert [stream.run().message for _ in range(4)] == [""] * 4
    stream.source("DELETE FROM items WHERE id = 1")
    assert stream.run().deleted == 1

    _alter_counter(stream, "ADD COLUMN source_sign jsonb, ADD COLUMN compared_in_full_at timestamptz")
    stream.run()
    stream.settle()


def test_server_that_may_not_be_asked_has_every_look_compare(stream: QuietStream) -> None:
    """The functions can be taken from a login."""
    stream.source("REVOKE EXECUTE ON FUNCTION pg_control_checkpoint() FROM PUBLIC")
    assert [stream.run().message for _ in range(4)] == [""] * 4
    assert stream.counter()["source_sign"] is None

    stream.source("GRANT EXECUTE ON FUNCTION pg_control_checkpoint() TO PUBLIC")
    stream.settle()


def _add_failed_batch(stream: QuietStream) -> None:
    place = sql.Identifier("public", stream.plan.control.batch_metrics)
    adding = "INSERT INTO {0} (key, batch_id, batch_status, state) SELECT key, batch_id + 1, 'failed', state FROM {0}"
    stream.execute(sql.SQL(adding).format(place))


def _plant_present_sign(stream: QuietStream) -> None:
    """Have the counter say that the merge tables equal the source as it is now."""
    with stream.source_session() as session:
        session.begin_snapshot()
        state = server_state.read(session)
        session.rollback()
    assert state is not None
    stored = stream.counter()["source_sign"]
    recorder = {"recorded_by": state.snapshot.split(":")[1]} if stored["recorded_by"] else {}
    planted = stored | {"server": codec.encode(state)} | recorder
    _set_counter(stream, "source_sign = %s", Json(planted))


def _set_counter(stream: QuietStream, assignment: str, *values: Any) -> None:
    with stream.installation.session("admin") as session, session.raw.cursor() as cursor:
        place = sql.Identifier("public", stream.plan.control.batch_counter)
        cursor.execute(sql.SQL("UPDATE {} SET {}").format(place, sql.SQL(assignment)), values or None)
        session.commit()


def _alter_counter(stream: QuietStream, action: str) -> None:
    place = sql.Identifier("public", stream.plan.control.batch_counter)
    stream.execute(sql.SQL("ALTER TABLE {} {}").format(place, sql.SQL(action)))
