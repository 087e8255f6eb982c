"""No statement is put together from text: what the rule refuses, what it lets through."""

from __future__ import annotations

import pytest

from tools import sql_rules
from tools.sql_rules import findings

TAKEN = {
    "f-string": 'cursor.execute(f"DROP TABLE {name}")',
    "percent": 'cursor.execute("DROP TABLE %s" % name)',
    "plus": 'cursor.execute("DROP TABLE " + name)',
    "format": 'cursor.execute("DROP TABLE {}".format(name))',
    "join": 'cursor.execute(", ".join(names))',
    "name": 'text = f"DROP TABLE {name}"\ncursor.execute(text)',
    "second value": 'text = "SELECT 1"\nif name:\n    text = name\ncursor.execute(text)',
    "added to": 'text = "SELECT "\ntext += name\ncursor.execute(text)',
    "argument": "def drop(cursor, text: str) -> None:\n    cursor.execute(text)",
    "argument without a type": "def drop(cursor, text):\n    cursor.execute(text)",
    "return": "def made() -> str: ...\ncursor.execute(made())",
    "one of two": "class A:\n  def made(s) -> sql.SQL: ...\nclass B:\n  def made(s) -> str: ...\nc.execute(x.made())",
    "unknown": "cursor.execute(somewhere.made())",
    "keyword": 'cursor.execute(query=f"DROP TABLE {name}")',
    "SQL": 'sql.SQL(f"DROP TABLE {name}")',
    "SQL of a name": "def quoted(name: str) -> None:\n    sql.SQL(name)",
    "SQL of SQL": "def quoted(name: sql.SQL) -> None:\n    sql.SQL(name)",
    "format of a literal within": 'cursor.execute("DROP {}".format(name).as_string(c))',
    "SQLAlchemy": 'connection.exec_driver_sql(f"DROP TABLE {name}")',
    "text of SQLAlchemy": 'sa.text("DROP TABLE " + name)',
    "copy": 'cursor.copy_expert(f"COPY {name} TO STDOUT", file)',
    "many": 'cursor.executemany(f"INSERT INTO {name} VALUES (%s)", rows)',
    "loop": 'for text in ["DROP TABLE " + name]:\n    cursor.execute(text)',
}
LET_THROUGH = {
    "literal": 'cursor.execute("SELECT 1" " FROM x", [name])',
    "constant": 'TEXT = "SELECT 1"\ncursor.execute(TEXT)',
    "one of two literals": 'cursor.execute("SELECT 1" if name else "SELECT 2")',
    "SQL": 'cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))',
    "as string": 'cursor.copy_expert(sql.SQL("COPY {} TO STDOUT").format(place).as_string(cursor), file)',
    "named statement": 'cursor.execute(_STATEMENTS["drop"].format(table=sql.Identifier(name)))',
    "file": 'cursor.execute(queries.load("x.sql")["drop"])',
    "argument": "def drop(cursor, statement: sql.Composable) -> None:\n    cursor.execute(statement)",
    "return": "def made() -> sql.Composed: ...\ncursor.execute(made())",
    "joined": 'parts = [sql.SQL("x")]\ncursor.execute(sql.SQL(", ").join(parts))',
    "DDL": "connection.execute(CreateTable(table))",
    "another text": 'button.text("DROP TABLE " + name)',
}


def found(tmp_path, source, **options):
    path = tmp_path / "statements.py"
    path.write_text(source)
    return list(findings([path], **{"allowed": {}} | options))


@pytest.mark.parametrize("source", TAKEN.values(), ids=TAKEN)
def test_statement_of_text_is_found(tmp_path, source):
    """Whatever puts it together, and however far from the call."""
    (finding,) = found(tmp_path, source)

    assert "may be text that somebody else chose" in finding


@pytest.mark.parametrize("source", LET_THROUGH.values(), ids=LET_THROUGH)
def test_literals_and_what_quotes_are_let_through(tmp_path, source):
    """Parameters, named statements and `psycopg2.sql` are how it is done."""
    assert found(tmp_path, source) == []


def test_an_allowance_needs_a_use(tmp_path):
    """What is allowed by name is let through; an entry that nothing needs any more is a finding."""
    path = (tmp_path / "statements.py").as_posix()

    assert found(tmp_path, "cursor.execute(text)", allowed={(path, "text"): "a reason"}) == []
    (finding,) = found(tmp_path, 'cursor.execute("SELECT 1")', allowed={(path, "text"): "a reason"})
    assert "is allowed as SQL and not used" in finding


def test_every_allowance_has_a_reason():
    """The list is short, and says of each entry why nobody else can choose the text."""
    assert all(len(reason) > 10 for reason in sql_rules.ALLOWED.values())
