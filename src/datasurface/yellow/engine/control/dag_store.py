"""The rows of `{platform}_airflow_dsg`, from which Airflow's bundle makes its DAGs.

They are written differentially, so that a merge makes new versions of the DAGs it changes and of no other. A row of a
stream that left is marked `removed` and stays until its tables go: its `updated_at` says since when. Nothing here
commits, and what stands in a row is `datasurface.yellow.plan.dag_config`'s matter.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from psycopg2 import sql

from datasurface.yellow.engine import database_errors, queries
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.plan import names
from datasurface.yellow.plan.dag_config import DagRow, DagStatus

_STATEMENTS: Final = queries.load("dags.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class DagChanges:
    """Keys of the rows that were stored anew or marked as removed, and how many rows are active now."""

    written: Sequence[str]
    removed: Sequence[str]
    active: int

    @property
    def is_empty(self) -> bool:
        """True where no row was touched."""
        return not (self.written or self.removed)


def write(session: Session, schema: str, platform: str, rows: Iterable[DagRow], *, generation: int) -> DagChanges:
    """Make `rows` the platform's rows; those that change get the `generation`. `platform` is either of its names."""
    given = [{"stream_key": row.stream_key, "config_json": config_json(row), "status": row.status} for row in rows]
    written = _run(session, schema, platform, "write_dags", rows=json.dumps(given), generation=generation)
    removed = _run(
        session,
        schema,
        platform,
        "mark_removed",
        stream_keys=[row["stream_key"] for row in given],
        removed=DagStatus.REMOVED.value,
        generation=generation,
    )
    active = _run(session, schema, platform, "count_active", active=DagStatus.ACTIVE.value)
    return DagChanges(written=sorted(written), removed=sorted(removed), active=active[0])


def config_json(row: DagRow) -> str:
    """The text of a row's config_json: equal configs give equal text."""
    return json.dumps(row.config, sort_keys=True, ensure_ascii=False)


def _run(session: Session, schema: str, platform: str, statement: str, **parameters: Any) -> list[Any]:
    """The first column of each row that a statement gives."""
    table = names.airflow_dsg(platform)
    place = sql.Identifier(schema, table)
    with database_errors.reporting(f"{statement.replace('_', ' ')} of {table}"), session.raw.cursor() as cursor:
        cursor.execute(_STATEMENTS[statement].format(airflow_dsg=place), parameters)
        return [row[0] for row in cursor.fetchall()]
