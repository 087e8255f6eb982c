"""Building a record of the model checks what it can see alone, and freezes it."""

from __future__ import annotations

import copy
import dataclasses

import pytest

from datasurface import dsl
from datasurface.model.datatypes import DataType
from datasurface.model.mapping import Assignment, AssignmentStatus, GroupAssignments, PlatformMapping
from datasurface.model.records import InvalidRecord

HOME = dsl.GitRepository("owner/model")
DATABASE = dsl.PostgresDatabase(name="db", host="localhost", database="db")
CREDENTIAL = dsl.Credential("reader")
TABLE = dsl.DDLTable([dsl.DDLColumn("id", dsl.Integer(), primary_key=True)])
DATASET = dsl.Dataset(name="people", schema=TABLE)
CAPTURE = dsl.SQLSnapshotIngestion(container=DATABASE, credential=CREDENTIAL)
REQUIREMENTS = dsl.RetentionRequirements(dsl.MilestoneStrategy.LIVE_ONLY, latency_seconds=60)
GROUP = dsl.DatasetGroup("group", REQUIREMENTS, [dsl.DatasetSink("store", "people")])
PLATFORM = dsl.YellowDataPlatform(
    name="p", milestone_strategy=dsl.MilestoneStrategy.LIVE_ONLY, merge_container=DATABASE, default_schedule="* * * * *"
)
STORE = dsl.Datastore(name="store", datasets=[DATASET], capture=CAPTURE)
WORKSPACE = dsl.Workspace(name="w", groups=[GROUP])
TEAM = dsl.Team(name="team", owning_repo=HOME, datastores=[STORE], workspaces=[WORKSPACE])
ZONE = dsl.GovernanceZone(name="zone", owning_repo=HOME, teams=[TEAM])
ECOSYSTEM = dsl.Ecosystem(name="Eco", owning_repo=HOME, zones=[ZONE], data_platforms=[PLATFORM])
ASSIGNMENT = Assignment(data_platform="p", status=AssignmentStatus.PROVISIONED)
ENTRY = GroupAssignments(workspace="w", group="group", assignments=[ASSIGNMENT])
COLUMN = TABLE.columns[0]
CLASSIFICATION = dsl.SimpleClassification(dsl.ClassificationType.CPI)
CRON = dsl.CronTrigger("* * * * *")
LOCATION = dsl.Location("USA")
VENDOR = dsl.InfrastructureVendor("Acme", [LOCATION])

RECORDS = [
    HOME, DATABASE, CREDENTIAL, TABLE, DATASET, CAPTURE, REQUIREMENTS, GROUP, PLATFORM, STORE, WORKSPACE, TEAM, ZONE,
    ECOSYSTEM, ASSIGNMENT, ENTRY, COLUMN, CLASSIFICATION, CRON, LOCATION, VENDOR, GROUP.sinks[0],
]  # fmt: skip


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_record_is_frozen_and_has_a_hash(record):
    """A record cannot be changed; equal ones have one hash, and copies are equal."""
    name = dataclasses.fields(record)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(record, name, None)

    twin = dataclasses.replace(record)
    assert twin == record
    assert hash(twin) == hash(record)
    assert copy.copy(record) == record


def cases_of(record):
    """Give every field of a record that no object() fits, with the record."""
    return [(record, field.name) for field in dataclasses.fields(record)]


