"""The changes themselves: five kinds, whole, repeatable, logged completely and without values."""

import json
import re
import traceback
from collections import Counter

import pytest

from data_change_simulator import ChangeRefused, OperationName, Simulator, evolve_sql, net_changes
from data_change_simulator.changes import RowKey
from data_change_simulator.source import Source


def run_logged(source, changes, seed=1):
    """Run that many changes and return the summary with the log's lines."""
    lines: list[str] = []
    summary = Simulator(source.parameters, seed=seed).run(
        changes, on_change=lambda change: lines.append(change.to_json())
    )
    return summary, lines


def observed_net_changes(before, after):
    """The net change per table and key between two states, by comparing all rows."""
    net: dict[str, dict[str, str]] = {}
    for table in before:
        for key in before[table].keys() | after[table].keys():
            old, new = before[table].get(key), after[table].get(key)
            if old != new:
                kind = "inserted" if old is None else "deleted" if new is None else "updated"
                net.setdefault(table, {})[key] = kind
    return net


@pytest.mark.row("P04", "P05", "P09")
@pytest.mark.parametrize("evolved", [False, True], ids=["first schema", "later schema"])
def test_log_accounts_for_every_difference(empty_source, evolved):
    """State before, 300 changes, state after: the log's net change is what a comparison finds; references hold."""
    source = empty_source
    source.make_tables(evolved=evolved)
    before = source.state()

    summary, lines = run_logged(source, 300)

    assert summary.changes == len(lines) == 300
    assert net_changes(lines) == observed_net_changes(before, source.state())
    assert source.broken_references() == []


@pytest.mark.row("P04")
def test_two_hundred_changes_have_the_expected_mix(source):
    """Each of the five operations comes about as often as its weight says."""
    summary, lines = run_logged(source, 200)

    expected = {
        "insert_customer": 38,
        "update_customer": 71,
        "insert_address": 40,
        "update_address": 35,
        "delete_address": 16,
    }
    assert all(abs(summary.counts[name] - number) <= 4 * number**0.5 for name, number in expected.items())
    assert Counter(json.loads(line)["op"] for line in lines) == summary.counts
    assert re.fullmatch(
        r"200 changes \(\d+ new customers, \d+ changed customers, \d+ new address(es)?, \d+ changed, \d+ removed\)",
        str(summary),
    )


@pytest.mark.row("P05")
def test_every_change_touches_the_rows_its_operation_says(source):
    """No change without content; each row's history is gapless; the touched rows fit the operation."""
    _, lines = run_logged(source, 300)

    shapes = {
        "insert_customer": r"I:addresses I:customers",
        "update_customer": r"U:customers",
        "insert_address": r"I:addresses( U:customers)?",
        "update_address": r"U:addresses",
        "delete_address": r"D:addresses( U:customers)?",
    }
    last: dict[tuple[str, str], str | None] = {}
    seen = set()
    for line in lines:
        change = json.loads(line)
        shape = " ".join(f"{row['op']}:{row['table']}" for row in change["rows"])
        assert re.fullmatch(shapes[change["op"]], shape)
        seen.add((change["op"], shape))
        for row in change["rows"]:
            where = (row["table"], row["key"])
            assert row["before"] != row["after"]
            assert last.get(where, row["before"]) == row["before"]
            last[where] = row["after"]
    assert len(seen) == 7, "an address set as billing and a removal that empties a reference come too"


@pytest.mark.row("P06")
def test_new_rows_are_called_c_and_a(source):
    """New customers are C<n>, new addresses A<n>, counted up; an id of a removed row does not come again."""
    _, lines = run_logged(source, 300)

    inserted = [
        (row["table"][0].upper(), row["key"]) for line in lines for row in json.loads(line)["rows"] if row["op"] == "I"
    ]
    for letter in "CA":
        keys = [key for kind, key in inserted if kind == letter]
        assert keys == [f"{letter}{n}" for n in range(1, len(keys) + 1)]


@pytest.mark.row("P05")
def test_same_seed_and_state_give_the_same_changes(new_source):
    """Two databases, one seed: the same log but for the times, the same rows; also in two runs instead of one."""
    sources = [new_source() for _ in range(3)]
    for source in sources:
        source.make_tables()
    logs = [run_logged(source, 60, seed)[1] for source, seed in zip(sources[:2], (5, 6), strict=True)]
    simulator = Simulator(sources[2].parameters, seed=5)
    in_two: list[str] = []
    for changes in (25, 35):
        simulator.run(changes, 0, 0.001, lambda change: in_two.append(change.to_json()))

    plain = [[json.loads(line) | {"at": None} for line in log] for log in (logs[0], logs[1], in_two)]
    assert plain[0] == plain[2]
    assert sources[0].state() == sources[2].state()
    assert plain[0] != plain[1]


