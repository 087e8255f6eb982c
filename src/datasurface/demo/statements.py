"""The tour's own SQL: `sql/*.sql` of this package, in the form of the engine's files."""

import functools
from collections.abc import Mapping
from importlib import resources

from psycopg2 import sql

from datasurface.yellow.engine import queries


@functools.cache
def load(file_name: str) -> Mapping[str, sql.SQL]:
    """Statements of one file by name."""
    text = (resources.files(__package__) / "sql" / file_name).read_text(encoding="utf-8")
    return queries.parse(text, file_name)
