"""The model changes while data and history are in place: columns, types, keys and datasets come, go and come back."""

from dataclasses import replace
from typing import Any

import pytest

from datasurface.errors import ModelError, StateError, TransientError
from datasurface.yellow.engine.batch import crash_points
from datasurface.yellow.engine.batch.batch_state import BatchStatus
from datasurface.yellow.engine.batch.crash_points import CrashPoint
from datasurface.yellow.plan.streams import StreamPlan
from datasurface.yellow.plan.tables import OPEN_BATCH, ColumnPlan
from tests.db.engine.conftest import FORENSIC, LIVE
from tests.db.engine.evolving import counts, evolve, indexed, since
from tests.db.streams import Stream, column, plan, table

ID = column("id", "integer", is_key=True)
NAME = column("name", "character varying(5)")
SIZE = column("size", "integer")
MAKE_ITEMS = "CREATE TABLE items (id integer NOT NULL, name varchar(50), size bigint, code text)"
SEED = "INSERT INTO items VALUES (1, 'one', 10, 'a'), (2, 'two', 20, NULL), (3, 'three', 30, 'c')"
PATHS = pytest.mark.parametrize("difference_bytes", [1 << 20, 0], ids=["streamed", "staged"])


@pytest.fixture
def stream(deployed, strategy) -> Stream:
    """A stream of three items of which the model has id and name, loaded."""
    stream = deployed(plan(strategy, table("items", ID, NAME)), MAKE_ITEMS, SEED)
    stream.run()
    return stream


def items(stream: Stream, *columns: ColumnPlan) -> StreamPlan:
    return plan(stream.plan.strategy, table("items", *columns))


def sizes(stream: Stream) -> dict[Any, set[int | None]]:
    """What the merge table of items holds in the column size, of the plan or not, by the row's id."""
    found: dict[Any, set[int | None]] = {}
    for row in stream.query("SELECT * FROM {}", stream.tables("items").plan.merge_table):
        found.setdefault(row["id"], set()).add(row["size"])
    return found


@pytest.mark.row("I17")
@PATHS
def test_added_column_is_filled_by_the_next_batch(stream, difference_bytes):
    """Rows with a value in the new column are changed rows; one whose value is null stays as it is."""
    evolve(stream, items(stream, ID, NAME, column("code")))

    assert counts(stream, difference_bytes=difference_bytes) == (2, 0, 2, 0, 3)

    assert stream.rows() == [(1, "one", "a"), (2, "two", None), (3, "three", "c")]
    assert since(stream) == {1: 2, 2: 1, 3: 2}
    if stream.is_forensic:
        assert stream.history()[:3] == [(1, 1, 1, "one", None), (1, 1, 3, "three", None), (1, None, 2, "two", None)]
    assert stream.run(difference_bytes=difference_bytes).outcome == "unchanged"


def test_added_column_without_a_value_makes_no_batch(stream):
    """Where every value is null nothing has changed; looks stay quiet and later changes are found."""
    stream.source("UPDATE items SET code = NULL")
    evolve(stream, items(stream, ID, NAME, column("code")))

    assert stream.run().outcome == "unchanged"
    assert stream.run(in_full=True).outcome == "unchanged"
    stream.source("UPDATE items SET code = 'x' WHERE id = 2")
    assert counts(stream) == (2, 0, 1, 0, 3)


@pytest.mark.row("I17")
@PATHS
def test_column_that_left_the_model_stays_in_the_table_and_is_found_again(stream, difference_bytes):
    """Hidden, it keeps what it held; returned, only rows that differ from the source are changed."""
    evolve(stream, items(stream, ID, NAME, SIZE))
    stream.run()
    evolve(stream, items(stream, ID, NAME))

    assert stream.run(difference_bytes=difference_bytes).outcome == "unchanged"
    stream.source("UPDATE items SET size = 0 WHERE id = 1", "UPDATE items SET name = 'zwei' WHERE id = 2")
    stream.source("INSERT INTO items VALUES (4, 'four', 40)")
    assert counts(stream, difference_bytes=difference_bytes) == (3, 1, 1, 0, 4)
    kept = sizes(stream)
    assert (10 in kept[1], 20 in kept[2], 30 in kept[3], kept[4]) == (True, True, True, {None})

    evolve(stream, items(stream, ID, NAME, SIZE))
    stream.run(difference_bytes=difference_bytes)

    assert stream.rows() == [(1, "one", 0), (2, "zwei", 20), (3, "three", 30), (4, "four", 40)]
    assert since(stream)[3] == 2
    if stream.is_forensic:
        assert (2, 2, 2, "two", 20) in stream.history()


