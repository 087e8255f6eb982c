"""What a platform needs of its own in the merge database."""

from dataclasses import dataclass
from typing import Final

from datasurface.model.ecosystem import Ecosystem
from datasurface.model.platforms import MilestoneStrategy, YellowDataPlatform
from datasurface.yellow.plan import names

#: When a platform is looked after: full comparison, audit, removal of what left the model long ago.
INFRASTRUCTURE_SCHEDULE: Final = "@daily"


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


def control_tables(platform: str) -> ControlTables:
    """The control tables of a platform, given by either of its names."""
    return ControlTables(
        batch_counter=names.batch_counter(platform),
        batch_metrics=names.batch_metrics(platform),
        stream_plan=names.stream_plan(platform),
        airflow_dsg=names.airflow_dsg(platform),
    )


def platform_plans(ecosystem: Ecosystem) -> tuple[PlatformPlan, ...]:
    """Every platform of the model, sorted by name, also one that serves nobody yet."""
    by_name = {platform.name: platform for platform in reversed(ecosystem.data_platforms)}
    return tuple(_platform_plan(by_name[name]) for name in sorted(by_name))


def _platform_plan(platform: YellowDataPlatform) -> PlatformPlan:
    container = platform.merge_container
    return PlatformPlan(
        platform=platform.name,
        platform_name=names.platform_name(platform.name),
        strategy=platform.milestone_strategy,
        control=control_tables(platform.name),
        merge_container=container.name,
        merge_host=container.host,
        merge_port=container.port,
        merge_database=container.database,
        infrastructure_schedule=INFRASTRUCTURE_SCHEDULE,
        retention_days=platform.retention_days,
    )
