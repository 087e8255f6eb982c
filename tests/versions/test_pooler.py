"""pgbouncer before the merge database, where it is refused, and before the source, where it changes nothing."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from datasurface.dsl import MilestoneStrategy
from datasurface.errors import StateError
from datasurface.yellow.engine.connect import CANONICAL_SETTINGS
from tests.db.installation import Installation, administrator
from tests.db.streams import Stream, column, deploy, plan, table
from tests.versions import servers
from tests.versions.pooler import pooled

LIVE = MilestoneStrategy.LIVE_ONLY
MODES = pytest.mark.parametrize("mode", ["transaction", "session"])
ITEMS = table(
    "items",
    column("id", "integer", is_key=True),
    column("span", "interval"),
    column("amount", "double precision"),
    column("bytes", "bytea"),
    column("day", "timestamp with time zone"),
)
MAKE = "CREATE TABLE items (id integer PRIMARY KEY, span interval, amount float8, bytes bytea, day timestamptz)"
SEED = "INSERT INTO items VALUES (1, '1 year -2 days', 0.1::float8 + 0.2, '\\x00ff', '2024-03-31 01:30Z')"
#: What a role's own defaults would make of the texts of these values.
HOSTILE = {
    "IntervalStyle": "sql_standard",
    "extra_float_digits": "-5",
    "bytea_output": "escape",
    "TimeZone": "Asia/Tokyo",
    "DateStyle": "German",
    "search_path": "nowhere",
}


@pytest.fixture
def installation(installation_of) -> Installation:
    """On the newest server that is here."""
    newest = max(servers.found())
    return installation_of(newest, newest)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the pooler's user reaches."""
    with tempfile.TemporaryDirectory(prefix="datasurface-pooler-", dir="/tmp") as name:
        yield Path(name)


@pytest.fixture
def stream(installation) -> Stream:
    return deploy(installation, plan(LIVE, ITEMS), MAKE, SEED)


def through(installation: Installation, port: int, *places: str) -> None:
    """Let the connections file lead to the pooler: `merge`, or a container."""
    document = json.loads(installation.connections_path.read_text())
    for place in places:
        (document["merge"] if place == "merge" else document["containers"][place])["port"] = port
    installation.connections_path.write_text(json.dumps(document))


@MODES
def test_a_pooler_before_the_merge_database_is_refused(installation, stream, folder, mode):
    """Session locks are what keeps a stream to one job at a time; nothing is read or written without them."""
    with pooled(installation, mode, folder) as port:
        through(installation, port, "merge", "merge_db")

        with pytest.raises(StateError, match="reached through a pooler") as caught:
            stream.run()

    assert "address of the server itself" in str(caught.value.fix)
    assert stream.rows() == []
    assert stream.batch(1) is None


@MODES
def test_a_pooler_before_the_source_changes_no_value(installation, stream, folder, mode):
    """Hostile defaults of the role and of other clients reach no text, and the next look finds nothing."""
    reader = installation.roles.customer_reader
    with administrator(installation.server) as admin, admin.raw.cursor() as cursor:
        for name, value in HOSTILE.items():
            cursor.execute(f'ALTER ROLE "{reader}" SET {name} = %s', [value])
    try:
        with pooled(installation, mode, folder) as port:
            through(installation, port, "customer_db")
            assert stream.run().inserted == 1
            assert stream.run(in_full=True).outcome == "unchanged"
            stream.source("UPDATE items SET amount = 0.3")
            assert stream.run(difference_bytes=0).updated == 1
            assert stream.run(in_full=True).outcome == "unchanged"
    finally:
        with administrator(installation.server) as admin, admin.raw.cursor() as cursor:
            cursor.execute(f'ALTER ROLE "{reader}" RESET ALL')
    installation.write_connections()
    assert stream.run(in_full=True).outcome == "unchanged"


def test_a_pooled_connection_to_the_source_keeps_none_of_our_settings(installation, stream, folder):
    """The pool's other clients share those connections: one that became read-only would fail them."""
    login = installation.login("customer_reader")
    with pooled(installation, "transaction", folder) as port:
        through(installation, port, "customer_db")
        stream.run()
        address = installation.address("source")
        other = psycopg2.connect(
            host="127.0.0.1", port=port, dbname=address["database"], user=login.username, password=login.password
        )
        try:
            with other.cursor() as cursor:
                cursor.execute("SELECT name, setting FROM pg_settings WHERE source = 'session'")
                kept = {name for name, _ in cursor.fetchall()}
        finally:
            other.close()

    assert kept & ({*CANONICAL_SETTINGS, "default_transaction_read_only"} - {"DateStyle", "TimeZone"}) == set()
