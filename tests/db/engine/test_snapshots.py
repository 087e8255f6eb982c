"""All datasets of a stream are of one moment, whatever the source does while they are read."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg2
import pytest
from psycopg2 import sql

from datasurface.errors import ModelError
from datasurface.yellow.engine.source import snapshot
from datasurface.yellow.engine.source.readings import Reading
from tests.db.engine.conftest import LIVE
from tests.db.streams import Stream, column, plan, table

PARENTS = table("parents", column("id", "integer", is_key=True), column("children", "integer", is_required=True))
CHILDREN = table(
    "children", column("id", "integer", is_key=True), column("parent", "integer", is_required=True), column("v")
)
MAKE = (
    "CREATE TABLE parents (id integer PRIMARY KEY, children integer NOT NULL)",
    "CREATE TABLE children (id integer PRIMARY KEY, parent integer NOT NULL REFERENCES parents, v text)",
)
PATHS = pytest.mark.parametrize("difference_bytes", [1 << 20, 0], ids=["streamed", "staged"])


class Family(threading.Thread):
    """Inserts, changes and removes parents together with their children, one transaction after the other."""

    def __init__(self, stream: Stream) -> None:
        super().__init__(daemon=True)
        self._session = stream.installation.session("admin", "source")
        self._ended = threading.Event()
        self.transactions = 0
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            with self._session.raw.cursor() as cursor:
                cursor.execute("SET search_path = public")
                while not self._ended.is_set():
                    self._transaction(cursor, self.transactions)
                    self._session.commit()
                    self.transactions += 1
        except BaseException as error:
            self.error = error

    def end(self) -> None:
        self._ended.set()
        self.join()
        assert self.error is None

    @staticmethod
    def _transaction(cursor: "psycopg2.extensions.cursor", number: int) -> None:
        """A new family, a grown one and one that leaves; `parents.children` always counts the children."""
        cursor.execute("INSERT INTO parents VALUES (%(n)s, 1)", {"n": number})
        cursor.execute("INSERT INTO children VALUES (%(n)s * 10, %(n)s, 'first')", {"n": number})
        if number % 3 == 0 and number > 10:
            cursor.execute(
                "INSERT INTO children SELECT max(id) + 1, %(n)s, 'more' FROM children WHERE parent = %(n)s",
                {"n": number - 1},
            )
            cursor.execute("UPDATE parents SET children = children + 1 WHERE id = %(n)s", {"n": number - 1})
        if number % 4 == 0 and number > 20:
            cursor.execute("DELETE FROM children WHERE parent = %(n)s", {"n": number - 20})
            cursor.execute("DELETE FROM parents WHERE id = %(n)s", {"n": number - 20})


def torn(stream: Stream) -> list[str]:
    """Families of the merge tables that are not whole: orphans, or a parent that counts other children."""
    parents = dict(stream.rows("parents"))
    found = dict.fromkeys(parents, 0)
    orphans = []
    for child, parent, _ in stream.rows("children"):
        if parent in found:
            found[parent] += 1
        else:
            orphans.append(f"child {child} without parent {parent}")
    return orphans + [
        f"parent {each} has {found[each]} of {parents[each]}" for each in parents if found[each] != parents[each]
    ]


@pytest.mark.row("I14")
@PATHS
def test_families_are_whole_after_every_batch_while_a_writer_goes_on(deployed, strategy, difference_bytes):
    """Foreign keys and totals across tables hold after each batch, and at the end nothing is missing."""
    stream = deployed(plan(strategy, CHILDREN, PARENTS), *MAKE)
    writer = Family(stream)
    writer.start()
    try:
        findings, batches = [], 0
        for _ in range(6):
            batches += stream.run(difference_bytes=difference_bytes).batch_id is not None
            findings += torn(stream)
    finally:
        writer.end()
    stream.run(difference_bytes=difference_bytes)

    assert findings == []
    assert batches >= 5
    assert writer.transactions > 30
    assert torn(stream) == []
    with stream.installation.session("admin", "source") as session, session.raw.cursor() as cursor:
        cursor.execute("SELECT * FROM public.children")
        assert sorted(cursor.fetchall(), key=repr) == stream.rows("children")


@pytest.mark.row("I14", kind="refusal")
def test_change_between_two_tables_shows_in_neither(deployed, monkeypatch):
    """What commits after the snapshot was taken waits for the next batch, in every table."""
    stream = deployed(plan(LIVE, CHILDREN, PARENTS), *MAKE, "INSERT INTO parents VALUES (1, 0)")
    stream.run()

    with meanwhile(
        monkeypatch, lambda: stream.source("INSERT INTO parents VALUES (2, 1)", "INSERT INTO children VALUES (1, 2)")
    ):
        assert stream.run().outcome == "unchanged"

    result = stream.run()
    assert (result.batch_id, result.inserted) == (2, 2)


@pytest.mark.row("I14", kind="refusal")
@PATHS
@pytest.mark.parametrize(
    "reload",
    [
        ("TRUNCATE children", "INSERT INTO children SELECT n, n, 'new' FROM generate_series(1, 5) AS n"),
        ("ALTER TABLE children ALTER v TYPE varchar(90) USING v || ' altered'",),
        ("ALTER TABLE children RENAME TO gone", "CREATE TABLE children (id integer, parent integer, v text)"),
    ],
    ids=["truncated and filled", "rewritten", "swapped"],
)
def test_table_that_is_replaced_while_it_is_read_is_never_seen_empty(deployed, monkeypatch, reload, difference_bytes):
    """TRUNCATE and a rewrite empty a table for older snapshots as well; no batch may take that for deleted rows."""
    stream = deployed(
        plan(LIVE, CHILDREN, PARENTS),
        *MAKE,
        "INSERT INTO parents SELECT n, 1 FROM generate_series(1, 5) AS n",
        "INSERT INTO children SELECT n, n, 'old' FROM generate_series(1, 5) AS n",
    )
    stream.run()
    stream.source("UPDATE parents SET children = 2 WHERE id = 1")
    writer = threading.Thread(target=stream.source, args=reload, daemon=True)

    def start_and_wait_a_little() -> None:
        if not writer.ident:
            writer.start()
            writer.join(timeout=0.3)

    with meanwhile(monkeypatch, start_and_wait_a_little):
        result = stream.run(difference_bytes=difference_bytes)
    writer.join()

    assert (result.inserted, result.updated, result.deleted, result.total) == (0, 1, 0, 10)


def test_large_differences_of_several_datasets_are_found_in_one_batch(deployed, strategy):
    """A dataset that outgrows the memory while it is read leaves the next ones to be compared, in one batch."""
    sizes = {"a": 12_000, "b": 10, "c": 12_000}
    places = {name: sql.Identifier(name) for name in sizes}
    fill = sql.SQL("INSERT INTO {} SELECT n, repeat('x', 1000) FROM generate_series(1, {}) AS n")
    stream = deployed(
        plan(strategy, *[table(name, column("id", "integer", is_key=True), column("v")) for name in sizes]),
        *[f"CREATE TABLE {name} (id integer PRIMARY KEY, v text)" for name in sizes],
        *[fill.format(places[name], sql.Literal(rows)) for name, rows in sizes.items()],
    )
    stream.run()
    stream.source(*[sql.SQL("UPDATE {} SET v = v || 'y'").format(places[name]) for name in ("a", "c")])
    stream.source("DELETE FROM b WHERE id % 2 = 0")

    result = stream.run(difference_bytes=1 << 20)

    assert (result.batch_id, result.inserted, result.updated, result.deleted) == (2, 0, 24_000, 5)
    staged = {
        name: stream.query("SELECT count(*) AS rows FROM {}", stream.tables(name).plan.staging_table)[0]["rows"]
        for name in sizes
    }
    assert staged == {"a": 12_000, "b": 0, "c": 12_000}
    assert stream.run(difference_bytes=1 << 20).outcome == "unchanged"


@pytest.mark.row("I16")
def test_datasets_that_are_captured_singly_have_batches_of_their_own(deployed, strategy):
    """Each has its stream: its own counter, its own ids; one that fails does not hold up the other."""
    stream = deployed(plan(strategy, PARENTS, dataset="parents"), *MAKE, "INSERT INTO parents VALUES (1, 0)")
    other = deployed(plan(strategy, CHILDREN, dataset="children"))
    _plan_together(stream, other)
    assert (stream.run().total, other.run().total) == (1, 0)

    stream.source("INSERT INTO parents VALUES (2, 1)", "INSERT INTO children VALUES (1, 2, 'x')")
    stream.run()

    assert (stream.counter()["batch_id"], other.counter()["batch_id"]) == (2, 1)
    assert other.rows("children") == []
    stream.source("ALTER TABLE parents RENAME children TO other")
    with pytest.raises(ModelError, match=f"{stream.plan.platform}/Store1#parents batch 3 failed"):
        stream.run()
    assert other.run().batch_id == 2


@contextmanager
def meanwhile(monkeypatch: pytest.MonkeyPatch, happening: Callable[[], None]) -> Iterator[None]:
    """Let something happen after the snapshot was taken and before the first table is read."""
    verify = snapshot.verify
    happened = []

    def verify_later(session: object, reading: Reading) -> None:
        if not happened:
            happened.append(True)
            happening()
        verify(session, reading)

    with monkeypatch.context() as patching:
        patching.setattr(snapshot, "verify", verify_later)
        yield
    assert happened


def _plan_together(*streams: Stream) -> None:
    """Store the plans of all streams of one platform; each was deployed as if it were alone."""
    from datasurface.yellow.engine.control import plan_store
    from tests.db.streams import SCHEMA

    with streams[0].installation.session("admin") as session:
        plan_store.write(
            session, SCHEMA, streams[0].plan.platform, [each.plan for each in streams], revision="dir-000000000003"
        )
        session.commit()
