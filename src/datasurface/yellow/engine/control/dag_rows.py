"""What Airflow reads of the merge database: the rows that become DAGs, and of each platform how many there must be.

It is read every few seconds by the login `ds_dags`, so an unchanged database costs one short look, and a database that
is away is given up within seconds. Nothing here writes, and nothing here knows Airflow or what stands in a row.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from psycopg2 import extensions, sql

from datasurface.connections import Connections
from datasurface.yellow.engine import database_errors, queries
from datasurface.yellow.engine.login_connection import connected
from datasurface.yellow.plan import names
from datasurface.yellow.plan.dag_config import DagStatus

_STATEMENTS: Final = queries.load("dag_rows.sql")
_APPLICATION: Final = "datasurface dags"
#: A look that takes longer has failed; the next one comes in seconds. The last one is milliseconds.
_PARAMETERS: Final[Mapping[str, Any]] = {
    "connect_timeout": 3,
    "options": "-c statement_timeout=10000 -c lock_timeout=3000 -c search_path=pg_catalog -c TimeZone=UTC",
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 10_000,
    "client_encoding": "UTF8",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformFacts:
    """A row of ds_platform: `stream_count` is how many rows there must be, `generation` counts the merges."""

    platform_name: str
    original_platform_name: str
    generation: int
    stream_count: int
    infrastructure_schedule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveRow:
    """An active row of `{platform}_airflow_dsg`; nobody has looked at its JSON yet."""

    platform_name: str
    stream_key: str
    config_json: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DagRows:
    """One snapshot of all platforms; `fingerprint` is equal as long as nothing of it changes."""

    platforms: Sequence[PlatformFacts]
    rows: Sequence[ActiveRow]
    fingerprint: object


def read(connections: Connections, *, known: object = None) -> DagRows | None:
    """All platforms and their active rows in one snapshot; None if their fingerprint is still `known`.

    Raises TransientError where the database cannot be reached in time, ModelError for a refused login or a table that
    is not there.
    """
    schema = connections.merge_schema
    with _snapshot(connections) as cursor:
        cursor.execute(_STATEMENTS["platforms"].format(platform=sql.Identifier(schema, names.PLATFORM_TABLE)))
        platforms = tuple(_facts(row) for row in cursor.fetchall())
        fingerprint = (platforms, *_of_each(cursor, schema, platforms, "fingerprint"))
        if fingerprint == known:
            return None
        rows = _of_each(cursor, schema, platforms, "active_rows")
    return DagRows(
        platforms=platforms,
        rows=tuple(
            ActiveRow(platform_name=platform, stream_key=key, config_json=config)
            for platform, key, config in sorted(rows)
        ),
        fingerprint=fingerprint,
    )


@contextmanager
def _snapshot(connections: Connections) -> Iterator[extensions.cursor]:
    endpoint, login = connections.merge("dags")
    with database_errors.reporting(f"reading DAG rows from {endpoint} as {login.username}"):
        raw = connected(endpoint, login, application_name=_APPLICATION, parameters=_PARAMETERS)
        try:
            raw.set_session(isolation_level="REPEATABLE READ", readonly=True)
            with raw.cursor() as cursor:
                yield cursor
        finally:
            raw.close()


def _facts(row: Sequence[Any]) -> PlatformFacts:
    name, original, generation, stream_count, schedule = row
    return PlatformFacts(
        platform_name=name,
        original_platform_name=original,
        generation=generation,
        stream_count=stream_count,
        infrastructure_schedule=schedule,
    )


def _of_each(
    cursor: extensions.cursor, schema: str, platforms: Sequence[PlatformFacts], statement: str
) -> Sequence[tuple[Any, ...]]:
    """What a statement gives of every platform's table, in one query."""
    if not platforms:
        return ()
    parts = [
        _STATEMENTS[statement].format(airflow_dsg=sql.Identifier(schema, names.airflow_dsg(each.platform_name)))
        for each in platforms
    ]
    values = [value for each in platforms for value in (each.platform_name, DagStatus.ACTIVE.value)]
    cursor.execute(sql.SQL(" UNION ALL ").join(parts), values)
    return cursor.fetchall()
