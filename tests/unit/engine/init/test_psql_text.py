"""SQL as psql reads it."""

import pytest
from psycopg2 import sql

from datasurface.yellow.engine.init.psql_text import literal, rendered


def test_a_statement_becomes_text() -> None:
    """Identifiers are quoted, literals escaped, parameters become variables of psql."""
    statement = sql.SQL("ALTER ROLE {role} PASSWORD {value}; -- {note}").format(
        role=sql.Identifier("s", 'a"b'), value=sql.Placeholder("x_verifier"), note=sql.Literal("it's")
    )

    assert rendered(statement) == "ALTER ROLE \"s\".\"a\"\"b\" PASSWORD :'x_verifier'; -- 'it''s'"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (7, "7"),
        ("a", "'a'"),
        ("a\\'", "E'a\\\\'''"),
        (["a", "b"], "ARRAY['a', 'b']::text[]"),
    ],
)
def test_literals(value: object, text: str) -> None:
    """Each kind of value that the initialisation uses."""
    assert literal(value) == text


@pytest.mark.parametrize("statement", [sql.Literal(1.5), sql.Placeholder()], ids=["float", "no name"])
def test_what_has_no_text_is_refused(statement: sql.Composable) -> None:
    """Nothing is printed that could read otherwise than it runs."""
    with pytest.raises(TypeError):
        rendered(statement)
