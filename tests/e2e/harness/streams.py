"""The demo's two streams as their batches, tables and views show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg2 import sql

from tests.e2e.harness.sql import MERGE, Row, Sql

STREAM: Final = "Store1"
DATASETS: Final = ("addresses", "customers")
SEED_ROWS: Final = {"addresses": 8, "customers": 5}
#: The source's rows in the columns of the demo model.
SOURCE_ROWS: Final = {
    "addresses": "SELECT id, customerid, streetname, city, state, zipcode FROM addresses",
    "customers": "SELECT id, firstname, lastname, dob, email, phone, primaryaddressid, billingaddressid FROM customers",
}


@dataclass(frozen=True, kw_only=True)
class Platform:
    """A platform of the demo model, by its Kubernetes-safe name, with the group of Consumer1 that it serves."""

    name: str
    group: str

    @property
    def dag_id(self) -> str:
        """Of its ingestion DAG."""
        return f"{self.name}__{STREAM}_ingestion"

    @property
    def infrastructure_dag_id(self) -> str:
        """Of its daily DAG."""
        return f"{self.name}_infrastructure"

    def view(self, dataset: str) -> str:
        """The current view of a dataset."""
        return f"{self.name}_consumer1_{self.group}_{dataset}_view"

    def history_view(self, dataset: str) -> str:
        """The view of all versions."""
        return f"{self.name}_consumer1_{self.group}_{dataset}_history_view"

    def merge_table(self, dataset: str) -> str:
        """Where the platform keeps a dataset."""
        return f"{self.name}_store1_{dataset}_merge"


LIVE: Final = Platform(name="yellowlive", group="livedsg")
FORENSIC: Final = Platform(name="yellowforensic", group="forensicdsg")
PLATFORMS: Final = (LIVE, FORENSIC)
READER: Final = "consumer1"


@dataclass(frozen=True, kw_only=True)
class BatchRow:
    """A row of `*_batch_metrics`; times and counts are None until it has ended."""

    batch_id: int
    status: str
    inserted: int | None
    updated: int | None
    deleted: int | None
    total: int | None
    run_id: str | None
    ended_at: datetime | None

    @property
    def counts(self) -> dict[str, int]:
        """Keys by what became of them."""
        return {"inserted": self.inserted or 0, "updated": self.updated or 0, "deleted": self.deleted or 0}


def batches(database: Sql, platform: Platform) -> list[BatchRow]:
    """All batches of the platform's stream, the first one first."""
    statement = sql.SQL(
        "SELECT batch_id, batch_status, records_inserted, records_updated, records_deleted, total_records, run_id,"
        " batch_end_time FROM public.{} WHERE key = %s ORDER BY batch_id"
    ).format(sql.Identifier(f"{platform.name}_batch_metrics"))
    names = ("batch_id", "status", "inserted", "updated", "deleted", "total", "run_id", "ended_at")
    rows = database.rows("ds_monitor", MERGE, statement, [STREAM])
    return [BatchRow(**dict(zip(names, row, strict=True))) for row in rows]


def committed(database: Sql, platform: Platform) -> list[BatchRow]:
    """The batches that committed."""
    return [batch for batch in batches(database, platform) if batch.status == "committed"]


def checked_at(database: Sql, platform: Platform) -> datetime | None:
    """When the stream was last compared with its source."""
    table = sql.Identifier(f"{platform.name}_batch_counter")
    statement = sql.SQL("SELECT checked_at FROM public.{} WHERE key = %s").format(table)
    rows = database.rows("ds_monitor", MERGE, statement, [STREAM])
    at: datetime | None = rows[0][0] if rows else None
    return at


def view_rows(database: Sql, view: str) -> list[Row]:
    """All rows of a view, as the consumer reads it."""
    return database.rows(READER, MERGE, sql.SQL("SELECT * FROM public.{}").format(sql.Identifier(view)))


def view_columns(database: Sql, view: str) -> list[str]:
    """The columns of a view, in order, as the consumer sees them."""
    statement = (
        "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped"
        " ORDER BY attnum"
    )
    return [row[0] for row in database.rows(READER, MERGE, statement, [f"public.{view}"])]


def view_counts(database: Sql, platform: Platform) -> dict[str, int]:
    """The number of rows in each current view of a platform, as the consumer reads them."""
    return {dataset: len(view_rows(database, platform.view(dataset))) for dataset in DATASETS}


def audits(database: Sql, platform: Platform) -> list[dict[str, Any]]:
    """The recorded audits of the platform's stream, the newest first."""
    statement = (
        "SELECT ok, findings, batch_id, audited_at FROM public.ds_audit WHERE lower(platform) = %s AND stream_key = %s"
        " ORDER BY id DESC"
    )
    names = ("ok", "findings", "batch_id", "audited_at")
    rows = database.rows("ds_monitor", MERGE, statement, [platform.name, STREAM])
    return [dict(zip(names, row, strict=True)) for row in rows]
