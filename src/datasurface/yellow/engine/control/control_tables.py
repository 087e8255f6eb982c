"""The control tables, as SQLAlchemy metadata: the one source of their names, columns and constraints.

Statements elsewhere are built from these tables or name them; migrations bring a database here step by step, and a test
holds the two equal. Nothing here connects.
"""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.sql.schema import SchemaItem

from datasurface.yellow.engine.batch.batch_state import BatchStatus
from datasurface.yellow.plan import names
from datasurface.yellow.plan.dag_config import DagStatus
from datasurface.yellow.plan.platforms import ControlTables

TIMESTAMPTZ = TIMESTAMP(timezone=True)
STREAM_KEY = String(names.MAX_STREAM_KEY_CHARACTERS)


class RevisionOutcome(StrEnum):
    """What became of a revision of the model; the last one applied or rolled back to is deployed."""

    APPLIED = "applied"
    REFUSED = "refused"
    WAITING = "waiting"
    ROLLED_BACK = "rolled back"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonTables:
    """Tables of the installation. `migration` says which steps of which scope this database has seen."""

    metadata: MetaData
    migration: Table
    revision: Table
    platform: Table
    audit: Table
    known: Table


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformTables:
    """Tables of one platform: its batches, which its jobs write, and its plans, which they only read."""

    metadata: MetaData
    batch_counter: Table
    batch_metrics: Table
    stream_plan: Table
    airflow_dsg: Table


def common_tables(schema: str) -> CommonTables:
    """The tables that all platforms of an installation share, in one schema of the merge database."""
    metadata = MetaData(schema=schema)
    return CommonTables(
        metadata=metadata,
        migration=Table(names.MIGRATION_TABLE, metadata, *_migration_columns()),
        revision=Table(names.REVISION_TABLE, metadata, *_revision_columns()),
        platform=Table(names.PLATFORM_TABLE, metadata, *_platform_columns()),
        audit=Table(names.AUDIT_TABLE, metadata, *_audit_columns()),
        known=Table(names.KNOWN_TABLE, metadata, *_known_columns()),
    )


def platform_tables(control: ControlTables, schema: str) -> PlatformTables:
    """The tables of the platform that `control` names, in one schema of the merge database."""
    metadata = MetaData(schema=schema)
    return PlatformTables(
        metadata=metadata,
        batch_counter=Table(control.batch_counter, metadata, *_batch_counter_columns()),
        batch_metrics=Table(control.batch_metrics, metadata, *_batch_metrics_columns(control.batch_metrics)),
        stream_plan=Table(control.stream_plan, metadata, *_stream_plan_columns()),
        airflow_dsg=Table(control.airflow_dsg, metadata, *_airflow_dsg_columns()),
    )


