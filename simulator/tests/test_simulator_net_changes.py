"""Net changes of a log: what two snapshots differ by."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from data_change_simulator import Change, LogUnusable, OperationName, RowChange, net_changes

START = datetime(2025, 1, 31, 10, 0, tzinfo=UTC)


def line(n: int, *rows: tuple[str, str | None, str | None], table: str = "addresses") -> str:
    """The log line of a change at minute n that touched rows of (key, before, after)."""
    touched = tuple(RowChange(table=table, key=key, before=before, after=after) for key, before, after in rows)
    at = START + timedelta(minutes=n)
    return Change(n=n, at=at, operation=OperationName.UPDATE_ADDRESS, rows=touched).to_json()


@pytest.mark.row("P09")
@pytest.mark.parametrize(
    ("history", "net"),
    [
        ([(None, "a")], "inserted"),
        ([(None, "a"), ("a", "b")], "inserted"),
        ([("a", "b")], "updated"),
        ([("a", "b"), ("b", "c")], "updated"),
        ([("a", None)], "deleted"),
        ([("a", "b"), ("b", None)], "deleted"),
        ([("a", None), (None, "b")], "updated"),
        ([("a", None), (None, "a")], None),
        ([("a", "b"), ("b", "a")], None),
        ([(None, "a"), ("a", None)], None),
        ([(None, "a"), ("a", None), (None, "b")], "inserted"),
        ([("a", None), (None, "b"), ("b", None)], "deleted"),
    ],
    ids=str,
)
def test_history_of_a_key_comes_to_one_net_change(history, net):
    """A key's first and last state decide; what comes back to where it was is no change."""
    lines = [line(n, ("A1", before, after)) for n, (before, after) in enumerate(history)]

    assert net_changes(lines) == ({} if net is None else {"addresses": {"A1": net}})


@pytest.mark.row("P09")
def test_tables_and_keys_are_kept_apart():
    """The same key in two tables is two rows."""
    lines = [line(1, ("X", None, "a"), ("Y", "b", "c")), line(2, ("X", "d", None), table="customers")]

    assert net_changes(lines) == {"addresses": {"X": "inserted", "Y": "updated"}, "customers": {"X": "deleted"}}


@pytest.mark.row("P09")
def test_moments_limit_what_counts():
    """Changes after the first moment, up to and with the second, count."""
    lines = [line(1, ("A", None, "a")), line(2, ("B", None, "a")), line(3, ("C", None, "a"))]
    first, second = START + timedelta(minutes=1), START + timedelta(minutes=2)

    assert net_changes(lines, after=first, until=second) == {"addresses": {"B": "inserted"}}
    assert net_changes(lines, until=first) == {"addresses": {"A": "inserted"}}
    assert net_changes(lines, after=second) == {"addresses": {"C": "inserted"}}


def test_no_lines_and_blank_lines_are_no_change():
    """An empty log is a log."""
    assert net_changes([]) == {}
    assert net_changes(["\n", ""]) == {}


@pytest.mark.parametrize(
    "bad",
    ['{"v": 1, "at": "2025-01-31T10', "[]", '{"v": 1}', '{"v": 1, "at": "soon", "rows": []}', "null"],
    ids=["cut off", "not an object", "fields missing", "not a time", "null"],
)
def test_line_that_is_not_of_the_log_is_named(bad):
    """A broken line is an error with its number, never left out silently."""
    with pytest.raises(LogUnusable, match="line 2 "):
        net_changes([line(1, ("A", None, "a")), bad])


def test_other_version_of_the_log_is_refused():
    """A later format is not guessed at."""
    newer = json.dumps(json.loads(line(1)) | {"v": 2})

    with pytest.raises(LogUnusable, match="version 2"):
        net_changes([newer])


@pytest.mark.row("P06")
def test_log_line_has_the_documented_fields():
    """Version, time in UTC, number, operation, and per row its key, what became of it and two hashes."""
    row = RowChange(table="customers", key="C1", before=None, after="aa")
    change = Change(n=7, at=START, operation=OperationName.INSERT_CUSTOMER, rows=(row,))

    assert json.loads(change.to_json()) == {
        "v": 1,
        "at": "2025-01-31T10:00:00.000000+00:00",
        "n": 7,
        "op": "insert_customer",
        "rows": [{"table": "customers", "key": "C1", "op": "I", "before": None, "after": "aa"}],
    }
