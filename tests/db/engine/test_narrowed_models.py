"""A model that goes back to narrower types while the merge table, which never narrows, holds rows that do not fit."""

from dataclasses import dataclass

import pytest
from psycopg2 import sql

from datasurface.yellow.engine.audit import audit
from datasurface.yellow.engine.audit.audit import AuditRequest
from tests.db.engine.evolving import counts, evolve
from tests.db.streams import SCHEMA, Stream, column, plan, table

ID = column("id", "integer", is_key=True)
OTHERS = table("others", ID)
MAKE = (
    "CREATE TABLE items (id integer, v text, w bigint, n numeric)",
    "CREATE TABLE others (id integer)",
    "INSERT INTO items VALUES (1, 'abcde', 5000000000, 1.0), (2, NULL, NULL, NULL)",
)
FITTING = "UPDATE items SET v = 'abcd', w = 5, n = 1.00 WHERE id = 1"


@dataclass(frozen=True, kw_only=True)
class Narrowing:
    """A column, its wide type and the narrower one that the model goes back to."""

    name: str
    wide: str
    narrow: str

    def plan(self, stream_or_strategy, *, is_narrow: bool, others: bool = False):
        strategy = getattr(getattr(stream_or_strategy, "plan", None), "strategy", stream_or_strategy)
        items = table("items", ID, column(self.name, self.narrow if is_narrow else self.wide))
        return plan(strategy, items, *([OTHERS] if others else []))


PATHS = pytest.mark.parametrize("difference_bytes", [1 << 20, 0], ids=["streamed", "staged"])
NARROWINGS = pytest.mark.parametrize(
    "narrowing",
    [
        Narrowing(name="w", wide="bigint", narrow="integer"),
        Narrowing(name="v", wide="text", narrow="character varying(4)"),
        Narrowing(name="n", wide="numeric", narrow="numeric(6,2)"),
    ],
    ids=["no place", "cut", "another scale"],
)


@pytest.mark.row("I14", "I17")
@PATHS
@NARROWINGS
def test_row_that_a_narrower_type_has_no_room_for_is_replaced(deployed, strategy, narrowing, difference_bytes):
    """All rows go and all come, in one batch; what is left of a cut value never passes for the source's."""
    stream = deployed(narrowing.plan(strategy, is_narrow=False), *MAKE)
    stream.run()
    evolve(stream, narrowing.plan(stream, is_narrow=True))
    stream.source(FITTING)

    assert counts(stream, difference_bytes=difference_bytes) == (2, 2, 0, 2, 2)

    assert stream.run(difference_bytes=difference_bytes, in_full=True).outcome == "unchanged"
    evolve(stream, narrowing.plan(stream, is_narrow=False))
    assert stream.run(difference_bytes=difference_bytes, in_full=True).outcome == "unchanged"
    assert audited(stream) == [()]


@NARROWINGS
def test_rows_that_fit_the_narrower_type_stay_where_they_are(deployed, strategy, narrowing):
    """Only what would be lost is a reason to load a table anew."""
    stream = deployed(narrowing.plan(strategy, is_narrow=False), *MAKE, FITTING)
    stream.run()
    evolve(stream, narrowing.plan(stream, is_narrow=True))

    assert stream.run().outcome == "unchanged"
    stream.source("UPDATE items SET v = NULL, w = NULL, n = NULL WHERE id = 1")
    assert counts(stream) == (2, 0, 1, 0, 2)


@NARROWINGS
def test_dataset_that_returns_under_a_narrower_type_is_replaced_too(deployed, strategy, narrowing):
    """The batches that were made while it was away know nothing of its types."""
    stream = deployed(narrowing.plan(strategy, is_narrow=False, others=True), *MAKE)
    stream.run()
    evolve(stream, plan(strategy, OTHERS))
    stream.source("INSERT INTO others VALUES (1)", FITTING)
    stream.run()
    evolve(stream, narrowing.plan(stream, is_narrow=True, others=True))

    assert counts(stream) == (3, 2, 0, 2, 3)
    assert audited(stream) == [()]


def audited(stream: Stream):
    """The findings of an audit."""
    job = sql.Identifier(stream.installation.roles.job)
    stream.execute(sql.SQL("GRANT INSERT ON {} TO {}").format(sql.Identifier(SCHEMA, "ds_audit"), job))
    return [verdict.findings for verdict in audit.audit(stream.links, AuditRequest())]
