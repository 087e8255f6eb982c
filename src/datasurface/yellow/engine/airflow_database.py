"""Whether Airflow's own database is there and migrated, asked without loading Airflow.

Airflow's check of its migrations costs seconds of CPU in each of its processes; one row, written when a migration has
come to its end, answers the same. Tables go forward only, so a release that is older than they are is refused. Nothing
here knows what a migration does.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import psycopg2
from psycopg2 import extensions

from datasurface.errors import StateError, TransientError
from datasurface.yellow.engine import database_errors, queries

_STATEMENTS: Final = queries.load("airflow_database.sql")
_DRIVER: Final = "+psycopg2"
_CONNECT_SECONDS: Final = 5
_OPTIONS: Final = "-c statement_timeout=10000 -c lock_timeout=5000"


class NewerTables(StateError):
    """The tables are those of a newer release; waiting does not help."""


def require_database(url: str) -> None:
    """Raise TransientError where the database cannot be reached; `url` is SQLAlchemy's, with the password in it."""
    with _connected(url, "connecting to Airflow's database"):
        pass


def require_migrated(url: str, release: str) -> None:
    """Raise TransientError where the migration of this release was not the last one that came to its end.

    Raises NewerTables where it never will be. A release is packages with their versions: `airflow 3.3.2 fab 3.8.0`.
    """
    if require_not_newer(url, release) != release:
        raise TransientError(f"Airflow's database is not migrated to {release} yet")


def require_not_newer(url: str, release: str) -> str | None:
    """The release whose tables they are, None before the first migration. Raises NewerTables."""
    with _connected(url, "asking for the migration of Airflow's database") as cursor:
        cursor.execute(_STATEMENTS["exists"])
        if not _is_true(cursor):
            return None
        cursor.execute(_STATEMENTS["newest"])
        row = cursor.fetchone()
    newest = None if row is None else str(row[0])
    if newest is not None and _is_newer(newest, release):
        raise NewerTables(
            f"Airflow's database is at {newest} and its tables go forward only: this image, {release}, is older",
            fix="upgrade again, or restore the database as docs/kubernetes.md#going-back says",
        )
    return newest


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


def _is_newer(release: str, other: str) -> bool:
    """Whether any package of the release is newer than the other release has it."""
    own, others = _versions(release), _versions(other)
    return any(version > others[package] for package, version in own.items() if package in others)


def _versions(release: str) -> Mapping[str, tuple[int, ...]]:
    words = release.split()
    return {
        package: tuple(int(number) for number in re.split(r"[^0-9.]", version)[0].split(".") if number)
        for package, version in zip(words[::2], words[1::2], strict=False)
    }


def _is_true(cursor: extensions.cursor) -> bool:
    row = cursor.fetchone()
    return row is not None and bool(row[0])
