"""The one query that reads columns, on a real catalogue."""

import pytest

from datasurface.yellow.engine import columns
from datasurface.yellow.engine.columns import ColumnFact, RelationKind

SHAPES = '''
    CREATE SCHEMA shop;
    CREATE DOMAIN shop.code AS varchar(7) NOT NULL;
    CREATE DOMAIN shop.code_of_us AS shop.code CHECK (value LIKE 'U%');
    CREATE TYPE shop.mood AS ENUM ('sad', 'ok');
    -- Not every build has ICU, whose collations alone can be made so.
    CREATE COLLATION shop.loose FROM "C";
    UPDATE pg_collation SET collisdeterministic = false WHERE collname = 'loose';
    CREATE TABLE shop.goods (
        gone text,
        code shop.code_of_us,
        codes shop.code[],
        name text COLLATE "C" NOT NULL,
        price numeric(12,3),
        doubled numeric(13,3) GENERATED ALWAYS AS (price * 2) STORED,
        mood shop.mood,
        label text COLLATE shop.loose,
        "Größe ""x""" timestamp(3) with time zone,
        plain varchar
    );
    ALTER TABLE shop.goods DROP COLUMN gone;
    CREATE VIEW shop.cheap AS SELECT code, price FROM shop.goods;
'''


@pytest.fixture
def shapes(installation):
    session = installation.session("admin", "source")
    with session.raw.cursor() as cursor:
        cursor.execute(SHAPES)
    session.commit()
    return session


def test_types_are_spelled_as_the_server_does_in_the_order_of_the_table(shapes):
    """Lengths, scales and quoted names survive; a dropped column is not there."""
    goods = columns.read(shapes, "shop", ["goods"])["goods"]

    assert {name: fact.sql_type for name, fact in goods.items()} == {
        "code": "character varying(7)",
        "codes": "character varying(7)[]",
        "name": "text",
        "price": "numeric(12,3)",
        "doubled": "numeric(13,3)",
        "mood": "shop.mood",
        "label": "text",
        'Größe "x"': "timestamp(3) with time zone",
        "plain": "character varying",
    }
    assert [fact.ordinal for fact in goods.values()] == list(range(2, 11))


def test_a_domain_over_a_domain_is_its_base_and_hands_down_its_not_null(shapes):
    """The innermost length and every not null on the way count."""
    code = columns.read(shapes, "shop", ["goods"])["goods"]["code"]

    assert (code.sql_type, code.is_domain, code.is_required) == ("character varying(7)", True, True)


def test_facts_of_a_column_tell_enum_generated_collation_and_relation(shapes):
    """Each fact holds for the columns that have it and for no other."""
    found = columns.read(shapes, "shop", ["goods", "cheap"])
    goods = found["goods"]

    def having(fact: str) -> set[str]:
        return {name for name, column in goods.items() if getattr(column, fact)}

    assert having("is_enum") == {"mood"}
    assert having("is_generated") == {"doubled"}
    assert having("is_domain") == {"code", "codes"}
    assert having("is_required") == {"code", "name"}
    assert (goods["name"].collation, goods["plain"].collation, goods["price"].collation) == ("C", "default", None)
    assert (goods["label"].collation, goods["label"].is_deterministic) == ("loose", False)
    assert {column.relation_kind for column in goods.values()} == {RelationKind.TABLE}
    assert found["cheap"]["price"] == ColumnFact(
        name="price",
        sql_type="numeric(12,3)",
        is_required=False,
        is_domain=False,
        is_enum=False,
        is_generated=False,
        collation=None,
        is_deterministic=True,
        relation_kind=RelationKind.VIEW,
        ordinal=2,
    )


def test_a_table_that_is_not_there_has_no_entry(shapes):
    """Neither another schema's table, nor one whose name only agrees in its first 63 bytes, is taken for it."""
    assert columns.read(shapes, "public", ["goods"]) == {}
    assert columns.read(shapes, "shop", ["Goods", "pg_class", "goods" + "x" * 70]) == {}
    assert columns.read(shapes, "shop", []) == {}
