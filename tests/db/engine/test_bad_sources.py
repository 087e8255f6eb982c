"""Sources, logins and tables that are not as the model says: what the user reads, what stays, that the stream heals."""

from dataclasses import replace

import pytest
from psycopg2 import sql

from datasurface.errors import ModelError
from datasurface.yellow.engine.batch.batch_state import BatchStatus
from tests.db.engine.conftest import FORENSIC, LIVE
from tests.db.engine.two_items import ITEMS, MAKE_ITEMS, SEED, failure, loaded
from tests.db.streams import Stream, column, plan, table


@pytest.fixture
def stream(deployed) -> Stream:
    """A stream of two items, loaded."""
    return loaded(deployed)


#: What happens to the source, how it is put right, what the user reads.
BREAKS = {
    "renamed table": (
        "ALTER TABLE items RENAME TO things",
        "ALTER TABLE things RENAME TO items",
        "items: there is no table public.items in",
    ),
    "renamed column": (
        "ALTER TABLE items RENAME name TO label",
        "ALTER TABLE items RENAME label TO name",
        "items.name: source table items has no such column (it has id, label, size)",
    ),
    "ambiguous column": (
        """ALTER TABLE items ADD "Name" text; ALTER TABLE items RENAME name TO "NAME\"""",
        'ALTER TABLE items RENAME "NAME" TO name',
        "items.name: columns NAME, Name of source table items differ from it in case alone",
    ),
    "dropped column": (
        "ALTER TABLE items DROP size",
        "ALTER TABLE items ADD size integer; UPDATE items SET size = id",
        "items.size: source table items has no such column",
    ),
    "column of another type": (
        "ALTER TABLE items ALTER size TYPE date USING '2024-01-01'",
        "ALTER TABLE items ALTER size TYPE integer USING id",
        "items.size: a value would lose by the cast: the source says date, the model says integer",
    ),
}


@pytest.mark.parametrize(("breaking", "mending", "said"), BREAKS.values(), ids=BREAKS)
@pytest.mark.row("I17", kind="refusal")
def test_source_that_is_not_as_the_model_says_fails_by_name_and_heals(stream, breaking, mending, said):
    """A model error names what is missing; the failed batch is visible; put right, the stream goes on by itself."""
    stream.source(breaking)

    assert said in failure(stream, ModelError)
    assert stream.batch(2)["batch_status"] == BatchStatus.FAILED

    stream.source(mending)
    assert stream.run().outcome == "unchanged"
    assert stream.batch(2) is None


def test_missing_table_fails_the_first_batch(deployed):
    """Nothing is loaded of a store of which one table is missing."""
    other = table("others", column("id", "integer", is_key=True))
    stream = deployed(plan(LIVE, ITEMS, other), MAKE_ITEMS, SEED)

    assert "others: there is no table public.others in" in failure(stream, ModelError)
    assert stream.rows("items") == []
    stream.source("CREATE TABLE others (id integer PRIMARY KEY)")
    assert stream.run().batch_id == 1


def test_missing_schema_is_named(stream):
    """A table is looked for in the store's schema and nowhere else."""
    stream.redeploy(replace(stream.plan, source=replace(stream.plan.source, schema="elsewhere")))

    assert "items: there is no table elsewhere.items in" in failure(stream, ModelError)


@pytest.mark.row("I17")
def test_column_that_only_the_source_has_is_not_looked_at(stream):
    """A column that comes, changes and goes in the source and is not in the model makes no batch."""
    for change in ("ADD extra text DEFAULT 'x'", "ALTER extra TYPE varchar(10)", "DROP extra"):
        stream.source(f"ALTER TABLE items {change}")
        assert stream.run().outcome == "unchanged"


def test_source_column_moved_to_another_place_is_found_by_name(stream):
    """A table made anew with its columns in another order reads the same."""
    stream.source(
        "ALTER TABLE items RENAME TO old",
        "CREATE TABLE items (size integer, name text, extra integer, id integer PRIMARY KEY)",
        "INSERT INTO items SELECT size, name, 7, id FROM old",
    )

    assert stream.run().outcome == "unchanged"


def test_view_materialized_view_and_partitioned_table_are_read_like_tables(deployed):
    """What a source calls a table may be any relation."""
    stream = deployed(
        plan(
            FORENSIC,
            table("of_view", column("id", "integer", is_key=True), column("v", "text", is_required=True)),
            table("of_matview", column("id", "integer", is_key=True)),
            table("of_parts", column("id", "integer", is_key=True)),
        ),
        "CREATE TABLE base (id integer, v text)",
        "INSERT INTO base VALUES (1, 'x'), (2, 'y')",
        "CREATE VIEW of_view AS SELECT * FROM base",
        "CREATE MATERIALIZED VIEW of_matview AS SELECT id FROM base",
        "CREATE TABLE of_parts (id integer) PARTITION BY RANGE (id)",
        "CREATE TABLE part PARTITION OF of_parts FOR VALUES FROM (0) TO (9)",
        "INSERT INTO of_parts VALUES (1), (2)",
    )

    assert stream.run().total == 6
    stream.source("UPDATE base SET v = NULL WHERE id = 2", "DELETE FROM of_parts WHERE id = 2")
    message = failure(stream, ModelError)
    assert "of_view.v: 1 value would be null, and the model says not null (first: key id=2)" in message
    stream.source("UPDATE base SET v = 'z' WHERE id = 2")
    result = stream.run()
    assert (result.updated, result.deleted) == (1, 1)


