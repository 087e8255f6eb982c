"""Named statements: how a file is read, and what a careless one is told."""

from importlib import resources

import pytest

from datasurface.yellow.engine import queries

FILES = sorted(file.name for file in (resources.files("datasurface.yellow.engine") / "sql").iterdir())


@pytest.mark.parametrize("name", FILES)
def test_every_file_of_the_package_can_be_read(name: str) -> None:
    """Each has statements, and no name twice."""
    assert queries.load(name)


def test_a_statement_keeps_its_own_comments() -> None:
    """Name and description go, the text stays as it is, placeholders included."""
    found = queries.parse("-- About.\n\n-- read_one --\n-- Read one.\nSELECT 1 -- reason\n FROM {t};\n", "x.sql")

    assert {name: each.string for name, each in found.items()} == {"read_one": "SELECT 1 -- reason\n FROM {t};"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("-- a --\n-- One.\nSELECT 1\n-- a --\n-- Two.\nSELECT 2", "a is there twice"),
        ("-- a --\nSELECT 1", "a needs a line of description"),
        ("-- a --\n-- One.\n", "a needs a line of description and a text"),
        ("SELECT 1\n-- a --\n-- One.\nSELECT 1", "text before the first"),
    ],
)
def test_a_careless_file_is_refused(text: str, said: str) -> None:
    """The message names the file and the statement."""
    with pytest.raises(ValueError, match=rf"x\.sql: .*{said}"):
        queries.parse(text, "x.sql")


def test_the_statements_cannot_be_changed() -> None:
    """What is loaded once is shared by all."""
    found = queries.load("locks.sql")

    assert queries.load("locks.sql") is found
    with pytest.raises(TypeError):
        found["try_lock"] = found["unlock"]  # type: ignore[index]
