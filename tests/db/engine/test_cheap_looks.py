"""Looks that read no table because nothing was written: when they are made, and that every write ends them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from psycopg2 import sql

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


@pytest.fixture(params=["beside", "elsewhere"])
def opened(request, merge_server, source_server, tmp_path) -> Iterator[Opening]:
    """Deploy a stream whose source is a database of the merge database's server, or of another one."""
    origin = None if request.param == "beside" else source_server
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
