"""Keys that stand twice in a source without a constraint: refused by name on every path, and nothing is applied."""

import hashlib
from dataclasses import replace

import psycopg2.errors
import pytest

from datasurface.errors import ModelError
from datasurface.yellow.engine.batch.batch_state import BatchStatus
from tests.db.engine.conftest import FORENSIC, LIVE
from tests.db.streams import Stream, column, plan, table

ITEMS = table(
    "items",
    column("id", "character varying(20)", is_key=True),
    column("no", "integer", is_key=True),
    column("name", "text"),
)
MAKE_ITEMS = "CREATE TABLE items (id varchar(20) NOT NULL, no integer NOT NULL, name text)"
SEED = "INSERT INTO items SELECT 'id ' || n, n, 'name ' || n FROM generate_series(1, 200) AS n"

#: What is inserted into a source that holds every key once.
DUPLICATES = {
    "beside an unchanged row": "('id 7', 7, 'another name')",
    "of an unchanged row": "('id 7', 7, 'name 7')",
    "three of an unchanged row": "('id 7', 7, 'name 7'), ('id 7', 7, 'name 7')",
    "first and last": "('id 1', 1, 'name 1'), ('id 200', 200, 'x')",
    "of a new key": "('new', 1, 'a'), ('new', 1, 'b')",
    "alike of a new key": "('new', 1, 'a'), ('new', 1, 'a')",
}
INSERT = "INSERT INTO items VALUES {}"


@pytest.fixture
def stream(deployed, strategy) -> Stream:
    """A stream of 200 items, loaded."""
    stream = deployed(plan(strategy, ITEMS), MAKE_ITEMS, SEED)
    stream.run()
    return stream


@pytest.mark.row("I10", kind="refusal")
@pytest.mark.parametrize("difference_bytes", [1 << 20, 0], ids=["streamed", "staged"])
def test_key_that_comes_to_stand_twice_is_refused(stream, difference_bytes):
    """Whatever the second row looks like: the message has the key, the merge table stays, the batch heals by itself."""
    before = stream.rows()
    findings = []
    for case, rows in DUPLICATES.items():
        stream.source(INSERT.format(rows), "INSERT INTO items VALUES ('other', 1, 'change')")
        try:
            result = stream.run(difference_bytes=difference_bytes)
        except ModelError as error:
            keys = 2 if case == "first and last" else 1
            stands = "2 keys stand" if keys == 2 else "1 key stands"
            if f"items: {stands} in more than one row, by the model's key (id, no) (first: key id=" not in str(error):
                findings.append(f"{case}: {error}")
            if stream.batch(2)["batch_status"] != BatchStatus.FAILED:
                findings.append(f"{case}: batch 2 is {stream.batch(2)}")
        else:
            findings.append(f"{case}: {result}")
        if stream.rows() != before:
            findings.append(f"{case}: the merge table changed")
        stream.source("TRUNCATE items", SEED)

    assert findings == []
    assert stream.run(difference_bytes=difference_bytes).outcome == "unchanged"
    stream.source("UPDATE items SET name = 'x' WHERE no = 7")
    result = stream.run(difference_bytes=difference_bytes)
    assert (result.batch_id, result.updated) == (2, 1)


@pytest.mark.parametrize("difference_bytes", [1 << 20, 0], ids=["streamed", "staged"])
def test_changed_row_that_stands_twice_is_refused(stream, difference_bytes):
    """Both rows of the key are new to the merge table, alike or not."""
    for names in (("a", "b"), ("a", "a")):
        stream.source("DELETE FROM items WHERE no = 7", *[INSERT.format(f"('id 7', 7, '{name}')") for name in names])
        with pytest.raises(ModelError, match=r"items: 1 key stands in more than one row.*key id=id 7, no=7"):
            stream.run(difference_bytes=difference_bytes)

    assert ("id 7", 7, "name 7") in stream.rows()


@pytest.mark.parametrize(
    "rows", ["('a', 1, 'x'), ('a', 1, 'y')", "('a', 1, 'x'), ('a', 1, 'x')"], ids=["other", "alike"]
)
def test_first_load_refuses_a_key_that_stands_twice(deployed, strategy, rows):
    """Batch 1 fails with the key's name; mended, it is loaded under the same id."""
    stream = deployed(plan(strategy, ITEMS), MAKE_ITEMS, INSERT.format(rows))

    with pytest.raises(ModelError, match=r"batch 1 failed: items: 1 key stands in more than one row.*key id=a, no=1"):
        stream.run()

    assert stream.rows() == []
    assert stream.batch(1)["batch_status"] == BatchStatus.FAILED
    stream.source("DELETE FROM items", "INSERT INTO items VALUES ('a', 1, 'x')")
    assert stream.run().batch_id == 1
    assert stream.rows() == [("a", 1, "x")]


