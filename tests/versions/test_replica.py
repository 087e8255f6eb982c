"""A read replica as the source: looks find what it shows, a conflict with its recovery is tried again."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from datasurface.demo.embedded import EmbeddedServer
from datasurface.dsl import MilestoneStrategy
from datasurface.errors import TransientError
from datasurface.yellow.engine.connect import Purpose, Session, open_session
from datasurface.yellow.engine.roles import Roles
from tests.db.installation import Installation, administrator, prepared
from tests.db.streams import Stream, column, deploy, plan, table
from tests.versions import servers
from tests.versions.standby import Standby, can_copy, replayed

LIVE, FORENSIC = MilestoneStrategy.LIVE_ONLY, MilestoneStrategy.BATCH_MILESTONED
ITEMS = table("items", column("id", "integer", is_key=True), column("v"))
MAKE = "CREATE TABLE base (id integer PRIMARY KEY, v text)"
SEED = "INSERT INTO base SELECT i, 'v' || i FROM generate_series(1, 300) AS i"
VIEW = "CREATE VIEW items AS SELECT id, v FROM base"
SLOW_VIEW = "CREATE OR REPLACE VIEW items AS SELECT id, v || substr(pg_sleep(0.05)::text, 1, 0) AS v FROM base"
FAST_VIEW = "CREATE OR REPLACE VIEW items AS SELECT id, v || '' AS v FROM base"
SECONDS = 60


@dataclass(kw_only=True)
class Replicated(Installation):
    """An installation whose jobs read the source from the standby; its tables are made and changed on the primary."""

    standby: Standby

    def address(self, database: str) -> dict[str, Any]:
        found = super().address(database)
        return {**found, "port": self.standby.port} if database == "source" else found

    def source_of_jobs(self) -> Session:
        """A session of the standby's source database as the customer reader."""
        endpoint = self.standby.endpoint(str(self.address("source")["database"]))
        login = self.login("customer_reader")
        opened = open_session(endpoint, login, application_name="test", purpose=Purpose.SOURCE)
        return self.closing.enter_context(opened)

    def catch_up(self) -> None:
        """Wait until the standby shows what the primary has."""
        with administrator(self.server) as primary, administrator(self.standby) as standby:
            until(lambda: replayed(primary, standby))


def until(condition: Callable[[], bool]) -> None:
    """Wait for it."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def primary() -> Iterator[EmbeddedServer]:
    folders = [programs.folder for programs in servers.found().values() if can_copy(programs.folder)]
    if not folders:
        pytest.skip(
            f"no pg_basebackup here: install Debian's package postgresql, or name its folder in {servers.VARIABLE}"
        )
    with EmbeddedServer(fast=True, binaries=folders[-1]) as server:
        yield server


@pytest.fixture(scope="module")
def standby(primary) -> Iterator[Standby]:
    with Standby(primary) as server:
        yield server


@pytest.fixture(scope="module")
def template(primary, standby, tmp_path_factory):
    return prepared(primary, Roles(), tmp_path_factory.mktemp("credentials"))


@pytest.fixture
def replicated(template, standby, tmp_path) -> Iterator[Replicated]:
    template.copies += 1
    with ExitStack() as closing:
        installation = Replicated(
            template=template, directory=tmp_path, number=template.copies, closing=closing, standby=standby
        )
        installation.write_connections()
        installation.endpoint("merge")
        installation.endpoint("source")
        installation.catch_up()
        yield installation


def changed(stream: Stream, *statements: str) -> None:
    """Change the primary and wait for the standby."""
    stream.source(*statements)
    assert isinstance(stream.installation, Replicated)
    stream.installation.catch_up()


@pytest.mark.parametrize("strategy", [LIVE, FORENSIC], ids=["live", "forensic"])
@pytest.mark.parametrize("difference_bytes", [1 << 20, 0], ids=["streamed", "staged"])
def test_changes_are_found_on_a_standby(replicated, strategy, difference_bytes):
    """Every look finds what the standby shows, and nothing where it shows nothing new."""
    stream = deploy(replicated, plan(strategy, ITEMS), MAKE, SEED, VIEW)
    changed(stream)

    assert stream.run(difference_bytes=difference_bytes).inserted == 300
    for change, counts in (
        ("UPDATE base SET v = 'x' WHERE id <= 7", (0, 7, 0)),
        ("INSERT INTO base VALUES (301, NULL)", (1, 0, 0)),
        ("DELETE FROM base WHERE id = 2", (0, 0, 1)),
    ):
        assert stream.run(difference_bytes=difference_bytes, in_full=True).outcome == "unchanged"
        changed(stream, change)
        result = stream.run(difference_bytes=difference_bytes)
        assert (result.inserted, result.updated, result.deleted) == counts
    assert stream.run(in_full=True).outcome == "unchanged"


def test_tables_of_a_standby_are_read_as_well(replicated):
    """The lock that keeps a table in place is one that a standby gives."""
    stream = deploy(replicated, plan(LIVE, ITEMS), "CREATE TABLE items (id integer PRIMARY KEY, v text)")
    changed(stream, "INSERT INTO items VALUES (1, 'a')")

    assert stream.run().inserted == 1
    changed(stream, "UPDATE items SET v = 'b'")
    assert stream.run().updated == 1


def test_a_conflict_with_recovery_is_transient_and_leaves_nothing(replicated):
    """The standby ends a reader whose rows the primary's vacuum removed; the next run makes the batch.

    Below a savepoint it closes the connection, and of that a COPY sees no more.
    """
    stream = deploy(replicated, plan(FORENSIC, ITEMS), MAKE, SEED, VIEW)
    changed(stream)
    stream.run()
    changed(stream, SLOW_VIEW, "UPDATE base SET v = 'new' WHERE id = 1")
    errors: list[BaseException] = []
    job = threading.Thread(target=_run, args=(stream, errors))
    job.start()
    with administrator(replicated.standby) as watching:
        until(lambda: _is_reading(watching))
    with replicated.session("admin", "source") as session:
        session.raw.autocommit = True
        with session.raw.cursor() as cursor:
            cursor.execute("DELETE FROM public.base WHERE id > 200")
            cursor.execute("VACUUM public.base")
    job.join(SECONDS)

    assert [type(error) for error in errors] == [TransientError]
    assert "comparing items: " in str(errors[0])
    assert len(stream.history()) == 300
    changed(stream, FAST_VIEW)
    result = stream.run()
    assert (result.batch_id, result.updated, result.deleted) == (2, 1, 100)


def test_snapshots_of_a_standby_can_be_shared(replicated):
    """What several connections need to read one moment: a standby exports snapshots, too."""
    first, second = replicated.source_of_jobs(), replicated.source_of_jobs()
    with first.raw.cursor() as ours, second.raw.cursor() as theirs:
        ours.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        ours.execute("SELECT pg_export_snapshot()")
        (snapshot,) = ours.fetchone()
        theirs.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        theirs.execute("SET TRANSACTION SNAPSHOT %s", [snapshot])
        theirs.execute("SELECT 1")
        assert theirs.fetchone() == (1,)


def _run(stream: Stream, errors: list[BaseException]) -> None:
    try:
        stream.run()
    except BaseException as error:
        errors.append(error)


def _is_reading(watching: Session) -> bool:
    with watching.raw.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query LIKE 'COPY%'")
        return cursor.fetchone() == (1,)
