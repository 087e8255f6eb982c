"""Models for tests of their application: the demo's landscape in few columns, changed by what a test is about."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from datasurface.dsl import (
    Consistency,
    Credential,
    Dataset,
    DatasetGroup,
    DatasetSink,
    Datastore,
    DDLColumn,
    DDLTable,
    Ecosystem,
    GitRepository,
    GovernanceZone,
    InfrastructureVendor,
    Location,
    MilestoneStrategy,
    PostgresDatabase,
    ProductionStatus,
    RetentionRequirements,
    SQLSnapshotIngestion,
    Team,
    VarChar,
    Workspace,
    YellowDataPlatform,
)
from datasurface.loader import LoadedModel
from datasurface.model.mapping import (
    Assignment,
    AssignmentStatus,
    DeprecationsAllowed,
    GroupAssignments,
    PlatformMapping,
)

LIVE, FORENSIC = MilestoneStrategy.LIVE_ONLY, MilestoneStrategy.BATCH_MILESTONED
GROUPS = {LIVE: "LiveDSG", FORENSIC: "ForensicDSG"}
PLATFORMS = {LIVE: "YellowLive", FORENSIC: "YellowForensic"}
PRESENT, GONE = AssignmentStatus.PROVISIONED, AssignmentStatus.DECOMMISSIONED

ID = DDLColumn("id", VarChar(20), primary_key=True)
NAME = DDLColumn("name", VarChar(100))
HOME = GitRepository("datasurface/demo-model", branch="main")


@dataclass(frozen=True, kw_only=True)
class Landscape:
    """What a test's model says; `datasets` are the columns of each, all of them deprecated and so free to change."""

    datasets: dict[str, Sequence[DDLColumn]]
    strategies: Sequence[MilestoneStrategy] = (LIVE, FORENSIC)
    workspaces: Sequence[str] = ("Consumer1",)
    consumer_database: str | None = None
    consistency: Consistency = Consistency.MULTI_DATASET
    status: AssignmentStatus = PRESENT
    revision: str = "dir-000000000001"

    def loaded(self) -> LoadedModel:
        """The model as its directory would give it."""
        return LoadedModel(
            root=Path("/nowhere"),
            revision=self.revision,
            ecosystem=self.ecosystem(),
            mapping=self.mapping(),
            mapping_findings=(),
        )

    def ecosystem(self) -> Ecosystem:
        """The model."""
        here = ["MyCorp:USA"]
        merge = PostgresDatabase(name="merge_db", host="nowhere", database="merge", locations=here)
        source = PostgresDatabase(name="customer_db", host="nowhere", database="source", locations=here)
        store = Datastore(
            name="Store1",
            production_status=ProductionStatus.NOT_PRODUCTION,
            datasets=[
                Dataset(name=name, schema=DDLTable(columns), deprecated="for tests")
                for name, columns in self.datasets.items()
            ],
            capture=SQLSnapshotIngestion(
                container=source,
                credential=Credential("customer_reader"),
                consistency=self.consistency,
                tables={name: name[:63] for name in self.datasets},
            ),
        )
        team = Team(
            name="team1",
            owning_repo=HOME,
            datastores=[store],
            workspaces=[self._workspace(name) for name in self.workspaces],
        )
        return Ecosystem(
            name="Test",
            owning_repo=HOME,
            vendors=[InfrastructureVendor("MyCorp", locations=[Location("USA")])],
            data_platforms=[
                YellowDataPlatform(
                    name=PLATFORMS[strategy],
                    milestone_strategy=strategy,
                    merge_container=merge,
                    default_schedule="* * * * *",
                )
                for strategy in self.strategies
            ],
            zones=[GovernanceZone(name="USA", owning_repo=HOME, teams=[team])],
        )

    def mapping(self) -> PlatformMapping:
        """Each group on the platform of its strategy."""
        return PlatformMapping(
            [
                GroupAssignments(
                    workspace=workspace,
                    group=GROUPS[strategy],
                    assignments=[
                        Assignment(
                            data_platform=PLATFORMS[strategy],
                            status=self.status,
                            deprecations_allowed=DeprecationsAllowed.ALLOWED,
                        )
                    ],
                )
                for workspace in self.workspaces
                for strategy in self.strategies
            ]
        )

    def but(self, revision: int, **changes: Any) -> "Landscape":
        """The same with changes, as a later revision."""
        return replace(self, revision=f"dir-{revision:012}", **changes)

    def _workspace(self, name: str) -> Workspace:
        return Workspace(
            name=name,
            consumer_database=self.consumer_database,
            groups=[
                DatasetGroup(
                    GROUPS[strategy],
                    requirements=RetentionRequirements(strategy, latency_seconds=600),
                    sinks=[DatasetSink("Store1", dataset) for dataset in self.datasets],
                )
                for strategy in self.strategies
            ],
        )


CUSTOMERS = Landscape(datasets={"customers": (ID, NAME)})
