"""What a platform needs of its own in the merge database."""

from dataclasses import dataclass

from datasurface.model.platforms import MilestoneStrategy


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlTables:
    """Physical names of the tables by which a platform keeps its batches, plans and DAGs."""

    batch_counter: str
    batch_metrics: str
    stream_plan: str
    airflow_dsg: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformPlan:
    """One platform: `platform` is the model's name, `platform_name` the one safe for Kubernetes and SQL."""

    platform: str
    platform_name: str
    strategy: MilestoneStrategy
    control: ControlTables
    merge_container: str
    merge_host: str
    merge_port: int
    merge_database: str
    infrastructure_schedule: str
    retention_days: int
