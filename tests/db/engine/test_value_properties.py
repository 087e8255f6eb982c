"""Any values of any type, from hypothesis: loaded, changed and looked at again, they are told apart by their text.

One stream with a column of every type serves all examples; each example is two snapshots of a few rows.
"""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2 import sql

from datasurface.dsl import Enum
from datasurface.model.datatypes import Array, DataType
from datasurface.yellow.engine import copy
from datasurface.yellow.engine.connect import Session
from tests.db.engine.conftest import FORENSIC, LIVE
from tests.db.engine.type_values import NEWER_VALUES, VALUES
from tests.db.streams import SCHEMA, Stream, column, plan, table

TYPES: Final = [*VALUES]
COLUMNS: Final = [f"c{number}" for number in range(len(TYPES))]
ITEMS: Final = table(
    "items",
    column("id", "integer", is_key=True),
    *(column(name, each.sql) for name, each in zip(COLUMNS, TYPES, strict=True)),
)

INSERT: Final = "INSERT INTO items VALUES ({}, '{}')"

#: Text that PostgreSQL can hold: no NUL, no surrogate.
_CHARACTERS = st.characters(exclude_characters="\x00", exclude_categories=("Cs",))
_MICROSECONDS = st.integers(-(2**53), 2**53)
_WHOLE = {"smallint": 15, "integer": 31, "bigint": 63}


def _text(most: int) -> st.SearchStrategy[str]:
    return st.text(_CHARACTERS | st.sampled_from("\\\t\n\r.N{}\",'"), max_size=most)


def _any_json() -> st.SearchStrategy[Any]:
    leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _text(5)
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text(3), inner, max_size=3)
    )


#: By the class of a type: a way to make texts that PostgreSQL reads as a value of it.
_MADE: Final[dict[str, Callable[[DataType], st.SearchStrategy[str]]]] = {
    "VarChar": lambda each: _text(getattr(each, "max_length", None) or 30),
    "Char": lambda each: _text(getattr(each, "length", 1)),
    "Text": lambda _: _text(30),
    **dict.fromkeys(
        ("SmallInt", "Integer", "BigInt"),
        lambda each: st.integers(-(2 ** _WHOLE[each.sql]), 2 ** _WHOLE[each.sql] - 1).map(str),
    ),
    "Real": lambda _: st.floats(width=32).map(str),
    "Double": lambda _: st.floats().map(str),
    "Date": lambda _: st.dates().map(str),
    "Time": lambda _: st.times().map(str),
    "Timestamp": lambda _: st.datetimes().map(str),
    "TimestampTZ": lambda _: st.datetimes().map(lambda moment: f"{moment}Z"),
    "Interval": lambda _: st.tuples(st.integers(-9999, 9999), st.integers(-9999, 9999), _MICROSECONDS).map(
        lambda parts: (
            f"{parts[0]} mons {parts[1]} days {timedelta(microseconds=parts[2]) // timedelta(microseconds=1)} us"
        )
    ),
    "UUID": lambda _: st.uuids().map(str),
    "Bytes": lambda _: st.binary(max_size=40).map(lambda value: f"\\x{value.hex()}"),
}


def _values(data_type: DataType) -> st.SearchStrategy[str | None]:
    """Texts of values: the ones of the edges, and any others that are cheap to make."""
    edges = st.sampled_from([*VALUES[data_type], None])
    made = _MADE.get(type(data_type).__name__)
    if made is not None and not isinstance(data_type, Array | Enum):
        return edges | made(data_type)
    return edges


_ROWS = st.dictionaries(st.integers(0, 5), st.tuples(*map(_values, TYPES)), max_size=4)


@pytest.mark.row("I10")
@pytest.mark.parametrize(
    ("strategy", "difference_bytes"), [(LIVE, 1 << 20), (FORENSIC, 0)], ids=["live-streamed", "forensic-staged"]
)
def test_any_values_are_carried_and_told_apart(deployed, strategy, difference_bytes):
    """After every snapshot source and merge table print the same, the counts are the rows', another look is quiet."""
    columns = ", ".join(f"{name} {each.sql}" for name, each in zip(COLUMNS, TYPES, strict=True))
    stream: Stream = deployed(plan(strategy, ITEMS), f"CREATE TABLE items (id integer PRIMARY KEY, {columns})")

    @settings(max_examples=8, deadline=None, database=None, suppress_health_check=[*HealthCheck], derandomize=True)
    @given(first=_ROWS, second=_ROWS)
    def live_through(first: dict[int, Any], second: dict[int, Any]) -> None:
        for rows in (first, second):
            before = _lines(stream, "merge")
            _fill(stream, rows)
            result = stream.run(difference_bytes=difference_bytes)
            now = _lines(stream, "source")
            assert _lines(stream, "merge") == now
            came, left = _ids(now - before), _ids(before - now)
            counts = (result.inserted, result.updated, result.deleted)
            assert counts == (len(came - left), len(came & left), len(left - came))
            assert stream.run(difference_bytes=difference_bytes, in_full=True).outcome == "unchanged"

    live_through()


def _fill(stream: Stream, rows: dict[int, Any]) -> None:
    with stream.installation.session("admin", "source") as session, session.raw.cursor() as cursor:
        cursor.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(SCHEMA, "items")))
        for key, texts in rows.items():
            values = [
                sql.SQL("CAST ({} AS {})").format(sql.Literal(text), sql.SQL(each.sql))
                for text, each in zip(texts, TYPES, strict=True)
            ]
            cursor.execute(
                sql.SQL("INSERT INTO {} VALUES ({})").format(
                    sql.Identifier(SCHEMA, "items"), sql.SQL(", ").join([sql.Literal(key), *values])
                )
            )
        session.commit()


def _lines(stream: Stream, side: str) -> Counter[bytes]:
    """Rows as COPY prints them: the source's, or the merge table's of the present."""
    tables = stream.tables()
    columns = sql.SQL(", ").join(map(sql.Identifier, tables.columns))
    of_source = sql.SQL("SELECT {} FROM {}").format(columns, sql.Identifier(SCHEMA, "items"))
    session: Session
    who, query = ("customer_reader", of_source) if side == "source" else ("admin", tables.open_lines())
    with stream.installation.session(who) as session, copy.RowsOut(session.raw, copy.copy_out(query)) as blocks:
        return Counter(b"".join(blocks).split(b"\n")[:-1])


def _ids(lines: Counter[bytes]) -> set[bytes]:
    return {line.split(b"\t")[0] for line in lines}


def test_values_of_newer_servers_are_kept(deployed):
    """What only newer PostgreSQL hold comes through as well where both sides hold it."""
    stream = deployed(
        plan(LIVE, table("items", column("id", "integer", is_key=True), column("v", "interval"))),
        "CREATE TABLE items (id integer PRIMARY KEY, v interval)",
    )
    with stream.installation.session("admin", "source") as session:
        version = session.raw.server_version
    texts = [
        text
        for since, by_type in NEWER_VALUES.items()
        if version >= since
        for data_type, texts in by_type.items()
        if data_type.sql == "interval"
        for text in texts
    ]
    stream.source(*[INSERT.format(number, text) for number, text in enumerate(texts)])

    assert stream.run().inserted == len(texts)
    assert stream.run(in_full=True).outcome == "unchanged"
