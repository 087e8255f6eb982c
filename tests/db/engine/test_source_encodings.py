"""Sources in other encodings than UTF-8: texts arrive as what they mean, bytes that mean nothing are refused."""

import pytest
from psycopg2 import sql

from datasurface.errors import ModelError
from datasurface.yellow.engine.batch.batch_state import BatchStatus
from tests.db.engine.conftest import LIVE
from tests.db.installation import Installation, administrator
from tests.db.streams import Stream, column, deploy, plan, table

ITEMS = table(
    "items",
    column("id", "text", is_key=True),
    column("größe", "text"),
    column("c", "character(3)"),
    column("color", "text", labels=("grün", "漢", "red")),
    column("v", "character varying(5)"),
    column("tags", "text[]"),
)
MAKE = 'CREATE TABLE items (id text PRIMARY KEY, "größe" text, c char(3), color text, v text, tags text[])'

SEED = "INSERT INTO items VALUES ('{0}', '{0}\\', '{0}', 'red', '{1}', '{{{0}}}')"
OTHER_SEED = "INSERT INTO items VALUES ('{0}', '{0}', '{0} x', NULL, NULL, NULL)"
CHANGE, LEAVE = "UPDATE items SET v = '{}' WHERE id = '{}'", "DELETE FROM items WHERE id = '{}'"


def remade(installation: Installation, encoding: str) -> Installation:
    """The installation with an empty source database in that encoding."""
    name = sql.Identifier(installation.endpoint("source").database)
    with administrator(installation.server) as admin, admin.raw.cursor() as cursor:
        cursor.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
        cursor.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {} LOCALE 'C'").format(name, sql.Literal(encoding))
        )
    return installation


def refused(stream: Stream) -> str:
    """The message of a run that a model error ends, and what it says to do."""
    with pytest.raises(ModelError) as caught:
        stream.run()
    return f"{caught.value} / {caught.value.fix}"


@pytest.mark.parametrize(("encoding", "difference_bytes"), [("LATIN1", 1 << 20), ("EUC_JP", 0)])
def test_texts_of_another_encoding_arrive_as_what_they_mean(installation, strategy, encoding, difference_bytes):
    """Values, keys, labels and names of columns; also where the model has a label that the encoding lacks."""
    word, other = ("漢", "字") if encoding == "EUC_JP" else ("ä", "Ä")
    items = ITEMS if encoding != "EUC_JP" else plain_items()
    named = MAKE if encoding != "EUC_JP" else MAKE.replace("größe", "size")
    stream = deploy(
        remade(installation, encoding),
        plan(strategy, items),
        named,
        SEED.format(word, word * 5),
        OTHER_SEED.format(other),
    )
    if encoding != "EUC_JP":
        stream.source("UPDATE items SET color = 'grün' WHERE id = 'Ä'")

    assert stream.run(difference_bytes=difference_bytes).inserted == 2
    assert stream.run(difference_bytes=difference_bytes, in_full=True).outcome == "unchanged"
    stream.source(CHANGE.format(other, word), LEAVE.format(other))
    result = stream.run(difference_bytes=difference_bytes)

    assert (result.updated, result.deleted) == (1, 1)
    assert stream.rows() == [(word, f"{word}\\", f"{word}  ", "red", other, [word])]
    assert stream.run(difference_bytes=difference_bytes, in_full=True).outcome == "unchanged"


def test_a_character_that_unicode_lacks_is_refused(installation):
    """Byte 81 is none in WIN1252, though a database of that encoding takes it."""
    stream = deploy(remade(installation, "WIN1252"), plan(LIVE, ITEMS), MAKE, "INSERT INTO items VALUES ('a', 'b')")
    stream.run()
    stream.source("UPDATE items SET v = chr(129)")

    message = refused(stream)

    assert "22P05" in message
    assert "Correct the text in the source" in message
    assert stream.rows() == [("a", "b", None, None, None, None)]


@pytest.mark.parametrize("difference_bytes", [1 << 20, 0], ids=["streamed", "staged"])
def test_a_source_without_an_encoding_is_read_as_utf_8(installation, difference_bytes):
    """Of an SQL_ASCII database ASCII is read, and what is valid UTF-8."""
    stream = deploy(
        remade(installation, "SQL_ASCII"),
        plan(LIVE, ITEMS),
        MAKE,
        "INSERT INTO items VALUES ('a', 'plain', 'a', 'red', 'v', '{t}')",
        "INSERT INTO items VALUES ('ä', '漢\\', NULL, 'grün', '😀', '{ä,NULL}')",
    )

    assert stream.run(difference_bytes=difference_bytes).inserted == 2
    assert stream.run(difference_bytes=difference_bytes, in_full=True).outcome == "unchanged"
    stream.source("UPDATE items SET v = 'ö' WHERE id = 'a'")
    assert stream.run(difference_bytes=difference_bytes).updated == 1
    assert stream.rows()[0] == ("a", "plain", "a  ", "red", "ö", ["t"])


BAD = {
    "text": ("""UPDATE items SET "größe" = E'secret\\xff' WHERE id = 'a'""", "items.größe: 1 value"),
    "cut short": ("UPDATE items SET v = E'\\xe4' WHERE id = 'a'", "items.v: 1 value"),
    "surrogate": ("UPDATE items SET v = E'\\xed\\xa0\\x80' WHERE id = 'a'", "items.v: 1 value"),
    "too long a form": ("UPDATE items SET v = E'\\xc0\\xaf' WHERE id = 'a'", "items.v: 1 value"),
    "in an array": ("UPDATE items SET tags = ARRAY['x', E'\\xff'] WHERE id = 'a'", "items.tags: 1 value"),
    "key": ("INSERT INTO items VALUES (E'\\xff')", "items.id: "),
    "padded": ("UPDATE items SET c = 'ä' WHERE id = 'a'", "items.c: 1 value"),
    "label": ("UPDATE items SET color = E'gr\\xfcn' WHERE id = 'a'", "items.color: 1 value"),
}


def test_bytes_that_are_no_text_are_refused_by_name(installation):
    """Table and column are named, how many values, what to do; nothing is applied, and mended it goes on."""
    seed = "INSERT INTO items VALUES ('a', 'plain', 'a', 'red', 'v', '{t}')"
    stream = deploy(remade(installation, "SQL_ASCII"), plan(LIVE, ITEMS), MAKE, seed)
    mend = ("DELETE FROM items", seed)
    findings = []
    stream.source(BAD["text"][0])
    findings += _unrefused(stream, BAD["text"][1], batch_id=1)
    stream.source(*mend)
    stream.run()
    before = stream.rows()
    for breaking, said in BAD.values():
        stream.source(*mend, breaking)
        findings += _unrefused(stream, said, batch_id=2)
    assert findings == []
    assert stream.rows() == before
    stream.source(*mend)
    assert stream.run(in_full=True).outcome == "unchanged"


def _unrefused(stream: Stream, said: str, *, batch_id: int) -> list[str]:
    message = refused(stream)
    batch = stream.batch(batch_id)
    if said in message and "SQL_ASCII" in message and "secret" not in message:
        return [] if batch and batch["batch_status"] == BatchStatus.FAILED else [f"{said}: {batch}"]
    return [f"{said}: {message}"]


def plain_items():
    """The items with a column name in ASCII."""
    columns = [column("size", "text") if each.name == "größe" else each for each in ITEMS.columns]
    return table("items", *columns)
