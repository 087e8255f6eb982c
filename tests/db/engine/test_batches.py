"""A source that changes becomes batches: what the merge tables, the counts and the states hold after each look."""

from dataclasses import replace

import pytest
from psycopg2 import sql

from datasurface.dsl import MilestoneStrategy
from datasurface.errors import StateError
from datasurface.yellow.engine.audit import audit
from datasurface.yellow.engine.batch.batch_state import BatchStatus
from tests.db.streams import column, plan, table

ITEMS = table(
    "items", column("id", "character varying(20)", is_key=True), column("name", "text"), column("size", "integer")
)
MAKE_ITEMS = "CREATE TABLE items (id varchar(20) PRIMARY KEY, name text, size integer)"
SEED = "INSERT INTO items VALUES ('a', 'one', 1), ('b', NULL, 2), ('c', '', 3)"


@pytest.fixture
def stream(deployed, strategy):
    """A stream of three items."""
    return deployed(plan(strategy, ITEMS), MAKE_ITEMS, SEED)


@pytest.mark.row("I01")
def test_first_look_loads_every_row_as_batch_1(stream):
    """The first batch holds the whole source, its counts say so and its status is committed."""
    result = stream.run()

    assert (result.outcome, result.batch_id, result.inserted, result.total) == ("committed", 1, 3, 3)
    assert stream.rows() == [("a", "one", 1), ("b", None, 2), ("c", "", 3)]
    batch = stream.batch(1)
    assert batch["batch_status"] == BatchStatus.COMMITTED
    assert (batch["records_inserted"], batch["records_updated"], batch["records_deleted"]) == (3, 0, 0)


@pytest.mark.row("I10", kind="refusal")
def test_look_without_a_difference_makes_no_batch(stream):
    """When nothing changed only the time of the look is written."""
    stream.run()
    before = stream.counter()["checked_at"]

    result = stream.run()

    assert (result.rc, result.outcome, result.batch_id) == (0, "unchanged", None)
    assert stream.batch(2) is None
    assert stream.counter()["checked_at"] > before


@pytest.mark.row("I10")
def test_counts_are_the_keys_that_appeared_changed_and_left(stream):
    """Two keys appear, one changes, one leaves: the counts say so, live and forensic alike."""
    stream.run()
    stream.source(
        "INSERT INTO items VALUES ('d', 'four', 4), ('e', 'five', 5)",
        "UPDATE items SET name = '' WHERE id = 'b'",
        "DELETE FROM items WHERE id = 'c'",
    )

    result = stream.run()

    assert (result.inserted, result.updated, result.deleted, result.total) == (2, 1, 1, 4)
    assert stream.rows() == [("a", "one", 1), ("b", "", 2), ("d", "four", 4), ("e", "five", 5)]


@pytest.mark.row("I03")
def test_history_closes_replaced_versions_and_leaves_a_gap_for_a_key_that_came_back(deployed):
    """A version ends in the batch before its successor; a key that left and came back has a gap."""
    stream = deployed(plan(MilestoneStrategy.BATCH_MILESTONED, ITEMS), MAKE_ITEMS, SEED)
    stream.run()
    stream.source("UPDATE items SET size = 10 WHERE id = 'a'", "DELETE FROM items WHERE id = 'b'")
    stream.run()
    stream.source("INSERT INTO items VALUES ('b', NULL, 2)")
    stream.run()

    assert stream.history() == [
        (1, 1, "a", "one", 1),
        (1, 1, "b", None, 2),
        (1, None, "c", "", 3),
        (2, None, "a", "one", 10),
        (3, None, "b", None, 2),
    ]


@pytest.mark.row("I12", kind="refusal")
def test_stream_without_a_batch_refuses_a_merge_table_that_holds_rows(stream):
    """A store whose consistency changes gets a stream of another key: it does not go on with the old one's rows."""
    stream.run()
    stream.redeploy(replace(stream.plan, stream_key="Store1#items", dataset="items"))

    with pytest.raises(StateError, match="another stream's"):
        stream.run()

    assert stream.rows() == [("a", "one", 1), ("b", None, 2), ("c", "", 3)]


@pytest.mark.row("I10")
def test_full_comparison_records_true_checksums_after_a_repaired_intrusion(stream):
    """A checksum that was carried over a stranger's change is corrected by a full comparison, in a batch of none."""
    stream.run()
    stream.execute(sql.SQL("UPDATE {} SET size = 99 WHERE id = 'a'").format(stream.tables().merge))
    stream.run()
    assert not audited(stream)

    result = stream.run(in_full=True)

    assert (result.batch_id, result.inserted, result.updated, result.deleted) == (3, 0, 0, 0)
    assert "batch 2 recorded a wrong checksum" in result.message
    assert audited(stream)
    assert stream.run(in_full=True).outcome == "unchanged"


def audited(stream) -> bool:
    """Whether an audit of the last batch finds nothing."""
    last = stream.counter()["batch_id"]
    return all(each.is_ok for each in audit.audit(stream.links, audit.AuditRequest(batch_id=last)))


def test_only_batches_whose_every_checksum_was_computed_count_as_compared_in_full(stream):
    """A first load and a full comparison read and sum every row; a batch between them carries its checksum on."""
    stream.run()
    stream.source("UPDATE items SET size = 10 WHERE id = 'a'")
    stream.run()
    assert stream.batch(1)["state"]["compared_in_full_at"]
    assert stream.batch(2)["state"]["compared_in_full_at"] is None

    stream.run(in_full=True)

    assert stream.batch(2)["state"]["compared_in_full_at"]
