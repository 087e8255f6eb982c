"""What a table can be, and what has to be said of its data."""

from __future__ import annotations

from dataclasses import replace

import pytest

from datasurface import dsl
from datasurface.lint.report import Severity
from tests.unit.lint.landscape import KEY, PUBLIC, dataset, ecosystem, found, only, store, team, with_column

DATASET = "Eco/Zone/team/Store/people"


def with_schema(*columns):
    """The right model, its dataset of just the given columns."""
    changed = replace(dataset(), schema=dsl.DDLTable(columns))
    return ecosystem(team(stores=[store(datasets=[changed])]))


def keyed_by(kind):
    """The right model, its key of another type."""
    return with_schema(dsl.DDLColumn("id", kind, primary_key=True))


@pytest.mark.parametrize(
    ("count", "rules"), [(0, [("DS501", DATASET)]), (1, []), (1590, []), (1591, [("DS501", DATASET)])]
)
def test_number_of_columns(count, rules):
    """A dataset has 1 to 1,590 columns."""
    assert found(with_schema(*(dsl.DDLColumn(f"c{n}", dsl.Integer()) for n in range(count)))) == rules


@pytest.mark.parametrize(("count", "rules"), [(32, []), (33, [("DS504", DATASET)])])
def test_number_of_key_columns(count, rules):
    """A key has at most 32 columns."""
    columns = (dsl.DDLColumn(f"c{n}", dsl.Integer(), primary_key=True) for n in range(count))

    assert found(with_schema(*columns)) == rules


@pytest.mark.parametrize(
    "kind", [dsl.VarChar(20), dsl.Decimal(5, 2), dsl.UUID(), dsl.Array(dsl.Integer()), dsl.TimestampTZ(), dsl.Bytes()]
)
def test_key_may_be_of_any_type_with_one_spelling(kind):
    """Most types can be a key."""
    assert found(keyed_by(kind)) == []


@pytest.mark.parametrize("kind", [dsl.JSON(), dsl.Array(dsl.JSON())], ids=lambda kind: kind.sql)
def test_json_cannot_be_a_key(kind):
    """What has no equality is refused in a key."""
    assert found(keyed_by(kind)) == [("DS502", f"{DATASET}/id")]


@pytest.mark.parametrize(
    "kind", [dsl.Real(), dsl.Double(), dsl.Interval(), dsl.JSONB(), dsl.Decimal(), dsl.Array(dsl.Double())]
)
def test_key_with_several_spellings_is_a_warning(kind):
    """Types in which equal values print differently are said, and allowed."""
    finding = only(keyed_by(kind))

    assert (finding.rule, finding.severity) == ("DS503", Severity.WARNING)


def test_dataset_without_a_key_is_right():
    """Then the whole row is the key, whatever its types."""
    assert found(with_schema(dsl.DDLColumn("data", dsl.JSON()))) == []


@pytest.mark.row("M07", kind="refusal")
def test_unclassified_column_of_a_production_store_is_found():
    """Each column of production needs a classification, of its own or its dataset's."""
    columns = [KEY, replace(KEY, name="a", primary_key=False), replace(KEY, name="b", classifications=PUBLIC)]
    bare = dsl.Dataset(name="people", schema=dsl.DDLTable(columns))

    def model(status, changed=bare):
        return ecosystem(team(stores=[store(datasets=[changed], production_status=status)]))

    assert found(model(dsl.ProductionStatus.PRODUCTION)) == [("DS511", f"{DATASET}/id"), ("DS511", f"{DATASET}/a")]
    assert found(model(dsl.ProductionStatus.NOT_PRODUCTION)) == []
    assert found(model(dsl.ProductionStatus.PRODUCTION, replace(bare, classifications=PUBLIC))) == []


def test_enum_of_any_label_is_right():
    """Labels are values: any text."""
    assert found(with_column(dsl.DDLColumn("state", dsl.Enum(["", "größe", "it's"])))) == []
