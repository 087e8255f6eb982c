"""The model changes while data and history are in place: columns, types, keys and datasets come, go and come back."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from datasurface.errors import ModelError, StateError, TransientError
from datasurface.yellow.engine.batch import crash_points
from datasurface.yellow.engine.batch.batch_state import BatchStatus
from datasurface.yellow.engine.batch.crash_points import CrashPoint
from datasurface.yellow.plan.streams import StreamPlan
from datasurface.yellow.plan.tables import BATCH_ID, BATCH_IN, BATCH_OUT, OPEN_BATCH, ColumnPlan
from tests.db.engine.conftest import FORENSIC, LIVE
from tests.db.engine.evolving import evolve
from tests.db.streams import SCHEMA, Stream, column, plan, table

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


def since(stream: Stream, dataset: str = "items") -> dict[Any, int]:
    """The batch that made each row of the present, by the row's id."""
    rows = stream.query("SELECT * FROM {}", stream.tables(dataset).plan.merge_table)
    name = BATCH_IN if stream.is_forensic else BATCH_ID
    return {row["id"]: row[name] for row in rows if row.get(BATCH_OUT, OPEN_BATCH) == OPEN_BATCH}


def sizes(stream: Stream) -> dict[Any, set[int | None]]:
    """What the merge table of items holds in the column size, of the plan or not, by the row's id."""
    found: dict[Any, set[int | None]] = {}
    for row in stream.query("SELECT * FROM {}", stream.tables("items").plan.merge_table):
        found.setdefault(row["id"], set()).add(row["size"])
    return found


def indexed(stream: Stream, dataset: str = "items") -> list[Sequence[str]]:
    """The columns of each unique index of a merge table."""
    rows = stream.query(
        "SELECT array_agg(a.attname::text ORDER BY k.n) AS columns FROM pg_index AS i,"
        " unnest(i.indkey) WITH ORDINALITY AS k (attnum, n), pg_attribute AS a"
        " WHERE i.indrelid = %s::regclass AND i.indisunique AND a.attrelid = i.indrelid AND a.attnum = k.attnum"
        " GROUP BY i.indexrelid",
        parameters=[f"{SCHEMA}.{stream.tables(dataset).plan.merge_table}"],
    )
    return [row["columns"] for row in rows]


def counts(stream: Stream, **run: Any) -> tuple[int | None, int, int, int, int]:
    result = stream.run(**run)
    return (result.batch_id, result.inserted, result.updated, result.deleted, result.total)


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
    """The table stays wide, the rows are read as the model says; a value too long for it fails by name."""
    evolve(stream, items(stream, ID, replace(NAME, sql_type="text")))
    stream.source("UPDATE items SET name = 'seven seas' WHERE id = 1")
    stream.run()
    evolve(stream, items(stream, ID, NAME))

    with pytest.raises(ModelError, match=r"items\.name: 1 value would lose by the cast"):
        stream.run()
    stream.source("UPDATE items SET name = 'one' WHERE id = 1")
    assert counts(stream) == (3, 0, 1, 0, 3)
    assert stream.run().outcome == "unchanged"


@pytest.mark.row("I17")
@pytest.mark.parametrize(
    ("key", "difference_bytes"),
    [(("name",), 1 << 20), (("id", "name"), 0), (("id", "code"), 1 << 20), ((), 0)],
    ids=["another, streamed", "wider, staged", "with a new column, streamed", "none, staged"],
)
def test_changed_key_closes_every_version_and_opens_it_under_the_new_one(deployed, strategy, key, difference_bytes):
    """One batch: all rows go, all rows come; the old key's columns may be null, the new key is the unique index."""
    columns = [
        replace(each, is_key=each.name in key, is_required=each.name in key) for each in (ID, NAME, column("code"))
    ]
    stream = deployed(
        plan(strategy, table("items", ID, NAME)), MAKE_ITEMS, SEED, "UPDATE items SET code = 'b' WHERE id = 2"
    )
    stream.run()
    evolve(stream, items(stream, *columns))

    assert counts(stream, difference_bytes=difference_bytes) == (2, 3, 0, 3, 3)

    assert stream.rows() == [(1, "one", "a"), (2, "two", "b"), (3, "three", "c")]
    assert set(since(stream).values()) == {2}
    assert indexed(stream) == ([list(key)] if key else [])
    if stream.is_forensic:
        spans = [(1, 1, 1), (1, 1, 2), (1, 1, 3), (2, None, 1), (2, None, 2), (2, None, 3)]
        assert [version[:3] for version in stream.history()] == spans
    assert stream.run(difference_bytes=difference_bytes).outcome == "unchanged"

    stream.source("UPDATE items SET code = 'x' WHERE id = 1", "DELETE FROM items WHERE id = 3")
    changed = (3, 0, 1, 1, 2) if key and "code" not in key else (3, 1, 0, 2, 2)
    assert counts(stream, difference_bytes=difference_bytes) == changed
    assert stream.rows() == [(1, "one", "x"), (2, "two", "b")]


