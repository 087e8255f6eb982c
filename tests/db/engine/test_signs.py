"""What servers say of a snapshot: for which tables and servers it says everything, and that no crash repeats it."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from datasurface.demo.embedded import EmbeddedServer, wheel_binaries
from datasurface.errors import DatasurfaceError
from datasurface.yellow.engine import connect
from datasurface.yellow.engine.connect import Purpose, Session
from datasurface.yellow.engine.source import server_state, signs, snapshot
from datasurface.yellow.engine.source.signs import ServerState, Sign
from tests.db.engine.conftest import LIVE
from tests.db.installation import rows
from tests.db.streams import column, plan, table

ITEMS = table("items", column("id", "integer", is_key=True), column("v"))
PLAIN = "CREATE TABLE items (id integer PRIMARY KEY, v text)"
FOREIGN = ("CREATE FOREIGN DATA WRAPPER nothing", "CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing")
PARTITIONED = "CREATE TABLE items (id integer, v text) PARTITION BY LIST (id)"

TOLD = {
    "table": [PLAIN],
    "unlogged table": [PLAIN.replace("TABLE", "UNLOGGED TABLE")],
    "partitioned table": [PARTITIONED, "CREATE TABLE p PARTITION OF items DEFAULT"],
    "inherited table": [PLAIN, "CREATE TABLE child (w integer) INHERITS (items)"],
    "materialized view": ["CREATE MATERIALIZED VIEW items AS SELECT 1 AS id, now()::text AS v"],
    "narrower column": ["CREATE TABLE items (id smallint, v varchar(5))"],
    "domain": ["CREATE DOMAIN short AS text CHECK (length(value) < 5)", "CREATE TABLE items (id integer, v short)"],
    "enum": ["CREATE TYPE mood AS ENUM ('a')", "CREATE TABLE items (id integer, v mood)"],
    "stored generated column": ["CREATE TABLE items (id integer, v text GENERATED ALWAYS AS ('x') STORED)"],
    "extension of PostgreSQL's own": [PLAIN, "CREATE EXTENSION IF NOT EXISTS plpgsql"],
}
NOT_TOLD = {
    "view": ["CREATE VIEW items AS SELECT 1 AS id, now()::text AS v"],
    "foreign table": [*FOREIGN, "CREATE FOREIGN TABLE items (id integer, v text) SERVER nowhere"],
    "foreign partition": [*FOREIGN, PARTITIONED, "CREATE FOREIGN TABLE p PARTITION OF items DEFAULT SERVER nowhere"],
    "foreign child": [*FOREIGN, PLAIN, "CREATE FOREIGN TABLE p () INHERITS (items) SERVER nowhere"],
    "column that has to be checked": ["CREATE TABLE items (id text, v text)"],
    "another kind of storage": [
        "CREATE ACCESS METHOD other TYPE TABLE HANDLER heap_tableam_handler",
        "CREATE TABLE items (id integer, v text) USING other",
    ],
    "extension of somebody else": [
        PLAIN,
        "SET LOCAL allow_system_table_mods = on",
        "INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)"
        " VALUES (99999, 'distributed', 10, 11, false, '1')",
    ],
}


def _is_told(installation: Any, stream: Any, statements: list[str]) -> bool:
    with installation.session("admin", "source") as admin, admin.raw.cursor() as cursor:
        cursor.execute("SET search_path = public")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute(f'GRANT SELECT ON ALL TABLES IN SCHEMA public TO "{installation.roles.customer_reader}"')
        admin.commit()
    with installation.session("customer_reader") as source:
        readings = snapshot.begin(source, stream)
        return server_state.can_be_told(source, stream, readings)


@pytest.mark.parametrize("kind", TOLD)
def test_rows_that_transactions_alone_decide_can_be_told(installation, kind: str) -> None:
    """Heaps of the database's own, in types whose text depends on nothing else."""
    assert _is_told(installation, plan(LIVE, ITEMS), TOLD[kind])


@pytest.mark.parametrize("kind", NOT_TOLD)
def test_rows_that_anything_else_decides_cannot_be_told(installation, kind: str) -> None:
    """The clock, another server, a function, another storage: every look has to compare them."""
    assert not _is_told(installation, plan(LIVE, ITEMS), NOT_TOLD[kind])