def test_rows_far_apart_that_are_alike_are_refused(deployed):
    """The second one arrives when the first was long thrown out as equal."""
    stream = deployed(
        plan(LIVE, ITEMS),
        MAKE_ITEMS,
        "INSERT INTO items SELECT 'id ' || n, n, repeat('x', 1000) FROM generate_series(1, 5000) AS n",
    )
    stream.run()
    stream.source("INSERT INTO items SELECT 'id 1', 1, repeat('x', 1000)")

    with pytest.raises(ModelError, match=r"items: 1 key stands in more than one row.*key id=id 1, no=1"):
        stream.run()


def test_classified_key_that_stands_twice_is_shown_as_its_hash(deployed):
    """The message holds no value of a classified key."""
    columns = [replace(each, is_classified=True) for each in ITEMS.columns]
    stream = deployed(
        plan(FORENSIC, table("items", *columns)), MAKE_ITEMS, INSERT.format("('Jane', 1, 'a'), ('Jane', 1, 'b')")
    )

    with pytest.raises(ModelError) as caught:
        stream.run()

    assert "Jane" not in str(caught.value)
    assert hashlib.sha256(b"Jane\t1").hexdigest()[:12] in str(caught.value)


def test_keys_that_a_collation_calls_equal_are_two_keys(deployed):
    """Equal to the source's case-blind collation, two texts to the platform: no duplicates, and none are reported."""
    stream = deployed(
        plan(LIVE, table("items", column("id", "text", is_key=True), column("n", "integer"))),
        "CREATE TABLE items (id text NOT NULL, n integer)",
        "INSERT INTO items VALUES ('abc', 1), ('ABC', 2)",
    )
    try:
        stream.source("CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false)")
    except psycopg2.errors.FeatureNotSupported:
        pytest.skip("this PostgreSQL is built without ICU, which case-blind collations need")
    stream.source("ALTER TABLE items ALTER id TYPE text COLLATE blind")
    assert stream.run().total == 2

    stream.source("INSERT INTO items VALUES ('x', 1), ('x', 2)")
    with pytest.raises(ModelError, match=r"items: 1 key stands in more than one row.*\(first: key id=x\)"):
        stream.run()


@pytest.mark.parametrize("difference_bytes", [1 << 20, 0], ids=["streamed", "staged"])
def test_keys_that_their_type_calls_equal_stand_twice(deployed, strategy, difference_bytes):
    """1.0 and 1.00 are two texts and one key to every index: the source has to decide for one."""
    stream = deployed(
        plan(strategy, table("items", column("id", "numeric", is_key=True), column("n", "integer"))),
        "CREATE TABLE items (id numeric NOT NULL, n integer)",
        "INSERT INTO items VALUES (1.0, 1), (2, 2)",
    )
    stream.run()
    stream.source("INSERT INTO items VALUES (1.00, 1)")

    with pytest.raises(ModelError, match=r"items: 1 key stands in more than one row.*\(first: key id=1\.0\)"):
        stream.run(difference_bytes=difference_bytes)


def test_keys_that_look_alike_once_joined_are_two_keys(deployed):
    """Only the key that stands twice is counted, not two whose columns glued together give one text."""
    stream = deployed(
        plan(LIVE, table("items", column("a", is_key=True), column("b", is_key=True))),
        "CREATE TABLE items (a text NOT NULL, b text NOT NULL)",
        "INSERT INTO items VALUES (E'a\\t', 'b'), ('a', E'\\tb'), ('x', 'y'), ('x', 'y')",
    )

    with pytest.raises(ModelError, match=r"items: 1 key stands in more than one row.*\(first: key a=x, b=y\)"):
        stream.run()


@pytest.mark.parametrize("difference_bytes", [1 << 20, 0], ids=["streamed", "staged"])
def test_null_in_a_key_is_refused(stream, difference_bytes):
    """A source that allows it fails the batch before anything is compared."""
    before = stream.rows()
    stream.source("ALTER TABLE items ALTER no DROP NOT NULL", "UPDATE items SET no = NULL WHERE no = 7")

    with pytest.raises(ModelError, match=r"items\.no: 1 value would be null, and the model says not null.*key id=id 7"):
        stream.run(difference_bytes=difference_bytes)

    assert stream.rows() == before