def test_key_that_changed_before_the_first_load_leaves_no_column_required(deployed, strategy):
    """A first batch that failed for a null in the key is made once the model has another key."""
    both = [replace(each, is_key=True, is_required=True) for each in (ID, column("code"))]
    stream = deployed(plan(strategy, table("items", *both)), MAKE_ITEMS, SEED)
    with pytest.raises(ModelError, match=r"items\.code: 1 value would be null"):
        stream.run()
    evolve(stream, items(stream, ID, column("code")))

    assert counts(stream) == (1, 3, 0, 0, 3)
    assert indexed(stream) == [["id"]]


def test_key_column_that_left_the_model_before_the_first_load_does_not_refuse_rows(deployed, strategy):
    """It stays in the table, hidden, and is null in every row."""
    both = [replace(each, is_key=True, is_required=True) for each in (ID, NAME)]
    stream = deployed(plan(strategy, table("items", *both)), MAKE_ITEMS, SEED)
    evolve(stream, items(stream, ID))

    assert counts(stream) == (1, 3, 0, 0, 3)


def test_key_that_changed_and_changed_back_is_the_first_one_again(stream):
    """The index follows each time, and a live table's rows are found by it."""
    other = items(stream, replace(ID, is_key=False, is_required=False), replace(NAME, is_key=True, is_required=True))
    for batch_id, key in ((2, other), (3, items(stream, ID, NAME)), (4, other)):
        evolve(stream, key)
        assert counts(stream) == (batch_id, 3, 0, 3, 3)
        assert indexed(stream) == [list(key.tables[0].key)]
        assert stream.run().outcome == "unchanged"


def test_key_of_the_same_columns_in_another_order_is_no_other_key(deployed, strategy):
    """Moving columns about in the model rewrites nothing."""
    first, second = column("id", "integer", is_key=True), column("name", is_key=True)
    stream = deployed(plan(strategy, table("items", first, second, SIZE)), MAKE_ITEMS, SEED)
    stream.run()
    evolve(stream, items(stream, SIZE, second, first))

    assert stream.run().outcome == "unchanged"
    assert stream.run(in_full=True).outcome == "unchanged"
    stream.source("UPDATE items SET size = 7 WHERE id = 1")
    assert counts(stream) == (2, 0, 1, 0, 3)


def test_column_that_is_no_key_any_more_may_be_null(stream):
    """Key columns alone are physically required; the source decides about the others."""
    evolve(
        stream,
        items(stream, replace(ID, is_key=False, is_required=False), replace(NAME, is_key=True, is_required=True)),
    )
    stream.run()
    stream.source("ALTER TABLE items ALTER id DROP NOT NULL", "UPDATE items SET id = NULL WHERE id = 1")

    assert counts(stream) == (3, 0, 1, 0, 3)
    assert (None, "one") in stream.rows()


def test_dataset_that_gets_a_key_is_loaded_under_it(deployed, strategy):
    """From counted rows to keyed ones: the hash column stays behind, empty in new rows."""
    stream = deployed(plan(strategy, table("items", replace(ID, is_key=False), NAME)), MAKE_ITEMS, SEED)
    stream.run()
    evolve(stream, items(stream, ID, NAME))

    assert counts(stream) == (2, 3, 0, 3, 3)
    assert indexed(stream) == [["id"]]
    stream.source("UPDATE items SET name = 'x' WHERE id = 1")
    assert counts(stream) == (3, 0, 1, 0, 3)


