"""Fixed SQL lives in `sql/*.sql` as named statements; this reads them.

A statement begins with `-- name --`, then `-- one line that says what it does`, then its text with `{identifier}`
places for `psycopg2.sql` and `%(value)s` places for parameters. Nothing here runs a statement.
"""

import functools
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from types import MappingProxyType
from typing import Final

from psycopg2 import sql

_HEADING: Final = re.compile(r"^-- ([a-z][a-z0-9_]*) --$", re.MULTILINE)


@functools.cache
def load(file_name: str) -> Mapping[str, sql.SQL]:
    """Statements of one file of the package `datasurface.yellow.engine.sql`, by name.

    Raises ValueError if a name is used twice, a statement has no description or text stands before the first name.
    """
    text = (resources.files(__package__) / "sql" / file_name).read_text(encoding="utf-8")
    return parse(text, file_name)


def parse(text: str, file_name: str) -> Mapping[str, sql.SQL]:
    """Statements of a file's text; `file_name` is for messages. Raises ValueError like `load`."""
    statements: dict[str, sql.SQL] = {}
    for name, body in _sections(text, file_name):
        if name in statements:
            raise ValueError(f"{file_name}: statement {name} is there twice")
        description, _, statement = body.partition("\n")
        if not description.startswith("-- ") or not statement.strip():
            raise ValueError(f"{file_name}: statement {name} needs a line of description and a text")
        statements[name] = sql.SQL(statement.strip())
    return MappingProxyType(statements)


def _sections(text: str, file_name: str) -> Iterator[tuple[str, str]]:
    preamble, *parts = _HEADING.split(text)
    if any(line.strip() and not line.startswith("--") for line in preamble.splitlines()):
        raise ValueError(f"{file_name}: text before the first statement's name")
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        yield name, body.lstrip("\n")
