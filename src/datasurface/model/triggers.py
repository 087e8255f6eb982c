"""Triggers: when a stream is looked at."""

from dataclasses import dataclass

from datasurface.model.records import check_name


@dataclass(frozen=True, slots=True)
class CronTrigger:
    """By the five fields of cron, in `timezone` (a name of the tz database)."""

    schedule: str
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        check_name(self, "schedule")
        check_name(self, "timezone")


@dataclass(frozen=True, slots=True)
class ExternalTrigger:
    """By somebody else: the stream has no schedule of its own."""


Trigger = CronTrigger | ExternalTrigger
