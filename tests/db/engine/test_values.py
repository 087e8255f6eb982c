"""Values of every type of the model: a second look finds nothing, and the smallest change of the text is found.

Every type is a dataset of its own, once as a value and once as a key, and all of them are one stream. Values
and twins (texts that the type's own `=` calls equal, and the platform does not) are those of `type_values`.
"""

from collections.abc import Sequence
from typing import Final

import pytest
from psycopg2 import sql

from datasurface import dsl
from datasurface.model import datatypes
from datasurface.model.datatypes import DataType
from datasurface.yellow.engine import copy
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.difference.delta import Counts
from tests.db.engine.conftest import LIVE
from tests.db.engine.type_values import KEY_TYPES, TWINS, VALUES
from tests.db.streams import SCHEMA, Stream, column, plan, table

#: Defaults of a database that change how values print or are read.
UNLIKE_SETTINGS: Final = {
    "source": {
        "DateStyle": "German, DMY",
        "TimeZone": "Asia/Tokyo",
        "IntervalStyle": "iso_8601",
        "extra_float_digits": "-15",
        "bytea_output": "escape",
        "search_path": "nowhere",
        "standard_conforming_strings": "off",
        "backslash_quote": "on",
        "default_transaction_isolation": "serializable",
        "default_transaction_deferrable": "on",
    },
    "merge": {
        "DateStyle": "SQL, MDY",
        "TimeZone": "America/Los_Angeles",
        "IntervalStyle": "sql_standard",
        "extra_float_digits": "3",
        "enable_seqscan": "off",
        "search_path": "",
        "standard_conforming_strings": "off",
        "escape_string_warning": "off",
        "default_transaction_read_only": "on",
    },
}
#: Whose own defaults these are, besides the database's.
LOGINS: Final = {"source": "customer_reader", "merge": "job"}


def test_every_type_of_the_model_is_looked_at():
    """A type that is added to the model needs its edge values here."""
    covered = {type(data_type) for data_type in VALUES}

    assert covered == {each for each in vars(datatypes).values() if _is_kind_of_type(each)}


@pytest.mark.row("I10")
@pytest.mark.parametrize("difference_bytes", [1 << 20, 0], ids=["streamed", "staged"])
def test_values_of_every_type_are_told_apart_by_their_text(deployed, strategy, difference_bytes):
    """A second look finds 0 differences, every change of the text is found, also where the type calls it none."""
    stream = deployed(
        plan(
            strategy,
            *[table(_values(each), column("id", "integer", is_key=True), column("v", each.sql)) for each in VALUES],
        ),
        *[f'CREATE TABLE "{_values(each)}" (id integer PRIMARY KEY, v {each.sql})' for each in VALUES],
    )
    courses = {each: [*texts, None, *sum(TWINS.get(each, ()), ())] for each, texts in VALUES.items()}

    findings = []
    for step in range(3):
        with stream.installation.session("admin", "source") as source, source.raw.cursor() as cursor:
            for each, texts in courses.items():
                cursor.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(SCHEMA, _values(each))))
                _insert(source, each, list(enumerate(texts[step:] + texts[:step])))
            source.commit()
        stream.run(difference_bytes=difference_bytes)
        findings += [
            f"{each.sql}: {counts} in batch {step + 1}"
            for each, texts in courses.items()
            if (counts := stream.outcomes[-1].datasets[_values(each)]) != _changed(texts, step)
        ]
        findings += _unlike_contents(stream, map(_values, VALUES), f"after batch {step + 1}")
        findings += _unquiet(stream, difference_bytes)

    assert findings == []


