"""Ingestion streams: what one chain of batches reads, and all that a job has to know."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from datasurface.model.datastores import Consistency, Datastore
from datasurface.model.platforms import MilestoneStrategy
from datasurface.yellow.plan import names
from datasurface.yellow.plan.placements import Placement
from datasurface.yellow.plan.platforms import ControlTables, control_tables
from datasurface.yellow.plan.tables import ColumnPlan, TablePlan, table_plan


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePlan:
    """Where a stream reads: the model's address, which an installation may replace by the container's name."""

    container: str
    host: str
    port: int
    database: str
    schema: str
    credential: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPlan:
    """Everything a job needs to run a stream, as `*_stream_plan` keeps it.

    `stream_key` is `Store1`, or `Store1#customers` where each dataset is captured by itself. `latency_seconds` is the
    shortest promise made to a consumer. `job_credential` None: the installation's common login of jobs. `schema_hash`
    is of the names, types, keys and requirements of all its columns, and of nothing else. A look compares in full when
    the last one that did is `full_comparison_hours` old; with 0 every look does.
    """

    platform: str
    platform_name: str
    stream_key: str
    store: str
    dataset: str | None
    consistency: Consistency
    strategy: MilestoneStrategy
    control: ControlTables
    source: SourcePlan
    job_credential: str | None
    run_budget_seconds: int
    look_interval_seconds: int
    store_hashes: bool
    latency_seconds: int
    tables: Sequence[TablePlan]
    schema_hash: str
    full_comparison_hours: int = 24
    v: int = 1


#: The columns of a dataset, by the names of store and dataset.
Columns = Mapping[tuple[str, str], Sequence[ColumnPlan]]


def stream_plans(placements: Iterable[Placement], columns: Columns) -> tuple[StreamPlan, ...]:
    """A stream per platform and store, or per dataset where these are captured singly, sorted by platform and key.

    It covers the datasets that the placements ask for, and no others.
    """
    streams: dict[tuple[str, str], list[Placement]] = {}
    for placement in placements:
        streams.setdefault((placement.platform.name, placement.stream_key), []).append(placement)
    return tuple(_stream_plan(key, streams[platform, key], columns) for platform, key in sorted(streams))


def schema_hash(tables: Iterable[TablePlan]) -> str:
    """The sha256, in hex, of what decides whether a batch begun under one plan may end under another."""
    described = [
        (table.dataset, [(c.name, c.sql_type, c.is_key, c.is_required) for c in table.columns]) for table in tables
    ]
    return hashlib.sha256(json.dumps(described, separators=(",", ":")).encode()).hexdigest()


def _stream_plan(key: str, placements: Sequence[Placement], columns: Columns) -> StreamPlan:
    platform, store = placements[0].platform, placements[0].store
    datasets = {placement.dataset.name: placement.dataset for placement in placements}
    tables = tuple(
        table_plan(platform.name, store, datasets[name], columns[store.name, name]) for name in sorted(datasets)
    )
    return StreamPlan(
        platform=platform.name,
        platform_name=names.platform_name(platform.name),
        stream_key=key,
        store=store.name,
        dataset=tables[0].dataset if placements[0].is_alone else None,
        consistency=store.capture.consistency,
        strategy=platform.milestone_strategy,
        control=control_tables(platform.name),
        source=_source_plan(store),
        job_credential=platform.credential.name if platform.credential else None,
        run_budget_seconds=platform.run_budget_seconds,
        look_interval_seconds=platform.look_interval_seconds,
        store_hashes=platform.store_hashes,
        latency_seconds=min(placement.group.requirements.latency_seconds for placement in placements),
        tables=tables,
        schema_hash=schema_hash(tables),
        full_comparison_hours=platform.full_comparison_hours,
    )


def _source_plan(store: Datastore) -> SourcePlan:
    capture = store.capture
    return SourcePlan(
        container=capture.container.name,
        host=capture.container.host,
        port=capture.container.port,
        database=capture.container.database,
        schema=capture.schema,
        credential=capture.credential.name,
    )