@pytest.mark.row("I17")
def test_widened_columns_make_no_batch(stream):
    """What prints alike in the wider type is unchanged; a value that needs the room comes with the next batch."""
    wider = [replace(ID, sql_type="bigint"), replace(NAME, sql_type="text")]
    evolve(stream, items(stream, *wider))

    assert stream.run().outcome == "unchanged"
    stream.source("UPDATE items SET name = 'longer than five' WHERE id = 1")
    assert counts(stream) == (2, 0, 1, 0, 3)


def test_model_that_was_rolled_back_to_a_narrower_type_refuses_what_does_not_fit(stream):
    """The table stays wide, the rows are read as the model says; a value too long for it fails by name.

    Once the source has none, the table is loaded anew, since it holds one itself: all rows go and come in one batch.
    """
    evolve(stream, items(stream, ID, replace(NAME, sql_type="text")))
    stream.source("UPDATE items SET name = 'seven seas' WHERE id = 1")
    stream.run()
    evolve(stream, items(stream, ID, NAME))

    with pytest.raises(ModelError, match=r"items\.name: 1 value would lose by the cast"):
        stream.run()
    stream.source("UPDATE items SET name = 'one' WHERE id = 1")
    assert counts(stream) == (3, 3, 0, 3, 3)
    assert stream.run().outcome == "unchanged"


OTHERS = table("others", column("id", "integer", is_key=True), column("v"))


@pytest.mark.row("I17")
def test_dataset_that_joins_a_stream_is_loaded_inside_the_next_batch(stream):
    """Its first load is part of batch 2, beside the changes of the others; then it is one of them."""
    evolve(stream, plan(stream.plan.strategy, table("items", ID, NAME), OTHERS))
    stream.source("CREATE TABLE others (id integer, v text)", "INSERT INTO others VALUES (1, 'x'), (2, 'y')")
    stream.source("UPDATE items SET name = 'eins' WHERE id = 1")

    assert counts(stream) == (2, 2, 1, 0, 5)
    assert stream.rows("others") == [(1, "x"), (2, "y")]
    assert since(stream, "others") == {1: 2, 2: 2}
    assert stream.run().outcome == "unchanged"
    stream.source("UPDATE others SET v = 'z' WHERE id = 1")
    assert counts(stream) == (3, 0, 1, 0, 5)


def test_empty_dataset_that_joins_a_stream_makes_no_batch_until_it_has_rows(stream):
    """0 rows are no difference: looks write nothing but their time; the first row comes with a key."""
    evolve(stream, plan(stream.plan.strategy, table("items", ID, NAME), OTHERS))
    stream.source("CREATE TABLE others (id integer, v text)")
    points: list[CrashPoint] = []
    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(crash_points, "_watchers", [points.append])
        assert stream.run().outcome == "unchanged"
    assert points == [CrashPoint.LOCKED]

    stream.source("INSERT INTO others VALUES (1, 'x')")
    assert counts(stream) == (2, 1, 0, 0, 4)
    assert indexed(stream, "others") == [["id"]]


def test_dataset_that_leaves_a_stream_and_returns_finds_its_rows(stream):
    """Its rows stay untouched meanwhile; back again, only what differs is changed."""
    both, alone = plan(stream.plan.strategy, table("items", ID, NAME), OTHERS), items(stream, ID, NAME)
    stream.source(
        "CREATE TABLE others (id integer PRIMARY KEY, v text)", "INSERT INTO others VALUES (1, 'x'), (2, 'y')"
    )
    evolve(stream, both)
    stream.run()
    evolve(stream, alone)
    stream.source("UPDATE others SET v = 'z' WHERE id = 2", "UPDATE items SET name = 'eins' WHERE id = 1")

    assert counts(stream) == (3, 0, 1, 0, 3)
    assert list(stream.batch(3)["state"]["datasets"]) == ["items"]
    evolve(stream, both)
    assert counts(stream) == (4, 0, 1, 0, 5)
    assert since(stream, "others") == {1: 2, 2: 4}
    assert sorted(stream.batch(4)["state"]["datasets"]) == ["items", "others"]