@pytest.mark.parametrize(
    ("record", "field"),
    [case for record in RECORDS for case in cases_of(record)],
    ids=lambda part: part if isinstance(part, str) else type(part).__name__,
)
def test_wrong_type_is_refused_where_it_is_written(record, field):
    """Every field of every class refuses a value of another type, and names class and field."""
    with pytest.raises(InvalidRecord, match=rf"^{type(record).__name__}\.{field}: expected "):
        dataclasses.replace(record, **{field: object()})


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: dsl.Credential(""), "Credential.name: must not be empty"),
        (lambda: dsl.Credential("a\0b"), "Credential.name: must not hold a NUL character"),
        (lambda: dsl.Credential("\ud800"), "Credential.name: must not hold half of a surrogate pair"),
        (lambda: dsl.GitRepository("a/b", branch=""), "GitRepository.branch: must not be empty"),
        (lambda: dataclasses.replace(DATABASE, port=0), "PostgresDatabase.port: must be at least 1, not 0"),
        (lambda: dataclasses.replace(DATABASE, port=65536), "PostgresDatabase.port: must be at most 65535, not 65536"),
        (lambda: dataclasses.replace(DATABASE, port=True), "PostgresDatabase.port: expected int, not a boolean"),
        (lambda: dataclasses.replace(DATABASE, locations="USA"), "PostgresDatabase.locations: expected a list of str"),
        (lambda: dataclasses.replace(DATABASE, locations={"USA"}), "expected a list of str, not set"),
        (lambda: dataclasses.replace(DATABASE, locations=["a\0"]), r"locations\[0\]: must not hold a NUL character"),
        (lambda: dsl.DDLTable([COLUMN, "x"]), r"DDLTable.columns\[1\]: expected DDLColumn, not str"),
        (lambda: dsl.DDLTable({"a": COLUMN}), "DDLTable.columns: expected a list of DDLColumn, not dict"),
        (lambda: dsl.DDLColumn("a", dsl.VarChar), "DDLColumn.type: expected DataType, not type"),
        (lambda: dsl.DDLColumn("a", dsl.Text(), nullable=1), "DDLColumn.nullable: expected bool, not int"),
        (lambda: dataclasses.replace(CAPTURE, tables={"a": 1}), "tables: expected a dict of strings to strings"),
        (lambda: dataclasses.replace(CAPTURE, tables=[("a", "b")]), "tables: expected a dict of strings, not list"),
        (lambda: dataclasses.replace(CAPTURE, tables={"a": "\0"}), "tables: must not hold a NUL character"),
        (lambda: dataclasses.replace(CAPTURE, trigger="* * * * *"), "trigger: expected CronTrigger or ExternalTrigger"),
        (lambda: dataclasses.replace(REQUIREMENTS, latency_seconds=0), "latency_seconds: must be at least 1, not 0"),
        (lambda: dataclasses.replace(PLATFORM, run_budget_seconds=-1), "run_budget_seconds: must be at least 0"),
        (lambda: dataclasses.replace(PLATFORM, look_interval_seconds=0), "look_interval_seconds: must be at least 1"),
        (lambda: dataclasses.replace(PLATFORM, full_comparison_hours=-1), "full_comparison_hours: must be at least 0"),
        (DataType, r"DataType: use one of its kinds, e.g. VarChar\(20\)"),
        (lambda: dsl.VarChar(0), "VarChar.max_length: must be at least 1, not 0"),
        (lambda: dsl.VarChar(10_485_761), "VarChar.max_length: must be at most 10485760"),
        (lambda: dsl.VarChar("20"), "VarChar.max_length: expected int, not str"),
        (lambda: dsl.Char(0), "Char.length: must be at least 1, not 0"),
        (lambda: dsl.Decimal(0), "Decimal.precision: must be at least 1, not 0"),
        (lambda: dsl.Decimal(1001), "Decimal.precision: must be at most 1000, not 1001"),
        (lambda: dsl.Decimal(5, 6), "Decimal.scale: must be at most 5, not 6"),
        (lambda: dsl.Decimal(5, -1), "Decimal.scale: must be at least 0, not -1"),
        (lambda: dsl.Decimal(scale=2), "Decimal.scale: needs a precision"),
        (lambda: dsl.Array(dsl.Array(dsl.Text())), "Array.element: must not be an Array"),
        (lambda: dsl.Array(dsl.Enum(["a"])), "Array.element: must not be an Enum"),
        (lambda: dsl.Array("text"), "Array.element: expected DataType, not str"),
        (lambda: dsl.Enum([]), "Enum.labels: must not be empty"),
        (lambda: dsl.Enum(["a", "a"]), "Enum.labels: must not repeat a label"),
        (lambda: dsl.Enum("ab"), "Enum.labels: expected a list of str, not str"),
    ],
)  # fmt: skip
def test_value_that_cannot_be_is_refused(build, message):
    """Each class says by class and field what it cannot hold."""
    with pytest.raises(InvalidRecord, match=message):
        build()


def test_author_s_lists_and_dicts_are_copied():
    """What is changed after a record was built does not change the record."""
    columns, tables = [COLUMN], {"people": "t"}
    table, capture = dsl.DDLTable(columns), dataclasses.replace(CAPTURE, tables=tables)
    columns.clear()
    tables.clear()

    assert table.columns == (COLUMN,)
    assert capture.tables == {"people": "t"}
    with pytest.raises(TypeError):
        capture.tables["x"] = "y"


def test_lines_of_a_mapping_make_no_difference():
    """Two mappings that say the same are equal, wherever their lines are."""
    elsewhere = dataclasses.replace(ENTRY, line=7, assignments=[dataclasses.replace(ASSIGNMENT, line=8)])

    assert PlatformMapping([ENTRY]) == PlatformMapping([elsewhere])
    assert elsewhere.assignments[0].line == 8


