"""The rows of `ds_platform`: what a merge stored of each platform beside its streams.

Airflow's bundle sees by `generation` that something changed and by `stream_count` that it sees everything; a reconcile
finds here which views there should be, without a model. Nothing here commits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from psycopg2 import sql

from datasurface.errors import StateError
from datasurface.model import codec
from datasurface.yellow.engine import database_errors, queries
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.control import dag_store
from datasurface.yellow.engine.control.dag_store import DagChanges
from datasurface.yellow.plan import names
from datasurface.yellow.plan.dag_config import DagRow
from datasurface.yellow.plan.platforms import PlatformPlan
from datasurface.yellow.plan.views import ViewPlan

_STATEMENTS: Final = queries.load("dags.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPlatform:
    """The document in column `plan`: the platform's settings and its views; one that left has none.

    `consumer_databases` are all that ever had a view of it: what is left in one that has none now must be found there.
    """

    settings: PlatformPlan
    views: Sequence[ViewPlan]
    consumer_databases: Sequence[str] = ()
    v: int = 1


def write(session: Session, schema: str, stored: StoredPlatform, rows: Sequence[DagRow]) -> DagChanges:
    """Make `rows` the DAG rows of a platform and store the platform itself.

    The generation grows by one if a row, their number or the infrastructure's schedule changes, and only then.
    """
    settings = stored.settings
    generation = _generation(session, schema, settings.platform_name)
    changes = dag_store.write(session, schema, settings.platform, rows, generation=generation + 1)
    before = _one(session, schema, "read_schedule", platform_name=settings.platform_name)
    is_same = changes.is_empty and before == (changes.active, settings.infrastructure_schedule)
    _one(
        session,
        schema,
        "write_platform",
        platform_name=settings.platform_name,
        original=settings.platform,
        generation=generation if is_same else generation + 1,
        stream_count=changes.active,
        schedule=settings.infrastructure_schedule,
        plan=codec.dumps(stored),
    )
    return changes


def read(session: Session, schema: str, *, views: Sequence[str] | None = None) -> Mapping[str, StoredPlatform]:
    """Every platform that was ever deployed, by its safe name, with those of its `views` that are named; None: all.

    Raises StateError for a document of an unknown form.
    """
    place = sql.Identifier(schema, names.PLATFORM_TABLE)
    statement = "read_platform_plans" if views is None else "read_platforms_and_views"
    with database_errors.reporting(f"reading {names.PLATFORM_TABLE}"), session.raw.cursor() as cursor:
        cursor.execute(_STATEMENTS[statement].format(platform=place), {"views": list(views or ())})
        return {name: _stored(name, document) for name, document in cursor.fetchall()}


def _stored(platform_name: str, document: object) -> StoredPlatform:
    try:
        return codec.decode(StoredPlatform, document)
    except codec.InvalidDocument as error:
        raise StateError(
            f"{names.PLATFORM_TABLE} holds a plan of {platform_name} that this version cannot read: {error}",
            fix="`datasurface model apply` writes it anew",
        ) from None


def _generation(session: Session, schema: str, platform_name: str) -> int:
    row = _one(session, schema, "read_generation", platform_name=platform_name)
    return 0 if row is None else int(row[0])


def _one(session: Session, schema: str, statement: str, **parameters: Any) -> Any:
    place = sql.Identifier(schema, names.PLATFORM_TABLE)
    doing = f"{statement.replace('_', ' ')} of {parameters['platform_name']}"
    with database_errors.reporting(doing), session.raw.cursor() as cursor:
        cursor.execute(_STATEMENTS[statement].format(platform=place), parameters)
        return cursor.fetchone()
