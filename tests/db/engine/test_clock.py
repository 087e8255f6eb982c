"""The merge server's clock jumps back: the times of batches go on in the order of the batches."""

import pytest
from psycopg2 import sql

from datasurface.dsl import MilestoneStrategy
from tests.db.streams import SCHEMA, column, plan, table

ITEMS = table("items", column("id", is_key=True), column("name"))
SOURCE = ("CREATE TABLE items (id text PRIMARY KEY, name text)", "INSERT INTO items VALUES ('1', 'one')")


@pytest.fixture
def stream(deployed):
    """A stream of one item with a batch that was made when the clock was an hour ahead."""
    stream = deployed(plan(MilestoneStrategy.BATCH_MILESTONED, ITEMS), *SOURCE)
    stream.run()
    metrics = sql.Identifier(SCHEMA, stream.plan.control.batch_metrics)
    counter = sql.Identifier(SCHEMA, stream.plan.control.batch_counter)
    for place, name in ((metrics, "batch_start_time"), (metrics, "batch_end_time"), (counter, "checked_at")):
        ahead = sql.SQL("UPDATE {place} SET {name} = {name} + interval '1 hour'")
        stream.execute(ahead.format(place=place, name=sql.Identifier(name)))
    return stream


def test_batch_ends_no_earlier_than_the_one_before_it(stream):
    """A history's times do not overlap: a row's version is never replaced before it was there."""
    stream.source("UPDATE items SET name = 'other'")

    assert stream.run().batch_id == 2

    first, second = stream.batch(1), stream.batch(2)
    assert first["batch_end_time"] <= second["batch_end_time"]
    assert second["batch_start_time"] <= second["batch_end_time"]


def test_look_is_of_the_clock_as_it_is_now(stream):
    """A stream does not look fresh for an hour because it once was looked at by a clock that was ahead."""
    before = stream.counter()["checked_at"]

    assert stream.run().outcome == "unchanged"

    assert stream.counter()["checked_at"] < before
