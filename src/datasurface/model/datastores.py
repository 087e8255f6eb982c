"""Datastores and datasets: what producers offer, and how it is captured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from datasurface.model.containers import PostgresDatabase
from datasurface.model.credentials import Credential
from datasurface.model.records import check_name, check_type, freeze_list, freeze_map
from datasurface.model.schemas import DDLTable, SimpleClassification
from datasurface.model.triggers import CronTrigger, ExternalTrigger, Trigger


class ProductionStatus(StrEnum):
    """Whether a store's data is of production; then every column needs a classification."""

    PRODUCTION = "production"
    NOT_PRODUCTION = "not production"


class Consistency(StrEnum):
    """What is read in one snapshot of the source: each dataset by itself, or all datasets of the store together."""

    SINGLE_DATASET = "single dataset"
    MULTI_DATASET = "multi dataset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """One table as its consumers see it."""

    name: str
    schema: DDLTable
    classifications: Sequence[SimpleClassification] = ()
    documentation: str = ""
    deprecated: str | None = None

    def __post_init__(self) -> None:
        check_name(self)
        check_type(self, "schema", DDLTable)
        freeze_list(self, "classifications", SimpleClassification)
        check_type(self, "documentation", str)
        check_type(self, "deprecated", str, type(None))


@dataclass(frozen=True, slots=True, kw_only=True)
class SQLSnapshotIngestion:
    """Capture by snapshots of SQL tables.

    `tables` maps a dataset to its table; a dataset that is not listed has a table of its own name. `schema` is the
    source's schema. Without a `trigger` the platform's `default_schedule` decides.
    """

    container: PostgresDatabase
    credential: Credential
    consistency: Consistency = Consistency.MULTI_DATASET
    tables: Mapping[str, str] = field(default_factory=dict, hash=False)
    schema: str = "public"
    trigger: Trigger | None = None

    def __post_init__(self) -> None:
        check_type(self, "container", PostgresDatabase)
        check_type(self, "credential", Credential)
        check_type(self, "consistency", Consistency)
        freeze_map(self, "tables")
        check_name(self, "schema")
        check_type(self, "trigger", CronTrigger, ExternalTrigger, type(None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Datastore:
    """A producer's database as consumers see it."""

    name: str
    datasets: Sequence[Dataset]
    capture: SQLSnapshotIngestion
    production_status: ProductionStatus = ProductionStatus.PRODUCTION
    documentation: str = ""
    deprecated: str | None = None

    def __post_init__(self) -> None:
        check_name(self)
        freeze_list(self, "datasets", Dataset)
        check_type(self, "capture", SQLSnapshotIngestion)
        check_type(self, "production_status", ProductionStatus)
        check_type(self, "documentation", str)
        check_type(self, "deprecated", str, type(None))