@pytest.mark.row("I12")
def test_batch_that_left_nothing_behind_begins_again_under_another_plan(stream, monkeypatch):
    """A batch that failed before it staged anything is no obstacle for a new model."""
    stream.source("UPDATE items SET name = 'x' WHERE id = 1")
    _die_at(CrashPoint.AFTER_STARTED, monkeypatch, stream, difference_bytes=1 << 20)
    evolve(stream, items(stream, ID, NAME, column("code")))

    assert counts(stream) == (2, 0, 2, 0, 3)
    assert stream.batch(2)["state"]["schema_hash"] == stream.plan.schema_hash


@pytest.mark.row("I12", kind="refusal")
def test_batch_that_staged_rows_under_another_schema_waits_for_a_reset(stream, monkeypatch):
    """The error names the columns and the command; the old model goes on where it stopped, under the same id."""
    before = stream.rows()
    stream.source("UPDATE items SET name = 'x' WHERE id = 1")
    _die_at(CrashPoint.AFTER_STAGED, monkeypatch, stream, difference_bytes=0)
    evolve(stream, items(stream, ID, NAME, column("code")))

    for _ in range(2):
        with pytest.raises(
            StateError, match=r"batch 2 was begun and staged under another schema: items\.code"
        ) as caught:
            stream.run()
        command = f"Run `datasurface reset-batch-state --platform {stream.plan.platform} --store Store1`"
        assert command in str(caught.value)
        assert stream.batch(2)["batch_status"] == BatchStatus.FAILED

    evolve(stream, items(stream, ID, NAME))
    assert stream.rows() == before
    assert counts(stream) == (2, 0, 1, 0, 3)


@pytest.mark.row("I16")
def test_two_platforms_read_one_source_each_into_its_own_tables(deployed):
    """A live and a forensic stream go their own pace; neither touches what is the other's."""
    live = deployed(plan(LIVE, table("items", ID, NAME)), MAKE_ITEMS, SEED)
    forensic = deployed(plan(FORENSIC, table("items", ID, NAME)))
    live.run()
    live.source("UPDATE items SET name = 'x' WHERE id = 1")
    forensic.run()
    live.run()

    assert live.rows() == forensic.rows()
    assert (live.counter()["batch_id"], forensic.counter()["batch_id"]) == (2, 1)


def _die_at(point: CrashPoint, monkeypatch: pytest.MonkeyPatch, stream: Stream, *, difference_bytes: int) -> None:
    """Run until the point is reached, where the run ends with an error."""

    def die(reached: CrashPoint) -> None:
        if reached is point:
            raise TransientError("the job ends here")

    with monkeypatch.context() as patching:
        patching.setattr(crash_points, "_watchers", [die])
        with pytest.raises(TransientError, match="the job ends here"):
            stream.run(difference_bytes=difference_bytes)
    assert stream.batch(2)["batch_status"] == BatchStatus.FAILED


def test_a_version_that_ends_while_a_column_is_hidden_keeps_its_value(deployed):
    """What changes after a column left the model has no value of it; the version before keeps the one it had."""
    wide, narrow = table("items", ID, NAME, column("b")), table("items", ID, NAME)
    stream = deployed(
        plan(FORENSIC, wide),
        "CREATE TABLE items (id integer PRIMARY KEY, name text, b text)",
        "INSERT INTO items VALUES (1, 'one', 'B'), (2, 'two', 'B')",
    )
    stream.run()
    evolve(stream, plan(FORENSIC, narrow))
    stream.source("UPDATE items SET name = 'other' WHERE id = 1")
    stream.run()

    kept = stream.query("SELECT ds_surf_batch_in, ds_surf_batch_out, name, b FROM {}", stream.tables().plan.merge_table)
    assert sorted(tuple(row.values()) for row in kept) == [
        (1, 1, "one", "B"),
        (1, OPEN_BATCH, "two", "B"),
        (2, OPEN_BATCH, "other", None),
    ]


def test_open_versions_stay_where_they_lie(deployed):
    """A changed row gets its new values in its page, where the order that it shares with the source is kept."""
    stream = deployed(
        plan(FORENSIC, table("items", ID, NAME)),
        "CREATE TABLE items (id integer PRIMARY KEY, name text)",
        "INSERT INTO items SELECT i, 'name' FROM generate_series(1, 2000) AS i",
    )
    stream.run()
    pages = "SELECT id, (ctid::text::point)[0] AS page FROM {} WHERE ds_surf_batch_out = 2147483647 ORDER BY id"
    before = stream.query(pages, stream.tables().plan.merge_table)
    stream.source("UPDATE items SET name = 'other' WHERE id % 20 = 0")
    stream.run()

    assert stream.query(pages, stream.tables().plan.merge_table) == before
