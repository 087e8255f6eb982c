"""What merge and staging tables are called and look like, and what a batch never does to them."""

from typing import Any

import psycopg2.errors
import pytest
from psycopg2 import sql

from datasurface.yellow.engine.batch.batch_state import BatchStatus
from datasurface.yellow.plan.tables import ALL_HASH, BATCH_ID, BATCH_IN, BATCH_OUT, KEY_HASH, OPEN_BATCH
from tests.db.engine.conftest import FORENSIC, LIVE
from tests.db.streams import Stream, column, plan, table

ITEMS = table("Customers", column("Id", "integer", is_key=True), column("Name"))
MAKE = (
    """CREATE TABLE "Customers" ("Id" integer PRIMARY KEY, "Name" text)""",
    """INSERT INTO "Customers" VALUES (1, 'a'), (2, 'b'), (3, 'c')""",
)
CHANGE = """UPDATE "Customers" SET "Name" = "Name" || 'x' WHERE "Id" = 1"""


@pytest.fixture
def stream(deployed, strategy) -> Stream:
    """A stream of three customers, loaded."""
    stream = deployed(plan(strategy, ITEMS), *MAKE)
    stream.run()
    return stream


def columns_of(stream: Stream, name: str) -> list[str]:
    rows = stream.query(
        "SELECT column_name::text FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position",
        parameters=[name],
    )
    return [row["column_name"] for row in rows]


def versions(stream: Stream) -> dict[tuple[Any, ...], str]:
    """Every row of the merge table and where its version lies, written by which transaction."""
    rows = stream.query("SELECT ctid::text || '/' || xmin::text AS place, * FROM {}", stream.plan.tables[0].merge_table)
    return {tuple(row.values())[1:]: row["place"] for row in rows}


@pytest.mark.row("I05")
def test_tables_are_named_by_platform_store_and_dataset_in_lower_case(stream):
    """Merge, staging and the batch tables exist under these names and no others."""
    platform = stream.plan.platform.lower()
    assert platform in ("yellowlive", "yellowforensic")

    rows = stream.query("SELECT tablename::text FROM pg_tables WHERE tablename LIKE %s", parameters=[f"{platform}%"])

    assert {row["tablename"] for row in rows} == {
        f"{platform}_store1_customers_merge",
        f"{platform}_store1_customers_staging",
        f"{platform}_batch_counter",
        f"{platform}_batch_metrics",
        f"{platform}_stream_plan",
        f"{platform}_airflow_dsg",
    }


@pytest.mark.row("I05", kind="refusal")
@pytest.mark.parametrize("dataset", ["D" * 200, "Größen & Maße", 'x"; DROP TABLE y'], ids=["long", "letters", "quotes"])
def test_no_dataset_gets_a_name_that_postgresql_would_cut_or_fold(deployed, strategy, dataset):
    """A dataset of any name has tables of at most 63 bytes in lower case, and is loaded into them."""
    source = table(dataset, column("id", "integer", is_key=True))
    stream = deployed(
        plan(strategy, source), sql.SQL("CREATE TABLE {} (id integer PRIMARY KEY)").format(sql.Identifier(dataset[:63]))
    )
    tables = stream.tables()
    if len(dataset) > 63:
        stream.redeploy(_reading(stream, dataset[:63]))

    assert stream.run().batch_id == 1
    names = {tables.plan.merge_table, tables.plan.staging_table, tables.key_index}
    assert {(name.lower(), len(name.encode()) <= 63) for name in names} == {(name, True) for name in names}
    there = stream.query("SELECT relname::text FROM pg_class WHERE relname = ANY (%s)", parameters=[list(names)])
    assert {row["relname"] for row in there} == names


@pytest.mark.row("I04")
def test_rows_carry_their_batches(stream):
    """Live rows the batch that made them, versions their first and last one, staged rows the batch that read them."""
    batch_columns = [BATCH_IN, BATCH_OUT] if stream.is_forensic else [BATCH_ID]
    assert columns_of(stream, stream.plan.tables[0].merge_table) == ["Id", "Name", *batch_columns]
    assert columns_of(stream, stream.plan.tables[0].staging_table) == ["Id", "Name", BATCH_ID]

    stream.source(CHANGE)
    stream.run(difference_bytes=0)

    staged = stream.query("SELECT * FROM {}", stream.plan.tables[0].staging_table)
    assert [row[BATCH_ID] for row in staged] == [2, 2, 2]
    ends = {row[-1] for row in versions(stream)}
    assert ends == ({1, OPEN_BATCH} if stream.is_forensic else {1, 2})


