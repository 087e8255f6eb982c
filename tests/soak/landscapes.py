"""Real models of the random shapes: one store, one platform, one workspace that reads every dataset."""

from pathlib import Path
from typing import Final

from datasurface.dsl import (
    BigInt,
    Consistency,
    Credential,
    Dataset,
    DatasetGroup,
    DatasetSink,
    Datastore,
    DDLColumn,
    DDLTable,
    Decimal,
    Ecosystem,
    GitRepository,
    GovernanceZone,
    InfrastructureVendor,
    Integer,
    Location,
    MilestoneStrategy,
    PostgresDatabase,
    ProductionStatus,
    RetentionRequirements,
    SQLSnapshotIngestion,
    Team,
    Text,
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
from datasurface.yellow.plan import names
from tests.soak.shapes import Shape, TableShape

STORE: Final = "Store1"
WORKSPACE, GROUP, PLATFORM = "Consumer1", "Group1", "Yellow"
_HOME: Final = GitRepository("datasurface/soak", branch="main")
_TYPES: Final = {"integer": Integer(), "bigint": BigInt(), "text": Text(), "numeric": Decimal()}


def loaded(shape: Shape) -> LoadedModel:
    """The model of a shape, as its directory would give it."""
    return LoadedModel(
        root=Path("/nowhere"),
        revision=f"dir-{shape.number:012}",
        ecosystem=_ecosystem(shape),
        mapping=PlatformMapping(
            [
                GroupAssignments(
                    workspace=WORKSPACE,
                    group=GROUP,
                    assignments=[
                        Assignment(
                            data_platform=PLATFORM,
                            status=AssignmentStatus.PROVISIONED,
                            deprecations_allowed=DeprecationsAllowed.ALLOWED,
                        )
                    ],
                )
            ]
        ),
        mapping_findings=(),
    )


def merge_table(dataset: str) -> str:
    """The merge table of a dataset."""
    return names.merge_table(PLATFORM, STORE, dataset)


def staging_table(dataset: str) -> str:
    """The staging table of a dataset."""
    return names.staging_table(PLATFORM, STORE, dataset)


def stream_key(stream: str | None) -> str:
    """The key of the stream of all datasets, or of one."""
    return names.stream_key(STORE, stream)


def view(dataset: str, *, is_history: bool) -> str:
    """The view of a dataset."""
    return (names.history_view if is_history else names.view)(PLATFORM, WORKSPACE, GROUP, dataset)


def _ecosystem(shape: Shape) -> Ecosystem:
    here = ["MyCorp:USA"]
    strategy = MilestoneStrategy.BATCH_MILESTONED if shape.is_forensic else MilestoneStrategy.LIVE_ONLY
    store = Datastore(
        name=STORE,
        production_status=ProductionStatus.NOT_PRODUCTION,
        datasets=[_dataset(table) for table in shape.tables.values()],
        capture=SQLSnapshotIngestion(
            container=PostgresDatabase(name="customer_db", host="nowhere", database="source", locations=here),
            credential=Credential("customer_reader"),
            consistency=Consistency.MULTI_DATASET if shape.is_multi else Consistency.SINGLE_DATASET,
            tables={name: name for name in shape.tables},
        ),
    )
    group = DatasetGroup(
        GROUP,
        requirements=RetentionRequirements(strategy, latency_seconds=600),
        sinks=[DatasetSink(STORE, name) for name in shape.tables],
    )
    platform = YellowDataPlatform(
        name=PLATFORM,
        milestone_strategy=strategy,
        merge_container=PostgresDatabase(name="merge_db", host="nowhere", database="merge", locations=here),
        default_schedule="* * * * *",
        store_hashes=shape.store_hashes,
    )
    team = Team(
        name="team1", owning_repo=_HOME, datastores=[store], workspaces=[Workspace(name=WORKSPACE, groups=[group])]
    )
    return Ecosystem(
        name="Test",
        owning_repo=_HOME,
        vendors=[InfrastructureVendor("MyCorp", locations=[Location("USA")])],
        data_platforms=[platform],
        zones=[GovernanceZone(name="USA", owning_repo=_HOME, teams=[team])],
    )


def _dataset(table: TableShape) -> Dataset:
    columns = [
        DDLColumn(column.name, _type(column.sql_type), primary_key=column.is_key, nullable=not column.is_required)
        for column in table.columns
    ]
    return Dataset(name=table.dataset, schema=DDLTable(columns), deprecated="free to change")


def _type(sql_type: str) -> Text | VarChar | Decimal | Integer | BigInt:
    if sql_type in _TYPES:
        return _TYPES[sql_type]
    name, _, numbers = sql_type.rstrip(")").partition("(")
    if name == "numeric":
        precision, scale = map(int, numbers.split(","))
        return Decimal(precision, scale)
    return VarChar(int(numbers))
