"""The flights model against the files that it describes."""

import csv
import io
from pathlib import Path

import pytest

from datasurface import loader
from datasurface.demo import flights_files, table_ddl
from datasurface.lint import check
from datasurface.loader import LoadedModel
from datasurface.model.datastores import Dataset

MODEL = Path(__file__).parents[3] / "models" / "flights"
TABLES = ["airlines", "airports", "planes", "weather", "flights"]
ROWS = {"airlines": 16, "airports": 1_458, "planes": 3_322, "weather": 26_115, "flights": 336_776}


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    """The model as `datasurface` loads it."""
    return loader.load(MODEL)


def dataset(model: LoadedModel, name: str) -> Dataset:
    """One of its datasets."""
    return next(each for _, _, each in model.ecosystem.datasets() if each.name == name)


def test_it_has_no_findings(model):
    """The committed model is clean."""
    report = check.check(model.ecosystem, model.mapping, model.mapping_findings)

    assert report.findings == ()


@pytest.mark.parametrize("table", TABLES)
def test_columns_keys_and_nulls_are_those_of_the_file(model, table):
    """Columns stand in the file's order, the key is unique and never null, and no required column has a null."""
    declared = dataset(model, table)
    key = declared.schema.key
    required = [column.name for column in declared.schema.columns if column.is_required]
    keys = set()
    rows = 0
    with flights_files.opened(table) as file:
        reader = csv.DictReader(io.TextIOWrapper(file, encoding="utf-8"))
        assert reader.fieldnames == [column.name for column in declared.schema.columns]
        for rows, row in enumerate(reader, start=1):  # noqa: B007 - the last number is the count
            keys.add(tuple(row[name] for name in key))
            assert flights_files.NULL_TEXT not in [row[name] for name in required]

    assert rows == len(keys) == ROWS[table]


def test_the_local_hour_is_no_key_of_weather():
    """Three hours came twice when the clocks went back, which is why the key is the point in time."""
    with flights_files.opened("weather") as file:
        reader = csv.DictReader(io.TextIOWrapper(file, encoding="utf-8"))
        hours = [tuple(row[name] for name in ("origin", "year", "month", "day", "hour")) for row in reader]

    assert len(hours) - len(set(hours)) == 3


def test_ddl_is_made_from_the_model(model):
    """Every dataset becomes a table with its types, its nulls and its key."""
    _, store = next(model.ecosystem.stores())
    ddl = table_ddl.create_tables(store)

    assert ddl.count("CREATE TABLE IF NOT EXISTS") == len(TABLES)
    assert "time_hour timestamp with time zone NOT NULL" in ddl
    assert "PRIMARY KEY (year, month, day, carrier, flight, origin)" in ddl
