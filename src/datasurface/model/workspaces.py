"""Workspaces: consumers, and the datasets that each of their groups needs."""

from collections.abc import Sequence
from dataclasses import dataclass

from datasurface.model.platforms import MilestoneStrategy
from datasurface.model.records import check_name, check_range, check_type, freeze_list

#: Ten years: whoever waits longer needs no platform.
MAX_LATENCY_SECONDS = 315_360_000


@dataclass(frozen=True, slots=True)
class RetentionRequirements:
    """How much history a group needs and how old its data may be, in seconds."""

    milestone_strategy: MilestoneStrategy
    latency_seconds: int

    def __post_init__(self) -> None:
        check_type(self, "milestone_strategy", MilestoneStrategy)
        check_range(self, "latency_seconds", least=1, most=MAX_LATENCY_SECONDS)


@dataclass(frozen=True, slots=True)
class DatasetSink:
    """One dataset of one store, as a consumer asks for it."""

    store: str
    dataset: str

    def __post_init__(self) -> None:
        check_name(self, "store")
        check_name(self, "dataset")


@dataclass(frozen=True, slots=True)
class DatasetGroup:
    """Datasets with one requirement; the platform mapping says which platform serves it."""

    name: str
    requirements: RetentionRequirements
    sinks: Sequence[DatasetSink]

    def __post_init__(self) -> None:
        check_name(self)
        check_type(self, "requirements", RetentionRequirements)
        freeze_list(self, "sinks", DatasetSink)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A consumer. It reads through a role of its own; with `consumer_database` its views are shown there as well."""

    name: str
    groups: Sequence[DatasetGroup]
    consumer_database: str | None = None
    documentation: str = ""

    def __post_init__(self) -> None:
        check_name(self)
        freeze_list(self, "groups", DatasetGroup)
        check_type(self, "consumer_database", str, type(None))
        check_type(self, "documentation", str)