@pytest.mark.row("P05")
def test_unseeded_run_says_its_seed(new_source):
    """A run without a seed can be repeated with the one in its summary."""
    first, second = new_source(), new_source()
    first.make_tables()
    second.make_tables()
    summary, lines = run_logged(first, 10, seed=None)
    _, again = run_logged(second, 10, seed=summary.seed)

    assert [json.loads(line)["rows"] for line in lines] == [json.loads(line)["rows"] for line in again]


@pytest.mark.row("P04")
def test_later_columns_are_filled_once_they_are_there(source):
    """The schema may change between two changes of one run; from then on rows that are written have the new columns."""
    written: dict[tuple[str, str], OperationName] = {}

    def note(change):
        if change.n == 20:
            source.execute(evolve_sql())
        if change.n > 20:
            own = "customers" if "customer" in change.operation else "addresses"
            written.update(
                {(row.table, row.key): change.operation for row in change.rows if row.after and row.table == own}
            )

    Simulator(source.parameters, seed=3).run(80, on_change=note)

    customers = {row[0]: row[-2:] for row in source.execute("SELECT * FROM customers")}
    addresses = {row[0]: row[-2:] for row in source.execute("SELECT * FROM addresses")}
    assert len(written) > 30
    for (table, key), operation in written.items():
        if table == "customers":
            created, updated = customers[key]
            assert updated is not None
            assert operation is not OperationName.INSERT_CUSTOMER or created is not None
        elif key in addresses:
            assert addresses[key][0] in {"home", "work", "billing", "delivery"}
            assert addresses[key][1] == "USA"


@pytest.mark.row("P05")
def test_added_columns_alone_are_no_change(source):
    """A row that nobody wrote has the same hash before and after the schema change."""

    def hashes():
        connection = source.parameters.connect()
        with connection, connection.cursor() as cursor:
            found = Source(cursor).locked_hashes([RowKey(table="customers", key="CUST001")])
        connection.close()
        return found

    before = hashes()
    source.execute(evolve_sql())

    assert hashes() == before
    source.execute("UPDATE customers SET phone = NULL WHERE id = 'CUST001'")
    assert hashes() != before


@pytest.mark.row("P05")
def test_empty_tables_begin_with_a_customer(source):
    """Without rows the only possible change is a new customer."""
    source.execute("DELETE FROM customers")
    _, lines = run_logged(source, 40)

    assert json.loads(lines[0])["op"] == "insert_customer"
    assert source.broken_references() == []


@pytest.mark.row("P06", kind="refusal")
def test_log_holds_no_values(source):
    """Beside the time and the fixed words the log has keys and hashes alone: no name, email, phone, street or city."""
    _, lines = run_logged(source, 100)

    for line in lines:
        change = json.loads(line)
        assert set(change) == {"v", "at", "n", "op", "rows"}
        assert change["op"] in set(OperationName)
        for row in change["rows"]:
            assert set(row) == {"table", "key", "op", "before", "after"}
            assert row["table"] in {"customers", "addresses"}
            assert re.fullmatch(r"(C|A|CUST|ADDR)\d+", row["key"])
            assert all(
                digest is None or re.fullmatch("[0-9a-f]{32}", digest) for digest in (row["before"], row["after"])
            )


@pytest.mark.row("P05", kind="refusal")
def test_refusal_of_the_database_is_reported_without_values(source):
    """A constraint that no change can satisfy ends the run with its SQLSTATE; nothing is written."""
    source.execute("ALTER TABLE customers ADD CONSTRAINT none_like_this CHECK (firstname = '') NOT VALID")
    source.execute("ALTER TABLE addresses ADD CONSTRAINT none_like_that CHECK (city = '') NOT VALID")
    before = source.state()

    with pytest.raises(ChangeRefused, match="SQLSTATE 23514") as refused:
        Simulator(source.parameters, seed=1).run(10)

    assert "Failing row" not in "".join(traceback.format_exception(refused.value))
    assert source.state() == before


@pytest.mark.parametrize(("changes", "shortest", "longest"), [(-1, 0, 0), (1, 2, 1), (1, -1, 1), (1, float("nan"), 1)])
def test_impossible_paces_are_refused(source, changes, shortest, longest):
    """Negative numbers and a shortest wait above the longest are errors of the caller."""
    with pytest.raises(ValueError, match="min_interval"):
        Simulator(source.parameters).run(changes, shortest, longest)