@pytest.mark.row("I10")
@pytest.mark.parametrize("difference_bytes", [1 << 20, 0], ids=["streamed", "staged"])
def test_keys_of_every_type_are_told_apart_by_their_text(deployed, strategy, difference_bytes):
    """A key that prints otherwise is another key: the one leaves, the other appears; a changed value finds its row."""
    stream = deployed(
        plan(
            strategy,
            *[table(_keys(each), column("k", each.sql, is_key=True), column("v", "integer")) for each in KEY_TYPES],
        ),
        *[f'CREATE TABLE "{_keys(each)}" (k {each.sql} PRIMARY KEY, v integer)' for each in KEY_TYPES],
    )
    with stream.installation.session("admin", "source") as source:
        for each in KEY_TYPES:
            firsts = [first for first, _ in TWINS.get(each, ())]
            _insert(source, each, [(text, 1) for text in (*firsts, *VALUES[each])], "k")
        source.commit()
    stream.run(difference_bytes=difference_bytes)
    findings = _unlike_contents(stream, map(_keys, KEY_TYPES), "after the load")
    findings += _unquiet(stream, difference_bytes)

    totals = {each: stream.outcomes[-1].datasets[_keys(each)].total for each in KEY_TYPES}
    update = sql.SQL("UPDATE {} SET v = v + 1")
    stream.source(*[update.format(sql.Identifier(_keys(each))) for each in KEY_TYPES])
    stream.run(difference_bytes=difference_bytes)
    findings += _unlike_contents(stream, map(_keys, KEY_TYPES), "after a change of the values")
    findings += [
        f"{each.sql} as key: {counts} where {totals[each]} values changed"
        for each in KEY_TYPES
        if (counts := stream.outcomes[-1].datasets[_keys(each)]) != Counts(updated=totals[each], total=totals[each])
    ]

    with stream.installation.session("admin", "source") as source, source.raw.cursor() as cursor:
        for each, twins in TWINS.items():
            for first, second in twins:
                update = sql.SQL("UPDATE {} SET k = {} WHERE k = {}").format(
                    sql.Identifier(SCHEMA, _keys(each)), _literal(each, second), _literal(each, first)
                )
                cursor.execute(update)
        source.commit()
    stream.run(difference_bytes=difference_bytes)
    findings += _unlike_contents(stream, map(_keys, KEY_TYPES), "after keys print otherwise")
    for each, twins in TWINS.items():
        expected = Counts(inserted=len(twins), deleted=len(twins), total=totals[each])
        if (counts := stream.outcomes[-1].datasets[_keys(each)]) != expected:
            findings.append(f"{each.sql} as key: {counts} where {len(twins)} keys print otherwise")

    assert findings == []


@pytest.mark.parametrize("difference_bytes", [1 << 20, 0], ids=["streamed", "staged"])
def test_rows_without_a_key_are_told_apart_by_their_text(deployed, strategy, difference_bytes):
    """Where the whole row is the key, 1.0 and 1.00 are two rows, and each stands as often as in the source."""
    columns = [column("n", "numeric"), column("f", "double precision"), column("i", "interval"), column("j", "json")]
    stream = deployed(
        plan(strategy, table("rows", *columns)), "CREATE TABLE rows (n numeric, f double precision, i interval, j json)"
    )
    stream.source("""INSERT INTO rows VALUES (1.0, 0, '1 month', '{"a":1}'), (1.0, 0, '1 month', '{"a":1}')""")
    stream.run(difference_bytes=difference_bytes)
    findings = _unquiet(stream, difference_bytes)

    update = "UPDATE rows SET {} WHERE ctid = (SELECT min(ctid) FROM rows)"
    for change in ("n = 1.00", "f = '-0'", "i = '30 days'", """j = '{"a": 1}'""", "n = NULL"):
        stream.source(update.format(change))
        result = stream.run(difference_bytes=difference_bytes)
        if (result.inserted, result.deleted, result.total) != (1, 1, 2):
            findings.append(f"{change}: {result}")
        findings += _unlike_contents(stream, ["rows"], f"after {change}")

    assert findings == []


@pytest.mark.row("I10", kind="refusal")
@pytest.mark.parametrize("difference_bytes", [1 << 20, 0], ids=["streamed", "staged"])
def test_settings_of_databases_and_roles_change_no_text(deployed, strategy, difference_bytes):
    """Dates, zones, intervals, floats and bytes print alike on both sides, whatever the defaults there are."""
    types = [dsl.Date(), dsl.Timestamp(), dsl.TimestampTZ(), dsl.Interval(), dsl.Real(), dsl.Double(), dsl.Bytes()]
    stream = deployed(
        plan(
            strategy,
            *[table(_values(each), column("id", "integer", is_key=True), column("v", each.sql)) for each in types],
        ),
        *[f'CREATE TABLE "{_values(each)}" (id integer PRIMARY KEY, v {each.sql})' for each in types],
    )
    with stream.installation.session("admin", "source") as source, source.raw.cursor() as cursor:
        for each in types:
            _insert(source, each, list(enumerate(VALUES[each])))
        for database, settings in UNLIKE_SETTINGS.items():
            place = sql.Identifier(stream.installation.endpoint(database).database)
            for name, value in settings.items():
                cursor.execute(
                    sql.SQL("ALTER DATABASE {} SET {} = {}").format(place, sql.SQL(name), sql.Literal(value))
                )
                cursor.execute(
                    sql.SQL("ALTER ROLE {} IN DATABASE {} SET {} = {}").format(
                        sql.Identifier(getattr(stream.installation.roles, LOGINS[database])),
                        place,
                        sql.SQL(name),
                        sql.Literal(value),
                    )
                )
        source.commit()

    stream.run(difference_bytes=difference_bytes)

    findings = _unlike_contents(stream, map(_values, types), "after the load") + _unquiet(stream, difference_bytes)
    assert findings == []
    for database in UNLIKE_SETTINGS:
        place = sql.Identifier(stream.installation.endpoint(database).database)
        stream.execute(sql.SQL("ALTER DATABASE {} RESET ALL").format(place))
    assert _unquiet(stream, difference_bytes) == []