@pytest.mark.parametrize("difference_bytes", [1 << 20, 0], ids=["streamed", "staged"])
def test_error_of_the_source_while_it_is_copied_is_the_one_that_is_reported(deployed, difference_bytes):
    """A view that fails on one of its rows: its own error is said, in the first load as in a later look."""
    stream = deployed(
        plan(LIVE, table("shares", column("id", "integer", is_key=True), column("v", "integer"))),
        "CREATE TABLE base (id integer PRIMARY KEY, n integer)",
        "INSERT INTO base SELECT n, n % 5000 FROM generate_series(1, 9999) AS n",
        "CREATE VIEW shares AS SELECT id, 100 / n AS v FROM base",
    )
    assert "22012 division_by_zero" in failure(stream, ModelError)

    stream.source("UPDATE base SET n = 1 WHERE n = 0")
    assert stream.run().batch_id == 1
    stream.source("UPDATE base SET n = 50", "UPDATE base SET n = 0 WHERE id = 9999")
    with pytest.raises(ModelError, match="22012 division_by_zero"):
        stream.run(difference_bytes=difference_bytes)


@pytest.mark.parametrize("domain", ["text", "required"], ids=["table's not null", "domain's not null"])
def test_null_behind_an_outer_join_is_found(deployed, domain):
    """A view can give null where the table behind it, or its domain, cannot."""
    stream = deployed(
        plan(LIVE, table("joined", column("id", "integer", is_key=True), column("v", "text", is_required=True))),
        "CREATE DOMAIN required AS text NOT NULL",
        "CREATE TABLE a (id integer PRIMARY KEY)",
        f"CREATE TABLE b (id integer PRIMARY KEY, v {domain} NOT NULL)",
        "CREATE VIEW joined AS SELECT a.id, b.v FROM a LEFT JOIN b USING (id)",
        "INSERT INTO a VALUES (1)",
    )

    assert "joined.v: 1 value would be null" in failure(stream, ModelError)


def test_not_null_that_was_never_validated_is_checked(deployed):
    """PostgreSQL 18 can promise not null for new rows alone; old ones are looked at."""
    stream = deployed(
        plan(LIVE, table("items", column("id", "integer", is_key=True))), "CREATE TABLE items (id integer)"
    )
    if stream.query("SELECT current_setting('server_version_num')::integer AS version")[0]["version"] < 180_000:
        pytest.skip("a not null constraint that is not valid needs PostgreSQL 18")
    stream.source("INSERT INTO items VALUES (NULL)", "ALTER TABLE items ADD CONSTRAINT r NOT NULL id NOT VALID")

    assert "items.id: 1 value would be null" in failure(stream, ModelError)


def test_missing_merge_table_is_a_model_error_and_no_other_dataset_moves(deployed):
    """A dropped merge table fails the whole batch; its name is said."""
    stream = deployed(
        plan(FORENSIC, ITEMS, table("others", column("id", "integer", is_key=True))),
        MAKE_ITEMS,
        SEED,
        "CREATE TABLE others (id integer PRIMARY KEY)",
        "INSERT INTO others VALUES (1)",
    )
    stream.run()
    stream.execute(sql.SQL("DROP TABLE {}").format(stream.tables("others").merge))
    stream.source("UPDATE items SET size = 7", "INSERT INTO others VALUES (2)")

    with pytest.raises(ModelError, match="yellowforensic_store1_others_merge"):
        stream.run()

    assert len(stream.history("items")) == 2
    assert stream.batch(2)["batch_status"] == BatchStatus.FAILED


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"platform": "Nowhere"}, "no stream of store Store1 is planned on platform Nowhere"),
        ({"store": "Store2"}, "no stream of store Store2 is planned on platform YellowLive"),
        ({"dataset": "items"}, "dataset items of Store1 has no stream of its own on platform YellowLive"),
    ],
    ids=["platform", "store", "dataset"],
)
def test_stream_that_is_not_planned_is_a_model_error(stream, changes, said):
    """The message says which of the names is wrong, and nothing is recorded anywhere."""
    from datasurface.yellow.engine.batch import run

    request = replace(stream.request(), **changes)

    with pytest.raises(ModelError, match=said):
        run.run(request, stream.links, lambda *_: None)

    assert stream.batch(2) is None
