"""Whether Airflow's own database is there and migrated, asked without loading Airflow.

Airflow's check of its migrations costs seconds of CPU in each of its processes; one row, written when a migration has
come to its end, answers the same. Nothing here knows what a migration does.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg2
from psycopg2 import extensions

from datasurface.errors import TransientError
from datasurface.yellow.engine import database_errors, queries

_STATEMENTS: Final = queries.load("airflow_database.sql")
_DRIVER: Final = "+psycopg2"
_CONNECT_SECONDS: Final = 5
_OPTIONS: Final = "-c statement_timeout=10000 -c lock_timeout=5000"


def require_database(url: str) -> None:
    """Raise TransientError where the database cannot be reached; `url` is SQLAlchemy's, with the password in it."""
    with _connected(url, "connecting to Airflow's database"):
        pass


def require_migrated(url: str, release: str) -> None:
    """Raise TransientError where the migration of this release has not come to its end yet."""
    with _connected(url, "asking for the migration of Airflow's database") as cursor:
        cursor.execute(_STATEMENTS["exists"])
        if _is_true(cursor):
            cursor.execute(_STATEMENTS["is_migrated"], {"release": release})
            if _is_true(cursor):
                return
    raise TransientError(f"Airflow's database is not migrated to {release} yet")


def record_migrated(url: str, release: str) -> None:
    """Record that the migration of this release has come to its end, in a transaction of its own."""
    with _connected(url, "recording the migration of Airflow's database") as cursor:
        cursor.execute(_STATEMENTS["create"])
        cursor.execute(_STATEMENTS["record"], {"release": release})
        cursor.connection.commit()


@contextmanager
def _connected(url: str, doing: str) -> Iterator[extensions.cursor]:
    with database_errors.reporting(doing):
        raw = psycopg2.connect(
            url.replace(_DRIVER, "", 1),
            connect_timeout=_CONNECT_SECONDS,
            application_name="datasurface start",
            options=_OPTIONS,
        )
        try:
            with raw.cursor() as cursor:
                yield cursor
        finally:
            raw.close()


def _is_true(cursor: extensions.cursor) -> bool:
    row = cursor.fetchone()
    return row is not None and bool(row[0])