def one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    """A constraint that a column holds one of the enum's values."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})")


def _required(name: str, kind: object, default: str | None = None, *, is_key: bool = False) -> Column[object]:
    server_default = None if default is None else text(default)
    return Column(name, kind, nullable=False, primary_key=is_key, server_default=server_default)  # type: ignore[arg-type]


def _migration_columns() -> list[SchemaItem]:
    return [
        _required("scope", Text, is_key=True),
        Column("number", Integer, primary_key=True, autoincrement=False),
        _required("name", Text),
        _required("applied_at", TIMESTAMPTZ, "now()"),
    ]


def _revision_columns() -> list[SchemaItem]:
    """One row per decision about a revision: the same one can be refused, wait, be applied and be rolled back to.

    `parent` is the revision deployed before. Without git, `author` and `committed_at` are null. `model` and `plan_hash`
    are null where the revision could not be loaded or planned.
    """
    return [
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        _required("revision", Text),
        Column("parent", Text),
        Column("author", Text),
        Column("committed_at", TIMESTAMPTZ),
        _required("applied_at", TIMESTAMPTZ, "now()"),
        _required("outcome", Text),
        _required("findings", JSONB, "'[]'::jsonb"),
        Column("model", JSONB),
        Column("plan_hash", Text),
        _required("pinned", Boolean, "false"),
        one_of("outcome", RevisionOutcome),
    ]


def _platform_columns() -> list[SchemaItem]:
    """One row per platform. `stream_count` is how many streams a reader must see.

    `generation` counts the merges that changed the platform's rows. `plan` is what the plan says of the platform beside
    its streams: settings and views.
    """
    return [
        _required("platform", Text, is_key=True),
        _required("original_platform_name", Text),
        _required("generation", BigInteger),
        _required("stream_count", Integer),
        _required("infrastructure_schedule", Text),
        Column("plan", JSONB),
        _required("updated_at", TIMESTAMPTZ, "now()"),
    ]


def _audit_columns() -> list[SchemaItem]:
    """One row per audited stream: whether all held, and the batch that was last compared in full with its source."""
    return [
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        _required("platform", Text),
        _required("stream_key", STREAM_KEY),
        Column("batch_id", Integer),
        _required("audited_at", TIMESTAMPTZ, "now()"),
        _required("ok", Boolean),
        _required("findings", JSONB, "'[]'::jsonb"),
        Column("rows", BigInteger),
        Column("compared_in_full_batch", Integer),
        Column("compared_in_full_at", TIMESTAMPTZ),
        Index(f"{names.AUDIT_TABLE}_stream", "platform", "stream_key", "id"),
    ]


def _known_columns() -> list[SchemaItem]:
    """One row per table or view that a merge left as it should be: hashes of how it was wanted and how it looked."""
    return [_required("name", Text, is_key=True), _required("wanted", Text), _required("found", Text)]


def _batch_counter_columns() -> list[SchemaItem]:
    """One row per stream: its last batch, when it was last looked at, and the last recorded result of a run.

    `batch_id` is 0 before the first batch. `run_id` and `result` belong together and are null before the first result.
    `source_sign` is of the snapshot that equals the merge tables, `compared_in_full_at` of the last full comparison.
    """
    return [
        _required("key", STREAM_KEY, is_key=True),
        _required("batch_id", Integer, "0"),
        Column("checked_at", TIMESTAMPTZ),
        Column("run_id", Text),
        Column("result", JSONB),
        Column("source_sign", JSONB),
        Column("compared_in_full_at", TIMESTAMPTZ),
    ]


def _batch_metrics_columns(table: str) -> list[SchemaItem]:
    """One row per batch; a committed one has its end and all counts, at most one of a stream is not committed."""
    counts = ("records_inserted", "records_updated", "records_deleted", "total_records")
    complete = " AND ".join(f"{column} IS NOT NULL" for column in ("batch_end_time", *counts))
    return [
        _required("key", STREAM_KEY, is_key=True),
        Column("batch_id", Integer, primary_key=True, autoincrement=False),
        _required("batch_start_time", TIMESTAMPTZ, "now()"),
        Column("batch_end_time", TIMESTAMPTZ),
        _required("batch_status", Text),
        *(Column(column, BigInteger) for column in counts),
        Column("run_id", Text),
        _required("state", JSONB, "'{}'::jsonb"),
        one_of("batch_status", BatchStatus),
        CheckConstraint("batch_id >= 1"),
        CheckConstraint(f"batch_status <> 'committed' OR ({complete})"),
        Index(
            names.dependent(table, "_open"), "key", unique=True, postgresql_where=text("batch_status <> 'committed'")
        ),
    ]


def _stream_plan_columns() -> list[SchemaItem]:
    return [
        _required("stream_key", STREAM_KEY, is_key=True),
        _required("plan", JSONB),
        _required("schema_hash", Text),
        _required("revision", Text),
        CheckConstraint("jsonb_typeof(plan -> 'v') IS NOT DISTINCT FROM 'number'"),
    ]


def _airflow_dsg_columns() -> list[SchemaItem]:
    return [
        _required("stream_key", STREAM_KEY, is_key=True),
        _required("config_json", Text),
        _required("status", Text),
        _required("generation", BigInteger),
        _required("created_at", TIMESTAMPTZ, "now()"),
        _required("updated_at", TIMESTAMPTZ, "now()"),
        one_of("status", DagStatus),
    ]
