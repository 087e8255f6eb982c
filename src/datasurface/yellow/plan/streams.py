"""Ingestion streams: what one chain of batches reads, and all that a job has to know."""

from collections.abc import Sequence
from dataclasses import dataclass

from datasurface.model.datastores import Consistency
from datasurface.model.platforms import MilestoneStrategy
from datasurface.yellow.plan.platforms import ControlTables
from datasurface.yellow.plan.tables import TablePlan


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
    shortest promise made to a consumer. `job_credential` None: the installation's common login of jobs. `schema_hash` is
    of the names, types, keys and requirements of all its columns, and of nothing else.
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
    v: int = 1
