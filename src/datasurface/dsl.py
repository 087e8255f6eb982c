"""What a model file imports: `from datasurface.dsl import *`."""

from datasurface.model.containers import PostgresDatabase
from datasurface.model.credentials import Credential, CredentialType
from datasurface.model.datastores import Consistency, Dataset, Datastore, ProductionStatus, SQLSnapshotIngestion
from datasurface.model.datatypes import (
    JSON,
    JSONB,
    UUID,
    Array,
    BigInt,
    Boolean,
    Bytes,
    Char,
    Date,
    Decimal,
    Double,
    Enum,
    Integer,
    Interval,
    Real,
    SmallInt,
    Text,
    Time,
    Timestamp,
    TimestampTZ,
    VarChar,
)
from datasurface.model.ecosystem import Ecosystem
from datasurface.model.locations import InfrastructureVendor, Location
from datasurface.model.platforms import MilestoneStrategy, YellowDataPlatform
from datasurface.model.repositories import GitRepository
from datasurface.model.schemas import ClassificationType, DDLColumn, DDLTable, SimpleClassification
from datasurface.model.triggers import CronTrigger, ExternalTrigger
from datasurface.model.workspaces import DatasetGroup, DatasetSink, RetentionRequirements, Workspace
from datasurface.model.zones import GovernanceZone, Team

__all__ = [
    "JSON",
    "JSONB",
    "UUID",
    "Array",
    "BigInt",
    "Boolean",
    "Bytes",
    "Char",
    "ClassificationType",
    "Consistency",
    "Credential",
    "CredentialType",
    "CronTrigger",
    "DDLColumn",
    "DDLTable",
    "Dataset",
    "DatasetGroup",
    "DatasetSink",
    "Datastore",
    "Date",
    "Decimal",
    "Double",
    "Ecosystem",
    "Enum",
    "ExternalTrigger",
    "GitRepository",
    "GovernanceZone",
    "InfrastructureVendor",
    "Integer",
    "Interval",
    "Location",
    "MilestoneStrategy",
    "PostgresDatabase",
    "ProductionStatus",
    "Real",
    "RetentionRequirements",
    "SQLSnapshotIngestion",
    "SimpleClassification",
    "SmallInt",
    "Team",
    "Text",
    "Time",
    "Timestamp",
    "TimestampTZ",
    "VarChar",
    "Workspace",
    "YellowDataPlatform",
]