@pytest.mark.row("I17", kind="refusal")
def test_column_renamed_where_there_is_no_key_is_no_unchanged_row(deployed, strategy):
    """The same values under another name are other rows, though their text is that of the old ones."""
    stream = deployed(plan(strategy, table("items", NAME, SIZE)), MAKE_ITEMS, SEED)
    stream.run()
    stream.source("ALTER TABLE items RENAME name TO label")
    evolve(stream, items(stream, replace(NAME, name="label"), SIZE))

    assert counts(stream) == (2, 3, 0, 3, 3)
    assert stream.rows() == [("one", 10), ("three", 30), ("two", 20)]
    assert stream.run().outcome == "unchanged"


@pytest.mark.row("I17")
def test_rows_without_a_key_stay_where_a_column_comes_or_goes_that_tells_nothing(deployed, strategy):
    """A column that is null everywhere, moved or hidden changes no row; one that then changes is one row."""
    stream = deployed(plan(strategy, table("items", NAME, SIZE)), MAKE_ITEMS, SEED)
    stream.run()
    stream.source("UPDATE items SET code = NULL")
    for columns in (
        (NAME, SIZE, column("code")),
        (SIZE, NAME, column("code")),
        (SIZE, NAME),
        (NAME, SIZE, column("code")),
    ):
        evolve(stream, items(stream, *columns))
        assert stream.run().outcome == "unchanged"

    stream.source("UPDATE items SET code = 'x' WHERE id = 1")
    assert counts(stream) == (2, 1, 0, 1, 3)


@pytest.mark.row("I17", kind="refusal")
def test_new_key_that_stands_twice_is_refused_and_the_old_rows_stay(stream):
    """A key that does not tell rows apart fails by name; nothing was closed, and the old model goes on."""
    before = stream.history() if stream.is_forensic else stream.rows()
    stream.source("UPDATE items SET code = 'same'")
    evolve(stream, items(stream, replace(ID, is_key=False), NAME, column("code", is_key=True)))

    with pytest.raises(ModelError, match=r"items: 1 key stands in more than one row, by the model's key \(code\)"):
        stream.run()

    evolve(stream, items(stream, ID, NAME))
    assert (stream.history() if stream.is_forensic else stream.rows()) == before
    assert indexed(stream) == [["id"]]
    assert stream.run().outcome == "unchanged"


def test_key_that_changed_while_the_table_was_empty_is_the_one_that_counts(stream):
    """Rows come back after the key changed: the new key is unique, the old one's columns may be null."""
    stream.source("DELETE FROM items")
    stream.run()
    evolve(stream, items(stream, replace(ID, is_key=False, is_required=False), NAME, column("code", is_key=True)))
    assert stream.run().outcome == "unchanged"
    stream.source(
        "ALTER TABLE items ALTER id DROP NOT NULL",
        "INSERT INTO items VALUES (1, 'x', 0, 'a'), (1, 'y', 0, 'b'), (NULL, 'z', 0, 'c')",
    )

    assert counts(stream) == (3, 3, 0, 0, 3)
    assert indexed(stream) == [["code"]]
    stream.source("UPDATE items SET name = 'q' WHERE code = 'c'")
    assert counts(stream) == (4, 0, 1, 0, 3)


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
def test_dataset_that_returns_under_another_key_is_loaded_under_it(stream):
    """The key of rows that were away for a while is told by their index, not by the last batch."""
    both, alone = plan(stream.plan.strategy, table("items", ID, NAME), OTHERS), items(stream, ID, NAME)
    by_value = table("others", column("id", "integer"), column("v", "text", is_key=True))
    stream.source(
        "CREATE TABLE others (id integer, v text PRIMARY KEY)", "INSERT INTO others VALUES (1, 'x'), (2, 'y')"
    )
    evolve(stream, both)
    stream.run()
    evolve(stream, alone)
    stream.source("UPDATE items SET name = 'eins' WHERE id = 1", "INSERT INTO others VALUES (2, 'z')")
    stream.run()
    evolve(stream, plan(stream.plan.strategy, table("items", ID, NAME), by_value))

    assert counts(stream) == (4, 3, 0, 2, 6)
    assert stream.rows("others") == [(1, "x"), (2, "y"), (2, "z")]
    assert indexed(stream, "others") == [["v"]]


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
