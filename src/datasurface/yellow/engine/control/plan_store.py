"""The plans of the streams, as `{platform}_stream_plan` keeps them: what a job, a reset, an audit or a status reads.

A reader needs no model: a platform may be given by either of its names. The model merge writes here, in its one
transaction; nothing here commits. What a plan says is `datasurface.yellow.plan.streams`' matter.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from psycopg2 import sql

from datasurface.errors import StateError
from datasurface.model import codec
from datasurface.yellow.engine import database_errors, queries
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.plan import names
from datasurface.yellow.plan.streams import SourcePlan, StreamPlan

_STATEMENTS: Final = queries.load("plans.sql")
#: How many plans travel in one statement, so that 10,000 of them need no large memory.
_PLANS_PER_STATEMENT: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedPlatform:
    """A platform as `ds_platform` has it: `platform` is the model's name, `platform_name` the safe one.

    `stream_count` is the number of its active DAG rows; a platform that left the model stays, with 0.
    """

    platform: str
    platform_name: str
    generation: int
    stream_count: int
    infrastructure_schedule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanChanges:
    """Keys of the streams whose plans a write stored anew or removed; the others were not touched."""

    written: Sequence[str]
    removed: Sequence[str]


def read(session: Session, schema: str, platform: str, stream_key: str) -> StreamPlan | None:
    """The plan of a stream, or None: the platform or the stream is not deployed. Raises StateError for no plan of ours.

    `schema` is the merge schema, `platform` either name of a platform.
    """
    plans = _plans(session, schema, platform, "read_plan", stream_key=stream_key)
    return plans[0] if plans else None


def platforms(session: Session, schema: str) -> tuple[DeployedPlatform, ...]:
    """Every platform that was ever deployed, by its safe name."""
    place = sql.Identifier(schema, names.PLATFORM_TABLE)
    with database_errors.reporting(f"reading {names.PLATFORM_TABLE}"), session.raw.cursor() as cursor:
        cursor.execute(_STATEMENTS["read_platforms"].format(platform=place))
        return tuple(
            DeployedPlatform(
                platform=original,
                platform_name=name,
                generation=generation,
                stream_count=stream_count,
                infrastructure_schedule=schedule,
            )
            for name, original, generation, stream_count, schedule in cursor.fetchall()
        )


def of_store(session: Session, schema: str, platform: str, store: str) -> tuple[StreamPlan, ...]:
    """The plans of a store's streams: one if its datasets are read together, else one per dataset; perhaps none."""
    return _plans(session, schema, platform, "read_plans_of_store", store=store)


def find(session: Session, schema: str, platform: str, store: str, dataset: str | None = None) -> StreamPlan | None:
    """The plan of the stream that a command names by store and dataset, or None.

    A store whose datasets are read together has no stream of one dataset, and a store whose datasets are read singly
    has none without: which of the two is wrong, `of_store` tells.
    """
    found = of_store(session, schema, platform, store)
    return next((plan for plan in found if plan.dataset == dataset), None)


def of_platform(session: Session, schema: str, platform: str) -> tuple[StreamPlan, ...]:
    """The plans of all streams of a platform, by key; none if it is not deployed."""
    return _plans(session, schema, platform, "read_plans")


def sources(session: Session, schema: str, platform: str) -> tuple[SourcePlan, ...]:
    """Where the streams of a deployed platform read, each source once."""
    found = _run(session, schema, platform, "read_sources")
    return tuple(codec.decode(SourcePlan, document) for document in found)


def write(session: Session, schema: str, platform: str, plans: Iterable[StreamPlan], *, revision: str) -> PlanChanges:
    """Make `plans` the platform's plans: store what differs, leave what is equal, remove what is not among them."""
    written: list[str] = []
    keys: list[str] = []
    remaining = iter(plans)
    while chunk := list(islice(remaining, _PLANS_PER_STATEMENT)):
        keys += [plan.stream_key for plan in chunk]
        rows = json.dumps([_row(plan) for plan in chunk])
        written += _run(session, schema, platform, "write_plans", rows=rows, revision=revision)
    removed = _run(session, schema, platform, "remove_plans", stream_keys=keys)
    return PlanChanges(written=sorted(written), removed=sorted(removed))


def _row(plan: StreamPlan) -> dict[str, Any]:
    return {"stream_key": plan.stream_key, "plan": codec.encode(plan), "schema_hash": plan.schema_hash}


def _plans(session: Session, schema: str, platform: str, statement: str, **parameters: Any) -> tuple[StreamPlan, ...]:
    table = names.stream_plan(platform)
    with database_errors.reporting(f"looking for {table}"), session.raw.cursor() as cursor:
        cursor.execute(_STATEMENTS["find_table"], {"schema": schema, "table": table})
        if cursor.fetchone() != (True,):
            return ()
    return tuple(_plan(document, table) for document in _run(session, schema, platform, statement, **parameters))


def _run(session: Session, schema: str, platform: str, statement: str, **parameters: Any) -> list[Any]:
    """The first column of each row that a statement gives."""
    table = names.stream_plan(platform)
    place = sql.Identifier(schema, table)
    with database_errors.reporting(f"{statement.replace('_', ' ')} of {table}"), session.raw.cursor() as cursor:
        cursor.execute(_STATEMENTS[statement].format(stream_plan=place), parameters)
        return [row[0] for row in cursor.fetchall()]


def _plan(document: object, table: str) -> StreamPlan:
    try:
        return codec.decode(StreamPlan, document)
    except codec.InvalidDocument as error:
        raise StateError(
            f"{table} holds a plan that this version cannot read: {error}",
            fix="`datasurface model apply` writes the plans anew",
        ) from None
