"""Values that cannot be carried: the error names the column and what to do, shows no value, and nothing is applied."""

import pytest
from psycopg2 import sql

from datasurface.errors import ModelError
from tests.db.engine.conftest import FORENSIC
from tests.db.streams import column, plan, table

ITEMS = table("items", column("id", "integer", is_key=True), column("w", "text"), column("si ze", "integer"))
MAKE = 'CREATE TABLE items (id integer PRIMARY KEY, w text, "si ze" integer)'


@pytest.mark.parametrize("path", ["first load", "streamed", "staged"])
def test_a_value_that_the_merge_table_refuses_is_named_by_its_column(deployed, path):
    """As a server of another version may refuse one; here the merge table's type was narrowed by hand."""
    stream = deployed(plan(FORENSIC, ITEMS), MAKE, "INSERT INTO items VALUES (1, 'one', 1)")
    if path != "first load":
        stream.run()
    for place in (stream.tables().merge, stream.tables().staging):
        stream.execute(sql.SQL('ALTER TABLE {} ALTER "si ze" TYPE smallint').format(place))
    stream.source("INSERT INTO items VALUES (2, 'column w: \"', 70000)")

    with pytest.raises(ModelError) as caught:
        stream.run(difference_bytes=0 if path == "staged" else 1 << 20)

    place = stream.plan.tables[0].staging_table if path == "staged" else stream.plan.tables[0].merge_table
    assert f"22003 numeric_value_out_of_range (table {place}, column si ze)" in caught.value.message
    assert "70000" not in str(caught.value)
    assert "Change the value in the source" in str(caught.value.fix)
    assert len(stream.history()) == (0 if path == "first load" else 1)
    stream.source("DELETE FROM items WHERE id = 2")
    assert stream.run().outcome == ("committed" if path == "first load" else "unchanged")
