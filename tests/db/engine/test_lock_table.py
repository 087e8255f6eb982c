"""The locks of a stream of many tables are counted before they are taken, and a source that is too small says so."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from psycopg2 import sql

from datasurface.demo.embedded import EmbeddedServer
from datasurface.errors import ModelError, TransientError
from datasurface.yellow.engine.connect import Purpose, Session, open_session
from datasurface.yellow.engine.source import snapshot
from tests.db.engine.conftest import LIVE
from tests.db.streams import column, plan, table

TABLES = 400
ID = column("id", "integer", is_key=True)
MANY = plan(LIVE, *(table(f"t{number:03}", ID) for number in range(TABLES)))
#: 10 × 20 places, which PostgreSQL exceeds by a little.
SMALL = "max_locks_per_transaction = 10\nmax_connections = 20\nmax_prepared_transactions = 0\n"


@pytest.fixture(scope="module")
def small_server() -> Iterator[EmbeddedServer]:
    """A server with a small lock table and many tables."""
    with EmbeddedServer(fast=True) as server:
        server.stop()
        with (server.folder / "data" / "postgresql.conf").open("a") as text:
            text.write(SMALL)
        server.start()
        with _session(server, Purpose.CONTROL) as session:
            session.raw.autocommit = True
            for each in MANY.tables:
                _execute(session, sql.SQL("CREATE TABLE public.{} (id int)").format(sql.Identifier(each.source_table)))
        yield server


def test_too_many_tables_are_refused_before_one_is_locked(small_server):
    """The error names the setting, what is needed and there, and what to do; the session holds no lock afterwards."""
    with _session(small_server) as source:
        with pytest.raises(ModelError) as refused:
            snapshot.begin(source, MANY)
        source.rollback()
        held = _execute(
            source, sql.SQL("SELECT count(*) FROM pg_locks WHERE relation >= 16384 AND pid = pg_backend_pid()")
        )

    text = str(refused.value)
    assert "reading the 400 tables of Store1 in one snapshot needs 464 locks at a time" in text
    assert "max_locks_per_transaction 10 × (max_connections 20 + max_prepared_transactions 0) = 200" in text
    assert "Consistency.SINGLE_DATASET" in text
    assert held == [(0,)]


def test_with_the_setting_that_the_error_names_they_are_read(small_server):
    """What the message says is enough."""
    with _session(small_server) as source, pytest.raises(ModelError, match=r"Set max_locks_per_transaction to 2\d or"):
        snapshot.begin(source, MANY)
    configuration = small_server.folder / "data" / "postgresql.conf"
    before = configuration.read_text()
    configuration.write_text(f"{before}max_locks_per_transaction = 25\n")
    small_server.restart()

    with _session(small_server) as source:
        readings = snapshot.begin(source, MANY)

    assert len(readings) == TABLES
    configuration.write_text(before)
    small_server.restart()


def test_room_that_others_hold_now_is_waited_for(small_server):
    """A stream that would fit alone is tried again later."""
    fits = replace(MANY, tables=MANY.tables[:100])
    with _session(small_server, Purpose.CONTROL) as other, _session(small_server) as source:
        for each in MANY.tables[-60:]:
            _execute(other, sql.SQL("LOCK TABLE public.{}").format(sql.Identifier(each.source_table)))
        with pytest.raises(TransientError, match="of which other sessions hold 6"):
            snapshot.begin(source, fits)
        other.rollback()
        source.rollback()
        assert len(snapshot.begin(source, fits)) == 100


def test_partitions_are_counted(small_server):
    """Whoever locks a partitioned table locks its partitions."""
    with _session(small_server, Purpose.CONTROL) as admin:
        admin.raw.autocommit = True
        _execute(admin, sql.SQL("CREATE TABLE public.parted (id int) PARTITION BY LIST (id)"))
        for number in range(90):
            places = {"name": sql.Identifier(f"part{number}"), "value": sql.Literal(number)}
            _execute(
                admin,
                sql.SQL("CREATE TABLE public.{name} PARTITION OF public.parted FOR VALUES IN ({value})").format(
                    **places
                ),
            )
    own = plan(LIVE, *MANY.tables[:70], table("parted", ID))

    with _session(small_server) as source, pytest.raises(ModelError, match=r"the 71 tables .* needs 225 locks"):
        snapshot.begin(source, own)


def test_what_cannot_be_locked_keeps_no_lock_from_the_others(small_server):
    """Among many tables one materialized view is read without a lock; every table is locked, with no savepoint left."""
    with _session(small_server, Purpose.CONTROL) as admin:
        _execute(admin, sql.SQL("CREATE MATERIALIZED VIEW public.seen AS SELECT id FROM public.t000"))
        admin.commit()
    own = plan(LIVE, *MANY.tables[:5], table("seen", ID), *MANY.tables[5:9])

    with _session(small_server) as source:
        snapshot.begin(source, own)
        locked = _execute(
            source,
            sql.SQL(
                "SELECT DISTINCT c.relname FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation "
                "WHERE l.pid = pg_backend_pid() AND c.relnamespace = 'public'::regnamespace"
            ),
        )

    assert {name for (name,) in locked} == {each.source_table for each in MANY.tables[:9]}


def _session(server: EmbeddedServer, purpose: Purpose = Purpose.SOURCE) -> Session:
    return open_session(server.endpoint(), server.login, application_name="test", purpose=purpose)


def _execute(session: Session, statement: sql.Composable) -> list[tuple[object, ...]]:
    with session.raw.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []
