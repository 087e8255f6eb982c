"""A widening gives stored values back, asked of PostgreSQL itself."""

import pytest
from psycopg2 import sql

from tests.unit.model.test_widening import WIDER

#: Values at the edges of each type, as text.
EDGES = {
    "character varying": ["", " ", "a", "a ", "größe"],
    "character": ["", "a", "a b"],
    "text": ["", " ", "a ", "größe", "x" * 5000],
    "smallint": ["-32768", "32767", "0"],
    "integer": ["-2147483648", "2147483647", "0"],
    "bigint": ["-9223372036854775808", "9223372036854775807"],
    "real": ["0.1", "-0", "3.4028235e+38", "1e-45", "NaN", "Infinity", "16777217"],
    "numeric": ["NaN", "-0", "1.10"],
    "date": ["0001-01-01", "4713-01-01 BC", "2024-02-29", "infinity", "-infinity"],
    "timestamp": ["2024-02-29 23:59:59.999", "infinity", "0001-01-01 00:00:00 BC"],
    "time": ["00:00:00", "23:59:59", "24:00:00"],
}


def edges(kind: str) -> list[str]:
    """Values of a type; of an array, lists of them."""
    if kind.endswith("[]"):
        return ["{" + ",".join(f'"{value}"' for value in edges(kind[:-2])) + ",NULL}", "{}"]
    family = kind.partition("(")[0]
    values = list(EDGES[family if family in EDGES else family.partition(" ")[0]])
    if family == "numeric":
        precision, scale = (int(number) for number in kind[8:-1].split(",")) if "(" in kind else (20, 5)
        values.append("9" * (precision - scale) + ("." + "9" * scale if scale else ""))
    return values


@pytest.mark.row("I17")
@pytest.mark.parametrize(("old", "new"), WIDER)
def test_stored_values_print_the_same_after_a_cast_back(installation, old, new):
    """Each value of the old type, cast to the new one and back, prints as before; its column can be altered."""
    session = installation.session("admin", "source")
    with session.raw.cursor() as cursor:
        cursor.execute(sql.SQL("CREATE TEMP TABLE held (value {old})").format(old=sql.SQL(old)))
        for value in edges(old):
            cursor.execute(sql.SQL("INSERT INTO held VALUES (%s::{old})").format(old=sql.SQL(old)), (value,))
        cursor.execute("ALTER TABLE held ADD before text")
        cursor.execute("UPDATE held SET before = format('%s', value)")
        cursor.execute(sql.SQL("ALTER TABLE held ALTER value TYPE {new}").format(new=sql.SQL(new)))
        cursor.execute(sql.SQL("SELECT before, format('%s', value::{old}) FROM held").format(old=sql.SQL(old)))
        assert [before for before, after in cursor.fetchall() if before != after] == []
