"""Models for the tests of the plan: the demo's landscape, in which a test changes what it is about."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from datasurface.dsl import (
    ClassificationType,
    Consistency,
    Credential,
    Dataset,
    DatasetGroup,
    DatasetSink,
    Datastore,
    Date,
    DDLColumn,
    DDLTable,
    Ecosystem,
    GitRepository,
    GovernanceZone,
    MilestoneStrategy,
    PostgresDatabase,
    ProductionStatus,
    RetentionRequirements,
    SimpleClassification,
    SQLSnapshotIngestion,
    Team,
    VarChar,
    Workspace,
    YellowDataPlatform,
)
from datasurface.model.mapping import Assignment, AssignmentStatus, GroupAssignments, PlatformMapping
from datasurface.yellow.plan.ecosystem_plan import EcosystemPlan, plan_ecosystem
from datasurface.yellow.plan.installation import Installation, parse_installation

LIVE, FORENSIC = MilestoneStrategy.LIVE_ONLY, MilestoneStrategy.BATCH_MILESTONED
HOME = GitRepository("datasurface/demo-model", branch="main", host="git.example.com")
SOURCE = PostgresDatabase(name="customer_db", host="source.example.com", port=5433, database="customer_db")
MERGE = PostgresDatabase(name="merge_db", host="merge.example.com", database="datasurface_merge")
PERSONAL = SimpleClassification(ClassificationType.CPI, "Customer")

CUSTOMERS = Dataset(
    name="customers",
    schema=DDLTable(
        columns=[
            DDLColumn("id", VarChar(20), primary_key=True),
            DDLColumn("firstname", VarChar(100), nullable=False),
            DDLColumn("dob", Date(), nullable=False),
            DDLColumn("email", VarChar(100)),
        ]
    ),
    classifications=[PERSONAL],
)
ADDRESSES = Dataset(
    name="addresses",
    schema=DDLTable(
        columns=[
            DDLColumn("id", VarChar(20), primary_key=True),
            DDLColumn("customerid", VarChar(20), nullable=False),
            DDLColumn("city", VarChar(100), nullable=False),
        ]
    ),
    classifications=[PERSONAL],
)
CAPTURE = SQLSnapshotIngestion(
    container=SOURCE,
    credential=Credential("customer_reader"),
    consistency=Consistency.MULTI_DATASET,
    tables={"customers": "customers", "addresses": "addresses"},
)
STORE = Datastore(
    name="Store1",
    datasets=[CUSTOMERS, ADDRESSES],
    capture=CAPTURE,
    production_status=ProductionStatus.NOT_PRODUCTION,
    documentation="Customers and where they live.",
)
YELLOW_LIVE = YellowDataPlatform(
    name="YellowLive",
    milestone_strategy=LIVE,
    merge_container=MERGE,
    credential=Credential("yellowlive_merge"),
    default_schedule="* * * * *",
    run_budget_seconds=55,
)
YELLOW_FORENSIC = YellowDataPlatform(
    name="YellowForensic", milestone_strategy=FORENSIC, merge_container=MERGE, default_schedule="*/10 * * * *"
)
SINKS = (DatasetSink("Store1", "customers"), DatasetSink("Store1", "addresses"))


def group(
    name: str, strategy: MilestoneStrategy = LIVE, *, latency_seconds: int = 60, sinks: Sequence[DatasetSink] = SINKS
) -> DatasetGroup:
    """A group of datasets with one promise."""
    return DatasetGroup(name, RetentionRequirements(strategy, latency_seconds), sinks)


CONSUMER = Workspace(name="Consumer1", groups=[group("LiveDSG"), group("ForensicDSG", FORENSIC, latency_seconds=600)])


def ecosystem(
    *,
    stores: Sequence[Datastore] = (STORE,),
    workspaces: Sequence[Workspace] = (CONSUMER,),
    platforms: Sequence[YellowDataPlatform] = (YELLOW_LIVE, YELLOW_FORENSIC),
) -> Ecosystem:
    """A model of one team."""
    team = Team(name="team1", owning_repo=HOME, datastores=stores, workspaces=workspaces)
    return Ecosystem(
        name="Test",
        owning_repo=HOME,
        data_platforms=platforms,
        zones=[GovernanceZone(name="USA", owning_repo=HOME, teams=[team])],
    )


def assigned(
    group_name: str,
    *platforms: str,
    workspace: str = "Consumer1",
    status: AssignmentStatus = AssignmentStatus.PROVISIONED,
) -> GroupAssignments:
    """An entry of the mapping: the platforms of one group, all of one status."""
    assignments = [Assignment(data_platform=platform, status=status) for platform in platforms]
    return GroupAssignments(workspace=workspace, group=group_name, assignments=assignments)


MAPPING = PlatformMapping([assigned("LiveDSG", "YellowLive"), assigned("ForensicDSG", "YellowForensic")])


def installation(**changes: Any) -> Installation:
    """An installation as the chart writes it."""
    document: Mapping[str, Any] = {
        "v": 1,
        "image": "datasurface/datasurface:0.1.0",
        "namespace": "datasurface",
        "secrets": {"customer_reader": "ds-customer-reader", "job": "ds-job"},
    }
    return parse_installation(json.dumps({**document, **changes}), source="installation.json")


def plan(
    model: Ecosystem | None = None, mapping: PlatformMapping = MAPPING, installed: Installation | None = None
) -> EcosystemPlan:
    """The plan of a model, the demo's landscape if none is given."""
    return plan_ecosystem(model or ecosystem(), mapping, installed)


def captured(consistency: Consistency, **changes: Any) -> Datastore:
    """The store with another way of capture."""
    return replace(STORE, capture=replace(CAPTURE, consistency=consistency, **changes))


def with_columns(dataset: Dataset, *columns: DDLColumn) -> Dataset:
    """The dataset with these columns in place of its own."""
    return replace(dataset, schema=DDLTable(columns=columns))


def only_platform(platform: YellowDataPlatform, mapped: str = "LiveDSG") -> tuple[Ecosystem, PlatformMapping]:
    """A model with one platform, which serves one group."""
    return ecosystem(platforms=[platform]), PlatformMapping([assigned(mapped, platform.name)])
