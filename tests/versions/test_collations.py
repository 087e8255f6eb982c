"""Databases that sort by other rules than ours, and columns for which unlike texts are equal."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import sql

from datasurface.demo.embedded import EmbeddedServer
from datasurface.dsl import MilestoneStrategy
from datasurface.errors import ModelError
from datasurface.yellow.engine.roles import Roles
from tests.db.installation import Installation, administrator, copied, prepared
from tests.db.streams import column, deploy, plan, table
from tests.versions import servers
from tests.versions.life import live_through
from tests.versions.tour import Tour

LIVE, FORENSIC = MilestoneStrategy.LIVE_ONLY, MilestoneStrategy.BATCH_MILESTONED
#: By name: from which version on, and the options of CREATE DATABASE.
LOCALES = {
    "C": (14, "LOCALE 'C'"),
    "libc": (14, "LOCALE 'en_US.UTF-8'"),
    "icu": (15, "LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C'"),
    "builtin": (17, "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'"),
}
BLIND = "CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
ITEMS = table(
    "items",
    column("k", "text", is_key=True),
    column("v", "character varying(3)"),
    column("c", "text", labels=("red", "Blue")),
)
MAKE = "CREATE TABLE items (k text COLLATE blind PRIMARY KEY, v text COLLATE blind, c text COLLATE blind)"


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    """The newest server here that was built with ICU."""
    for programs in reversed(servers.found().values()):
        with EmbeddedServer(fast=True, binaries=programs.folder) as server:
            if _has_icu(server):
                yield server
                return
    pytest.skip("no PostgreSQL with ICU here: install Debian's package postgresql")


def _has_icu(server: EmbeddedServer) -> bool:
    try:
        with administrator(server) as admin, admin.raw.cursor() as cursor:
            cursor.execute(BLIND)
            cursor.execute("DROP COLLATION blind")
    except psycopg2.errors.FeatureNotSupported:
        return False
    return True


@pytest.fixture
def installed(server, tmp_path) -> Iterator[Callable[[str], Installation]]:
    """`installed("icu")`: an installation whose merge and source databases were made with that locale."""
    made = []

    def make(name: str) -> Installation:
        since, options = LOCALES[name]
        if _major(server) < since:
            pytest.skip(f"{name} as a database's locale needs PostgreSQL {since}, {server.version} has ICU here")
        roles = Roles(f"{name.lower()}_")
        credentials = tmp_path / "credentials"
        credentials.mkdir()
        for database in ("datasurface_merge", "customer_db"):
            _create(server, roles.named(database), options)
        manager = copied(prepared(server, roles, credentials), tmp_path)
        made.append(manager)
        return manager.__enter__()

    yield make
    for manager in made:
        manager.__exit__(None, None, None)


def _major(server: EmbeddedServer) -> int:
    return int(server.version.split()[1].partition(".")[0])


def _create(server: EmbeddedServer, name: str, options: str) -> None:
    with administrator(server) as admin, admin.raw.cursor() as cursor:
        try:
            cursor.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE template0 {}").format(sql.Identifier(name), sql.SQL(options))
            )
        except psycopg2.errors.WrongObjectType as error:
            pytest.skip(f"this machine lacks the locale: {error.diag.message_primary}")


@pytest.mark.parametrize("name", LOCALES)
def test_a_stream_lives_in_databases_of_every_locale(installed, name):
    """Whatever the databases sort by: keys are in byte order, and all is as in the source."""
    assert live_through(Tour(installation=installed(name))) == []


@pytest.mark.parametrize("strategy", [LIVE, FORENSIC], ids=["live", "forensic"])
@pytest.mark.parametrize("difference_bytes", [1 << 20, 0], ids=["streamed", "staged"])
def test_texts_that_a_source_calls_equal_are_told_apart(blind, strategy, difference_bytes):
    """Where 'Abc' is 'abc' for the source, the one in the other's place is a change, in values and in keys."""
    stream = deploy(
        blind, plan(strategy, ITEMS), BLIND, MAKE, "INSERT INTO items VALUES ('Abc', 'x', 'red'), ('é', 'é', 'Blue')"
    )
    assert stream.run(difference_bytes=difference_bytes).inserted == 2

    stream.source("UPDATE items SET v = 'X' WHERE k = 'ABC'", "UPDATE items SET v = 'e\u0301' WHERE k = 'é'")
    assert stream.run(difference_bytes=difference_bytes).updated == 2
    stream.source("UPDATE items SET k = 'aBC' WHERE k = 'abc'")
    result = stream.run(difference_bytes=difference_bytes)

    assert (result.inserted, result.updated, result.deleted) == (1, 0, 1)
    assert stream.rows() == [("aBC", "X", "red"), ("é", "e\u0301", "Blue")]
    assert stream.run(difference_bytes=difference_bytes, in_full=True).outcome == "unchanged"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE items SET c = 'RED'", "items.c: 1 value would be no label"),
        ("UPDATE items SET v = 'abcd'", "items.v: 1 value would lose"),
    ],
    ids=["label", "length"],
)
def test_values_are_checked_by_their_text_where_the_source_is_blind(blind, change, said):
    """A label in another case is none, and no value is cut because it is equal to a shorter one."""
    stream = deploy(blind, plan(LIVE, ITEMS), BLIND, MAKE, "INSERT INTO items VALUES ('a', 'x', 'red')")
    stream.run()
    stream.source(change)

    with pytest.raises(ModelError, match=said):
        stream.run()


def test_keys_that_differ_in_case_alone_are_two_rows(blind):
    """The source's own key tells them apart, its columns do not: the merge table keeps both."""
    stream = deploy(
        blind,
        plan(FORENSIC, table("items", column("k", "text", is_key=True), column("v", "integer"))),
        BLIND,
        "CREATE TABLE items (k text COLLATE blind, v integer)",
        "INSERT INTO items VALUES ('Abc', 1), ('abc', 2)",
    )
    assert stream.run().inserted == 2
    stream.source("UPDATE items SET v = v + 1")
    assert stream.run().updated == 2
    stream.source("""INSERT INTO items VALUES ('abc', 9)""")
    with pytest.raises(ModelError, match="items: 1 key stands in more than one row"):
        stream.run()


@pytest.fixture
def blind(server, icu_template, tmp_path: Path) -> Iterator[Installation]:
    with copied(icu_template, tmp_path) as installation:
        yield installation


@pytest.fixture(scope="module")
def icu_template(server, tmp_path_factory):
    return prepared(server, Roles("blind_"), tmp_path_factory.mktemp("credentials"))