def test_virtual_column_cannot_be_told(installation) -> None:
    """It is computed when it is read, perhaps by locale files that somebody replaces."""
    with installation.session("admin") as session:
        if session.raw.server_version < 180000:
            pytest.skip("virtual columns came with PostgreSQL 18")
    made = ["CREATE TABLE items (id integer, v text GENERATED ALWAYS AS ('x'::text || 'y') VIRTUAL)"]
    assert not _is_told(installation, plan(LIVE, ITEMS), made)


def test_catalogue_cannot_be_told(installation) -> None:
    """VACUUM writes to catalogues in place, without a transaction of its own."""
    stream = plan(LIVE, table("pg_am", column("amname", "name", is_key=True)))
    stream = replace(stream, source=replace(stream.source, schema="pg_catalog"))
    assert not _is_told(installation, stream, [])


@pytest.fixture(params=["wheel", "system"])
def lone_server(request) -> Iterator[EmbeddedServer]:
    """A server of the test's own, of the wheel's version and of the system's."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if request.param == "system" and not folders:
        pytest.skip("no PostgreSQL of a system package under /usr/lib/postgresql")
    with EmbeddedServer(fast=True, binaries=wheel_binaries() if request.param == "wheel" else folders[-1]) as server:
        rows(server, "postgres", "ALTER SYSTEM SET autovacuum = off")
        rows(server, "postgres", "CREATE TABLE public.t (a text)")
        server.restart()
        yield server


@pytest.mark.parametrize("crash", ["server", "one process"])
def test_crash_that_loses_commits_repeats_no_sign(lone_server: EmbeddedServer, crash: str) -> None:
    """A commit that nobody waited for was seen and is lost, and its number is given to another transaction.

    The snapshot's text then repeats. Without a start of the server the checkpoint of the recovery tells them apart.
    """
    for _ in range(5):
        writer = _wal_writer(lone_server)
        os.kill(writer, signal.SIGSTOP)
        rows(lone_server, "postgres", "SET synchronous_commit = off; INSERT INTO public.t VALUES ('lost')")
        before = _state(lone_server)
        if crash == "server":
            # A stopped process does not notice that the server is gone.
            threading.Timer(0.2, os.kill, (writer, signal.SIGKILL)).start()
            lone_server.kill()
            lone_server.start()
        else:
            os.kill(writer, signal.SIGKILL)
            _await(lone_server, writer)
        if rows(lone_server, "postgres", "SELECT FROM public.t WHERE a = 'lost'") == []:
            break
    rows(lone_server, "postgres", "INSERT INTO public.t VALUES ('another')")
    after = _state(lone_server)

    assert rows(lone_server, "postgres", "SELECT a FROM public.t") == [("another",)]
    assert (before.system, before.snapshot) == (after.system, after.snapshot)
    assert (before.started_at == after.started_at) is (crash == "one process")
    assert before.checkpoint != after.checkpoint
    assert not signs.repeats(Sign(subject="s", server=before), Sign(subject="s", server=after))


def test_standby_says_nothing(lone_server: EmbeddedServer) -> None:
    """Its snapshots do not list what runs on the primary; after the promotion it is a server like any other."""
    before = _state(lone_server)
    lone_server.stop()
    mark = lone_server.folder / "data" / "standby.signal"
    mark.touch()
    lone_server._owner.give(mark)
    lone_server.start()

    with _session(lone_server) as session:
        session.begin_snapshot()
        assert server_state.read(session) is None

    rows(lone_server, "postgres", "SELECT pg_promote()")
    after = _state(lone_server)
    assert (before.system, before.database) == (after.system, after.database)
    assert before != after


def test_states_of_one_quiet_server_are_equal(lone_server: EmbeddedServer) -> None:
    """Sessions come and go, and read; nothing of it shows."""
    before = _state(lone_server)
    assert rows(lone_server, "postgres", "SELECT count(*) FROM pg_class") != []
    assert _state(lone_server) == before


def _session(server: EmbeddedServer) -> Session:
    return connect.open_session(server.endpoint(), server.login, application_name="test", purpose=Purpose.SOURCE)


def _state(server: EmbeddedServer) -> ServerState:
    with _session(server) as session:
        session.begin_snapshot()
        state = server_state.read(session)
        session.rollback()
    assert state is not None
    return state


def _wal_writer(server: EmbeddedServer) -> int:
    ((pid,),) = rows(server, "postgres", "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'")
    return int(pid)


def _await(server: EmbeddedServer, process: int) -> None:
    """Wait until the server has noticed the death of a process, recovered and begun another one."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if _wal_writer(server) != process:
                return
        except (DatasurfaceError, ValueError):
            pass
        time.sleep(0.1)
    raise TimeoutError