def test_domains_enums_and_generated_columns_are_read_as_their_base(deployed):
    """What a source makes of types by itself comes in the model's types: a domain, its Enum, computed columns."""
    stream = deployed(
        plan(
            LIVE,
            table(
                "made",
                column("id", "integer", is_key=True),
                column("email", "character varying(50)"),
                column("mood", "text", labels=("happy", "so so")),
                column("twice", "integer"),
                column("tags", "text[]"),
            ),
        ),
        "CREATE DOMAIN email AS varchar(50) CHECK (VALUE LIKE '%@%')",
        "CREATE DOMAIN tag AS text",
        """CREATE TYPE "mo{od" AS ENUM ('happy', 'so so')""",
        """CREATE TABLE made (id integer PRIMARY KEY, email email, mood "mo{od",
           twice integer GENERATED ALWAYS AS (id * 2) STORED, tags tag[])""",
        """INSERT INTO made VALUES (1, 'a@b', 'happy', DEFAULT, '{x}'), (2, NULL, NULL, DEFAULT, NULL)""",
    )

    stream.run()

    assert stream.rows() == [(1, "a@b", "happy", 2, ["x"]), (2, None, None, 4, None)]
    assert stream.run().outcome == "unchanged"


def _is_kind_of_type(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, DataType) and found is not DataType


def _values(data_type: DataType) -> str:
    return f"{type(data_type).__name__} {data_type.sql}"


def _keys(data_type: DataType) -> str:
    return f"{type(data_type).__name__} {data_type.sql} as key"


def _changed(texts: Sequence[str | None], step: int) -> Counts:
    """The counts of a batch after which every row has the next one of `texts`."""
    if step == 0:
        return Counts(inserted=len(texts), total=len(texts))
    same = sum(one == other for one, other in zip(texts, [*texts[1:], texts[0]], strict=True))
    return Counts(updated=len(texts) - same, total=len(texts))


def _literal(data_type: DataType, text: str | None) -> sql.Composed:
    return sql.SQL("CAST ({} AS {})").format(sql.Literal(text), sql.SQL(data_type.sql))


def _insert(source: Session, data_type: DataType, rows: Sequence[tuple[object, object]], typed: str = "v") -> None:
    """Insert rows of two columns, of which `typed` has the type; a key that is there already is left out."""
    place = sql.Identifier(SCHEMA, _keys(data_type) if typed == "k" else _values(data_type))
    with source.raw.cursor() as cursor:
        for first, second in rows:
            values = (_literal(data_type, str(first)), sql.Literal(second))
            if typed == "v":
                values = (sql.Literal(first), _literal(data_type, second if second is None else str(second)))
            cursor.execute(sql.SQL("INSERT INTO {} VALUES ({}, {}) ON CONFLICT DO NOTHING").format(place, *values))


def _unlike_contents(stream: Stream, datasets: object, when: str) -> list[str]:
    """Datasets whose present rows and source differ as COPY prints them."""
    unlike = []
    with stream.installation.session("admin") as merge, stream.installation.session("customer_reader") as source:
        for dataset in datasets:
            tables = stream.tables(dataset)
            columns = sql.SQL(", ").join(map(sql.Identifier, tables.columns))
            query = sql.SQL("SELECT {} FROM {}").format(columns, sql.Identifier(SCHEMA, dataset))
            if _lines(source, query) != _lines(merge, tables.open_lines()):
                unlike.append(f"{dataset}: source and merge table differ {when}")
    return unlike


def _lines(session: Session, query: sql.Composed) -> list[bytes]:
    with copy.RowsOut(session.raw, copy.copy_out(query)) as blocks:
        return sorted(b"".join(blocks).split(b"\n"))


def _unquiet(stream: Stream, difference_bytes: int) -> list[str]:
    """What another look finds, which is nothing; a write elsewhere in the source has it read every row."""
    stream.source("SELECT pg_current_xact_id()")
    if stream.run(difference_bytes=difference_bytes).outcome == "unchanged":
        return []
    return [f"{name}: {found}" for name, found in stream.outcomes[-1].datasets.items() if found.changed]