@pytest.mark.row("I04", kind="refusal")
def test_hashes_are_kept_only_where_they_are_asked_for(deployed, strategy):
    """They cost time and decide nothing: a dataset without a key has the one it needs, `store_hashes` brings both."""
    without = deployed(plan(strategy, ITEMS, table("rows", column("v"))), *MAKE, "CREATE TABLE rows (v text)")
    without.run()
    keyed, counted = (each.merge_table for each in without.plan.tables)

    assert {KEY_HASH, ALL_HASH} & set(columns_of(without, keyed)) == set()
    assert {KEY_HASH, ALL_HASH} & set(columns_of(without, counted)) == {KEY_HASH}


@pytest.mark.row("I02", kind="refusal")
def test_unchanged_row_is_never_written_again(stream):
    """Nine batches around it later it still is the version that the first one wrote."""
    first = {row: place for row, place in versions(stream).items() if row[0] in (2, 3)}
    for batch_id in range(2, 11):
        stream.source(CHANGE)
        assert stream.run(difference_bytes=batch_id % 2 << 20).batch_id == batch_id

    assert first.items() <= versions(stream).items()


@pytest.mark.row("I09")
def test_changed_gone_new_and_returning_rows_are_one_version_each(deployed):
    """The four steps of a forensic batch: close what changed, close what left, open what came, open what changed."""
    stream = deployed(plan(FORENSIC, ITEMS), *MAKE)
    stream.run()
    stream.source(CHANGE, """DELETE FROM "Customers" WHERE "Id" = 2""", """INSERT INTO "Customers" VALUES (4, 'd')""")

    stream.run()

    assert stream.history() == [
        (1, 1, 1, "a"),
        (1, 1, 2, "b"),
        (1, None, 3, "c"),
        (2, None, 1, "ax"),
        (2, None, 4, "d"),
    ]


@pytest.mark.row("I03", "I09", kind="refusal")
def test_closed_version_is_never_touched_again(deployed):
    """History is written once: later batches change neither its values nor its place."""
    stream = deployed(plan(FORENSIC, ITEMS), *MAKE)
    stream.run()
    stream.source(CHANGE, """DELETE FROM "Customers" WHERE "Id" = 2""")
    stream.run()
    closed = {row: place for row, place in versions(stream).items() if row[-1] != OPEN_BATCH}
    assert len(closed) == 2

    for change in (CHANGE, """INSERT INTO "Customers" VALUES (2, 'b')""", """DELETE FROM "Customers\"""", MAKE[1]):
        stream.source(change)
        stream.run()

    assert closed.items() <= versions(stream).items()


@pytest.mark.row("I03", kind="refusal")
def test_second_open_version_of_a_key_is_refused_by_the_table(stream):
    """The index holds for whoever writes: one row of the present per key."""
    values = "2, 'twice', 1, 2147483647" if stream.is_forensic else "2, 'twice', 1"

    with pytest.raises(psycopg2.errors.UniqueViolation):
        stream.execute(sql.SQL("INSERT INTO {} VALUES ({})").format(stream.tables().merge, sql.SQL(values)))


@pytest.mark.row("I13")
def test_first_batch_of_an_empty_source_is_a_batch_of_no_rows(deployed, strategy):
    """0 rows are committed as batch 1; later looks find nothing; the first row is batch 2."""
    stream = deployed(plan(strategy, ITEMS), MAKE[0])

    first = stream.run()

    assert (first.outcome, first.batch_id, first.inserted, first.total) == ("committed", 1, 0, 0)
    assert stream.batch(1)["batch_status"] == BatchStatus.COMMITTED
    assert stream.run().outcome == "unchanged"
    stream.source(MAKE[1])
    assert (stream.run().batch_id, len(stream.rows())) == (2, 3)


@pytest.mark.row("I13", kind="refusal")
def test_stream_without_a_dataset_is_safe(deployed):
    """A plan that has nothing to read fails nothing and says 0."""
    stream = deployed(plan(LIVE))

    assert (stream.run().total, stream.run().outcome) == (0, "unchanged")


def _reading(stream: Stream, source_table: str) -> Any:
    from dataclasses import replace

    (only,) = stream.plan.tables
    return replace(stream.plan, tables=[replace(only, source_table=source_table)])
