"""Data platforms: what serves the groups of datasets."""

from dataclasses import dataclass
from enum import StrEnum

from datasurface.model.containers import PostgresDatabase
from datasurface.model.credentials import Credential
from datasurface.model.records import check_name, check_range, check_type


class MilestoneStrategy(StrEnum):
    """What a merge table keeps: the present state alone, or every version by batch ("forensic")."""

    LIVE_ONLY = "live only"
    BATCH_MILESTONED = "batch milestoned"


@dataclass(frozen=True, slots=True, kw_only=True)
class YellowDataPlatform:
    """Snapshots merged into PostgreSQL.

    `credential` is the login of its jobs; None: the installation's common one. `default_schedule` (five fields of cron,
    in `timezone`) serves stores without a trigger. A run looks again while `run_budget_seconds` last, every
    `look_interval_seconds`. With `store_hashes` merge tables also carry a hash of the row and of its key. A look
    computes everything anew when the last one that did so is `full_comparison_hours` old; with 0 every look does.
    """

    name: str
    milestone_strategy: MilestoneStrategy
    merge_container: PostgresDatabase
    default_schedule: str
    credential: Credential | None = None
    timezone: str = "UTC"
    run_budget_seconds: int = 0
    look_interval_seconds: int = 2
    store_hashes: bool = False
    retention_days: int = 30
    full_comparison_hours: int = 24
    documentation: str = ""

    def __post_init__(self) -> None:
        check_name(self)
        check_type(self, "milestone_strategy", MilestoneStrategy)
        check_type(self, "merge_container", PostgresDatabase)
        check_name(self, "default_schedule")
        check_type(self, "credential", Credential, type(None))
        check_name(self, "timezone")
        check_range(self, "run_budget_seconds", least=0, most=86_400)
        check_range(self, "look_interval_seconds", least=1, most=3_600)
        check_type(self, "store_hashes", bool)
        check_range(self, "retention_days", least=0, most=36_500)
        check_range(self, "full_comparison_hours", least=0, most=8_760)
        check_type(self, "documentation", str)
