"""Source columns of other types than the model's: read where no value loses by it, else the batch fails by name."""

import hashlib
from dataclasses import replace

import pytest
from psycopg2 import sql

from datasurface.errors import ModelError
from datasurface.yellow.engine.batch.batch_state import BatchStatus
from tests.db.engine.conftest import FORENSIC, LIVE
from tests.db.streams import Stream, column, plan, table

#: Source type, model type, a value of the source, what the platform makes of it.
FITTING = [
    ("varchar(5)", "character varying(20)", "'x'", "x"),
    ("char(5)", "character varying(5)", "'x'", "x"),
    ("smallint", "bigint", "7", "7"),
    ("integer", "numeric(12,2)", "7", "7.00"),
    ("numeric(5,1)", "numeric(10,3)", "1.5", "1.500"),
    ("real", "double precision", "0.1", "0.10000000149011612"),
    ("date", "timestamp without time zone", "'2024-02-29'", "2024-02-29 00:00:00"),
    ("integer[]", "bigint[]", "'{1,NULL}'", "{1,NULL}"),
    ("text", "character varying(3)", "'äöü'", "äöü"),
    ("text", "integer", "'-12'", "-12"),
    ("text", "date", "'2024-02-29'", "2024-02-29"),
    ("text", "uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("numeric", "numeric(10,2)", "1.25", "1.25"),
    ("numeric(20,10)", "numeric(10,2)", "1.25", "1.25"),
    ("bigint", "smallint", "-32768", "-32768"),
    ("double precision", "real", "0.5", "0.5"),
    ("double precision", "integer", "7", "7"),
    ("timestamp", "date", "'2024-02-29 00:00'", "2024-02-29"),
    ("timestamptz", "timestamp without time zone", "'2024-02-29 12:00+00'", "2024-02-29 12:00:00"),
    ("varchar(20)", "character(3)", "'abc'", "abc"),
    ("jsonb", "json", """'{"a": 1}'""", '{"a": 1}'),
    ("inet", "text", "'10.0.0.1'", "10.0.0.1/32"),
    ('"char"', "text", "'x'", "x"),
    ("time(0)", "time without time zone", "'12:00'", "12:00:00"),
    ("numeric(5,-2)", "numeric", "12345", "12300"),
    ("numeric(3,5)", "numeric(10,5)", "0.00123", "0.00123"),
    ("interval day to second", "interval", "'1 2:03'", "1 day 02:03:00"),
    ("interval(0)", "interval", "'1.6 seconds'", "00:00:02"),
    ("timestamp(3)", "timestamp without time zone", "'2024-03-31 02:30:00.1239'", "2024-03-31 02:30:00.124"),
    ("name", "text", "'x'", "x"),
    ("oid", "bigint", "4294967295", "4294967295"),
    ("int4range", "text", "'[1,3)'", "[1,3)"),
    ("timetz", "text", "'12:00+02'", "12:00:00+02"),
    ("money", "text", "'-1234.5'", "-$1,234.50"),
    ("bit(4)", "text", "B'0101'", "0101"),
    ("tsvector", "text", "'a:1 b'", "'a':1 'b'"),
    ("bigint[]", "integer[]", "'[2:3]={1,2}'", "[2:3]={1,2}"),
    ("json", "jsonb", """'{"a": 1}'""", '{"a": 1}'),
]
#: Source type, model type, a value that fits, one that does not.
LOSING = [
    ("text", "character varying(3)", "'abc'", "'abcd'"),
    ("varchar(20)", "character varying(3)", "'abc'", "'abc '"),
    ("text", "character(3)", "'abc'", "'ab '"),
    ("numeric", "numeric(10,2)", "1.25", "1.255"),
    ("numeric(20,2)", "numeric(5,2)", "1.25", "12345.67"),
    ("numeric(10,3)", "integer", "7", "7.5"),
    ("bigint", "integer", "7", "2147483648"),
    ("bigint", "double precision", "7", "9007199254740993"),
    ("double precision", "real", "0.5", "0.1"),
    ("double precision", "real", "0.5", "1e300"),
    ("timestamp", "date", "'2024-02-29'", "'2024-02-29 00:00:01'"),
    ("timestamptz", "date", "'2024-02-29 00:00Z'", "'2024-02-29 00:00+01'"),
    ("text", "integer", "'7'", "'seven'"),
    ("text", "integer", "'7'", "'07'"),
    ("text", "integer", "'7'", "''"),
    ("text", "date", "'2024-02-29'", "'2024-02-30'"),
    ("text", "boolean", "'true'", "'yes'"),
    ("text", "jsonb", """'{"a": 1}'""", """'{"a":1}'"""),
    ("integer", "boolean", "1", "7"),
    ("integer[]", "smallint[]", "'{1}'", "'{1,70000}'"),
    ("varchar[]", "character varying(2)[]", "'{ab}'", "'{ab,abc}'"),
    ("double precision", "numeric", "7", "0.30000000000000004"),
    ("json", "jsonb", """'{"a": 1}'""", """'{"a":1,"a":2}'"""),
    ("json", "jsonb", """'{"a": 1}'""", """'"\\u0000"'"""),
    ("timetz", "time without time zone", "'12:00+00'", "'12:00+02'"),
    ("interval", "time without time zone", "'12:00'", "'1 day 12:00'"),
    ("bigint", "real", "7", "16777217"),
]
#: Source and model type between which PostgreSQL has no cast.
WITHOUT_CAST = [("integer", "date"), ("date", "integer"), ("text[]", "integer")]


INSERT = "INSERT INTO t{} VALUES {}"
DELETE = "DELETE FROM t{} WHERE id > 1"
TEXTS = "SELECT ARRAY[{}] AS found FROM {{}} WHERE id = 1"
RENAME = "UPDATE items SET id = 'Jane Doe', {} WHERE id = 'c'"


def _ids(cases: list[tuple[str, ...]]) -> list[str]:
    return [" ".join(("-to-".join(case[:2]), *case[3:])) for case in cases]


@pytest.mark.parametrize("difference_bytes", [1 << 20, 0], ids=["streamed", "staged"])
def test_columns_of_other_types_are_read_where_their_values_fit(deployed, strategy, difference_bytes):
    """Narrower, wider and other types arrive in the model's types; a second look finds nothing, a change is found."""
    columns = [column(f"c{number}", each[1]) for number, each in enumerate(FITTING)]
    own = ", ".join(f"c{number} {each[0]}" for number, each in enumerate(FITTING))
    values = ", ".join(each[2] for each in FITTING)
    stream = deployed(
        plan(strategy, table("items", column("id", "integer", is_key=True), *columns)),
        f"CREATE TABLE items (id smallint PRIMARY KEY, {own})",
        sql.SQL("INSERT INTO items VALUES (1, {}), (2{})").format(sql.SQL(values), sql.SQL(", NULL" * len(FITTING))),
    )
    stream.run(difference_bytes=difference_bytes)
    texts = ", ".join(f"c{number}::text" for number in range(len(FITTING)))

    (row,) = stream.query(TEXTS.format(texts), stream.plan.tables[0].merge_table)
    assert [f"{case}: {found}" for case, found in zip(_ids(FITTING), row["found"], strict=True)] == [
        f"{case}: {each[3]}" for case, each in zip(_ids(FITTING), FITTING, strict=True)
    ]
    assert stream.run(difference_bytes=difference_bytes, in_full=True).outcome == "unchanged"

    stream.source("UPDATE items SET c0 = 'y' WHERE id = 2")
    assert stream.run(difference_bytes=difference_bytes).updated == 1


@pytest.fixture
def losing(deployed):
    """A stream of one dataset per case of LOSING, each with one value that fits."""
    return deployed(
        plan(LIVE, *[_losing_table(number, each[1]) for number, each in enumerate(LOSING)]),
        *[f"CREATE TABLE t{number} (id integer PRIMARY KEY, v {each[0]})" for number, each in enumerate(LOSING)],
        *[INSERT.format(number, f"(1, {each[2]})") for number, each in enumerate(LOSING)],
    )


def _losing_table(number: int, sql_type: str):
    return table(f"t{number}", column("id", "integer", is_key=True), column("v", sql_type))


def test_value_that_the_models_type_cannot_hold_fails_the_batch_by_name(losing):
    """Too long, out of range, in need of rounding, with a time of day: named, counted, and nothing is applied."""
    losing.run()
    findings = []
    for number, (source_type, model_type, _, value) in enumerate(LOSING):
        losing.source(
            INSERT.format(number, f"(2, {value}), (3, {value})"), INSERT.format((number + 1) % len(LOSING), "(9, NULL)")
        )
        message = _failure(losing)
        if f"t{number}.v: " not in message or "would lose by the cast" not in message:
            findings.append(f"{source_type} to {model_type}, {value}: {message}")
        if value.strip("'") and f" {value.strip(chr(39))} " in message:
            findings.append(f"{source_type} to {model_type}: the message holds the value: {message}")
        if losing.batch(2)["batch_status"] != BatchStatus.FAILED:
            findings.append(f"{source_type} to {model_type}, {value}: {losing.batch(2)}")
        losing.source(*[DELETE.format(other) for other in range(len(LOSING))])

    assert findings == []
    assert all(len(losing.rows(f"t{number}")) == 1 for number in range(len(LOSING)))
    assert losing.run().outcome == "unchanged"
    assert losing.batch(2) is None


def test_table_of_a_thousand_columns_of_other_types_is_checked(deployed):
    """More checks than one statement can answer are asked in several."""
    names = [f"c{number}" for number in range(1000)]
    stream = deployed(
        plan(LIVE, table("items", column("id", "integer", is_key=True), *[column(name, "integer") for name in names])),
        f"CREATE TABLE items (id integer PRIMARY KEY, {', '.join(f'{name} text' for name in names)})",
        "INSERT INTO items (id, c0, c999) VALUES (1, '1', '2')",
    )
    assert stream.run().total == 1
    stream.source("UPDATE items SET c999 = ' 2'")

    assert "items.c999: 1 value would lose by the cast" in _failure(stream)


@pytest.mark.parametrize(("source_type", "model_type"), WITHOUT_CAST, ids=_ids(WITHOUT_CAST))
def test_type_without_a_cast_fails_the_batch_by_name(deployed, source_type, model_type):
    """Where PostgreSQL knows no way from one type to the other, the message says which column."""
    stream = deployed(
        plan(LIVE, table("items", column("id", "integer", is_key=True), column("v", model_type), column("w", "text"))),
        f"CREATE TABLE items (id integer PRIMARY KEY, v {source_type}, w varchar(3))",
        "INSERT INTO items VALUES (1)",
    )

    assert "items.v: " in _failure(stream)
    assert stream.batch(1)["batch_status"] == BatchStatus.FAILED


ITEMS = table(
    "items",
    column("id", "character varying(20)", is_key=True),
    column("name", "character varying(5)", is_required=True),
    column("color", "text", labels=("red", "green")),
    column("size", "integer"),
)
MAKE_ITEMS = "CREATE TABLE items (id varchar(20) PRIMARY KEY, name text, color text, size text)"
SEED = "INSERT INTO items VALUES ('a', 'one', 'red', '1'), ('b', 'two', NULL, NULL), ('c', 'three', 'green', '3')"


@pytest.fixture
def items(deployed, strategy) -> Stream:
    """A stream of three items, loaded."""
    stream = deployed(plan(strategy, ITEMS), MAKE_ITEMS, SEED)
    stream.run()
    return stream


def test_message_says_how_many_values_of_which_columns_and_the_first_key(items):
    """All checks of a table are in one message; the key is shown, a value never."""
    items.source(
        "UPDATE items SET name = 'a long secret'",
        "UPDATE items SET name = NULL WHERE id = 'b'",
        "UPDATE items SET color = 'blue' WHERE id IN ('b', 'c')",
        "INSERT INTO items VALUES ('d', 'four', NULL, '4')",
    )

    message = _failure(items)

    assert "items.name: 1 value would be null, and the model says not null (first: key id=b)" in message
    assert "items.name: 2 values would lose by the cast: the source says text" in message
    assert "the model says character varying(5) (first: key id=a)" in message
    assert "items.color: 2 values" in message
    assert "(first: key id=b)" in message
    assert "secret" not in message
    assert "blue" not in message


@pytest.mark.parametrize("bad", ["name = 'too long'", "size = 'seven'"], ids=["loses", "cannot be cast"])
def test_classified_key_is_shown_as_its_hash(deployed, bad):
    """Neither the message nor the stored failure has the key's value; its hash finds the row again."""
    columns = [replace(each, is_classified=True) for each in ITEMS.columns]
    stream = deployed(plan(LIVE, table("items", *columns)), MAKE_ITEMS, SEED)
    stream.run()
    stream.source(RENAME.format(bad))

    message = _failure(stream)

    stored = stream.batch(2)["state"]["failure"]["message"]
    for text in (message, stored):
        assert "Jane" not in text
        assert "too long" not in text
        assert "seven" not in text
        assert "items." in text
    if bad.startswith("name"):
        assert hashlib.sha256(b"Jane Doe").hexdigest()[:12] in message


@pytest.mark.row("I17", kind="refusal")
def test_failed_batch_is_visible_and_goes_on_under_its_id_once_the_source_is_mended(items):
    """The batch is recorded as failed with its reason; mended, the next run makes the same batch of what is left."""
    before = items.rows()
    items.source("UPDATE items SET name = 'too long'", "INSERT INTO items VALUES ('d', 'four', NULL, '4')")
    message = _failure(items)

    failed = items.batch(2)
    assert failed["batch_status"] == BatchStatus.FAILED
    assert failed["state"]["failure"]["family"] == "model"
    assert "items.name: 3 values" in failed["state"]["failure"]["message"]
    assert "Store1 batch 2 failed: " in message
    assert items.rows() == before
    assert _failure(items) == message

    items.source("UPDATE items SET name = 'ok'")
    result = items.run()

    assert (result.batch_id, result.inserted, result.updated) == (2, 1, 3)
    assert items.batch(2)["batch_status"] == BatchStatus.COMMITTED
    assert "failure" not in {key for key, value in items.batch(2)["state"].items() if value}


@pytest.mark.row("I17")
def test_failed_batch_goes_on_under_its_id_once_the_model_is_mended(items):
    """A wider type in the model lets the value in: nothing was staged, so the batch begins again under the new plan."""
    items.source("UPDATE items SET name = 'wider' || name WHERE id = 'a'")
    _failure(items)

    columns = [
        replace(each, sql_type="character varying(50)") if each.name == "name" else each for each in ITEMS.columns
    ]
    for place in (items.tables().merge, items.tables().staging):
        items.execute(sql.SQL("ALTER TABLE {} ALTER COLUMN name TYPE varchar(50)").format(place))
    items.redeploy(plan(items.plan.strategy, table("items", *columns)))
    result = items.run()

    assert (result.batch_id, result.updated) == (2, 1)
    assert items.batch(2)["state"]["schema_hash"] == items.plan.schema_hash


def test_failure_that_goes_away_without_a_difference_leaves_no_batch(items):
    """The bad value is taken back: the stream equals its last batch, and no unfinished one is left to alert."""
    items.source("UPDATE items SET name = 'too long' WHERE id = 'a'")
    _failure(items)
    items.source("UPDATE items SET name = 'one' WHERE id = 'a'")

    result = items.run()

    assert (result.outcome, result.batch_id) == ("unchanged", None)
    assert items.batch(2) is None
    items.source("UPDATE items SET size = '5' WHERE id = 'a'")
    assert items.run().batch_id == 2


def test_label_that_the_model_does_not_list_fails_the_first_batch(deployed):
    """The first load is checked like any other; nothing is in the merge table after."""
    stream = deployed(plan(FORENSIC, ITEMS), MAKE_ITEMS, SEED, "UPDATE items SET color = 'Red' WHERE id = 'a'")

    message = _failure(stream)

    assert "items.color: 1 value would be no label of the model's Enum (first: key id=a)" in message
    assert stream.batch(1)["batch_status"] == BatchStatus.FAILED
    assert stream.rows() == []
    stream.source("UPDATE items SET color = 'red' WHERE id = 'a'")
    assert stream.run().batch_id == 1


def test_value_that_is_no_label_any_more_is_found_in_an_enum_of_the_source(deployed):
    """A label that only the source's own Enum knows is refused, one that both know is read as text."""
    stream = deployed(
        plan(LIVE, table("items", column("id", "integer", is_key=True), column("c", "text", labels=("red", "blue")))),
        "CREATE TYPE color AS ENUM ('red', 'green')",
        "CREATE TABLE items (id integer PRIMARY KEY, c color)",
        "INSERT INTO items VALUES (1, 'red'), (2, NULL)",
    )
    stream.run()
    assert stream.rows() == [(1, "red"), (2, None)]

    stream.source("UPDATE items SET c = 'green' WHERE id = 2")
    assert "items.c: 1 value would be no label of the model's Enum (first: key id=2)" in _failure(stream)


def _failure(stream: Stream) -> str:
    with pytest.raises(ModelError) as caught:
        stream.run()
    return str(caught.value)
