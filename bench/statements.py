"""The benchmark's own SQL: `sql/*.sql`, in the form of the engine's files."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from psycopg2 import sql

from datasurface.yellow.engine import queries

FOLDER: Final = Path(__file__).parent


@functools.cache
def load(file_name: str) -> Mapping[str, sql.SQL]:
    """Statements of one file by name."""
    return queries.parse((FOLDER / "sql" / file_name).read_text(encoding="utf-8"), file_name)
