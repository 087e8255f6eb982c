"""The key of a dataset changes, comes or goes, with history in place: every version is closed and opened under it."""

from dataclasses import replace

import pytest

from datasurface.errors import ModelError
from datasurface.yellow.plan.streams import StreamPlan
from datasurface.yellow.plan.tables import ColumnPlan
from tests.db.engine.evolving import counts, evolve, indexed, since
from tests.db.streams import Stream, column, plan, table

ID = column("id", "integer", is_key=True)
NAME = column("name", "character varying(5)")
SIZE = column("size", "integer")
OTHERS = table("others", column("id", "integer", is_key=True), column("v"))
MAKE_ITEMS = "CREATE TABLE items (id integer NOT NULL, name varchar(50), size bigint, code text)"
SEED = "INSERT INTO items VALUES (1, 'one', 10, 'a'), (2, 'two', 20, NULL), (3, 'three', 30, 'c')"


@pytest.fixture
def stream(deployed, strategy) -> Stream:
    """A stream of three items of which the model has id and name, loaded."""
    stream = deployed(plan(strategy, table("items", ID, NAME)), MAKE_ITEMS, SEED)
    stream.run()
    return stream


def items(stream: Stream, *columns: ColumnPlan) -> StreamPlan:
    return plan(stream.plan.strategy, table("items", *columns))


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
