"""A stream of two items, and what a run of it that fails says: for tests of sources that are not as they should be."""

from collections.abc import Callable

import pytest

from datasurface.errors import DatasurfaceError
from tests.db.engine.conftest import LIVE
from tests.db.streams import Stream, column, plan, table

ITEMS = table("items", column("id", "integer", is_key=True), column("name"), column("size", "integer"))
MAKE_ITEMS = "CREATE TABLE items (id integer PRIMARY KEY, name text, size integer)"
SEED = "INSERT INTO items VALUES (1, 'one', 1), (2, 'two', 2)"


def loaded(deployed: Callable[..., Stream]) -> Stream:
    """A stream of two items, loaded."""
    stream = deployed(plan(LIVE, ITEMS), MAKE_ITEMS, SEED)
    stream.run()
    return stream


def failure(stream: Stream, family: type[DatasurfaceError]) -> str:
    """The message of a run that fails with an error of that family and leaves the merge table as it was."""
    before = stream.rows()
    with pytest.raises(family) as caught:
        stream.run()
    assert stream.rows() == before
    return str(caught.value)