@pytest.mark.parametrize(
    ("kind", "sql"),
    [
        (dsl.VarChar(), "character varying"),
        (dsl.VarChar(20), "character varying(20)"),
        (dsl.Char(), "character(1)"),
        (dsl.Text(), "text"),
        (dsl.SmallInt(), "smallint"),
        (dsl.Integer(), "integer"),
        (dsl.BigInt(), "bigint"),
        (dsl.Decimal(), "numeric"),
        (dsl.Decimal(5), "numeric(5,0)"),
        (dsl.Decimal(5, 2), "numeric(5,2)"),
        (dsl.Real(), "real"),
        (dsl.Double(), "double precision"),
        (dsl.Date(), "date"),
        (dsl.Time(), "time without time zone"),
        (dsl.Timestamp(), "timestamp without time zone"),
        (dsl.TimestampTZ(), "timestamp with time zone"),
        (dsl.Interval(), "interval"),
        (dsl.Boolean(), "boolean"),
        (dsl.UUID(), "uuid"),
        (dsl.Bytes(), "bytea"),
        (dsl.JSON(), "json"),
        (dsl.JSONB(), "jsonb"),
        (dsl.Array(dsl.Decimal(5, 2)), "numeric(5,2)[]"),
        (dsl.Enum(["a"]), "text"),
    ],
)
def test_type_is_spelled_as_postgresql_prints_it(kind, sql):
    """The text of a type compares with that of a reflected one."""
    assert kind.sql == sql


def test_key_column_is_required_whatever_nullable_says():
    """`nullable` is true by default, and a key is never null."""
    assert COLUMN.nullable
    assert COLUMN.is_required
    assert not dsl.DDLColumn("a", dsl.Text()).is_required
    assert dsl.DDLColumn("a", dsl.Text(), nullable=False).is_required
    assert TABLE.key == ("id",)


def test_status_says_whether_an_assignment_is_present():
    """The first two statuses mean present, the others not."""
    assert [status.is_present for status in AssignmentStatus] == [True, True, False, False]


def test_paths_lead_from_the_root():
    """Objects are found by the paths that findings show, places by those that containers write."""
    assert [path for path, _ in ECOSYSTEM.stores()] == ["Eco/zone/team/store"]
    assert [path for path, _, _ in ECOSYSTEM.datasets()] == ["Eco/zone/team/store/people"]
    assert [path for path, _ in ECOSYSTEM.workspaces()] == ["Eco/zone/team/w"]
    assert [path for path, _, _ in ECOSYSTEM.groups()] == ["Eco/zone/team/w/group"]
    vendor = dsl.InfrastructureVendor("Acme", [dsl.Location("USA", [dsl.Location("NY"), dsl.Location("LA")])])
    assert list(vendor.paths()) == ["Acme:USA", "Acme:USA/NY", "Acme:USA/LA"]


def test_assignments_of_a_group_are_found():
    """All entries of a group count; a group that the file does not name has none."""
    mapping = PlatformMapping([ENTRY, dataclasses.replace(ENTRY, group="other"), ENTRY])

    assert mapping.assignments("w", "group") == (ASSIGNMENT, ASSIGNMENT)
    assert mapping.assignments("w", "nobody") == ()


def test_dsl_offers_its_names_and_no_others():
    """`from datasurface.dsl import *` gives the classes of the model, its types and enums."""
    assert set(dsl.__all__) == {
        "Array", "BigInt", "Boolean", "Bytes", "Char", "ClassificationType", "Consistency", "Credential",
        "CredentialType", "CronTrigger", "DDLColumn", "DDLTable", "Dataset", "DatasetGroup", "DatasetSink", "Datastore",
        "Date", "Decimal", "Double", "Ecosystem", "Enum", "ExternalTrigger", "GitRepository", "GovernanceZone",
        "InfrastructureVendor", "Integer", "Interval", "JSON", "JSONB", "Location", "MilestoneStrategy",
        "PostgresDatabase", "ProductionStatus", "Real", "RetentionRequirements", "SQLSnapshotIngestion",
        "SimpleClassification", "SmallInt", "Team", "Text", "Time", "Timestamp", "TimestampTZ", "UUID", "VarChar",
        "Workspace", "YellowDataPlatform",
    }  # fmt: skip
    assert all(hasattr(dsl, name) for name in dsl.__all__)
