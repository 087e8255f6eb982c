"""A landscape of a thousand stores: as many as `size.json` beside this file says, the same on every machine.

`stores` of `datasets` each, 8 to 20 columns per dataset; every fourth store is captured dataset by dataset. Each store
has a consumer that wants all of its datasets live and every fourth one's history too. `changed` is how many datasets,
from the first one on, have a column more.
"""

import json
from pathlib import Path

from datasurface.dsl import (
    BigInt,
    Boolean,
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
    Decimal,
    Ecosystem,
    GitRepository,
    GovernanceZone,
    InfrastructureVendor,
    Integer,
    Location,
    MilestoneStrategy,
    PostgresDatabase,
    RetentionRequirements,
    SimpleClassification,
    SQLSnapshotIngestion,
    Team,
    Text,
    Timestamp,
    VarChar,
    Workspace,
    YellowDataPlatform,
)

HOME = GitRepository("datasurface/large-model", branch="main")
HERE = ["MyCorp:USA"]
TEAMS_PER_ZONE = 10
STORES_PER_TEAM = 10
LEAST_COLUMNS, COLUMN_COUNTS = 8, 13
CAPTURED_SINGLY = range(3, 10_000, 4)
TYPES = (
    VarChar(100),
    Integer(),
    Decimal(18, 4),
    Date(),
    VarChar(20),
    Timestamp(),
    Boolean(),
    BigInt(),
    Text(),
)
WORDS = ("amount", "booked", "city", "country", "created", "reason", "region", "state", "updated")


def columns(number: int, *, is_changed: bool) -> list[DDLColumn]:
    """The columns of the dataset of that number, counted through all stores."""
    count = LEAST_COLUMNS + number % COLUMN_COUNTS
    kinds = [TYPES[(number + place) % len(TYPES)] for place in range(count)]
    described = [
        DDLColumn(f"{WORDS[place % len(WORDS)]}_{place}", kind, nullable=place % 3 != 0, documentation="As booked.")
        for place, kind in enumerate(kinds)
    ]
    keys = [DDLColumn("id", VarChar(20), primary_key=True)]
    keys += [DDLColumn("line", Integer(), primary_key=True)] if number % 10 == 0 else []
    added = [DDLColumn("added", VarChar(50))] if is_changed else []
    return [*keys, *described[len(keys) :], *added]


def store(position: int, datasets: int, changed: int) -> Datastore:
    """A producer with that many datasets."""
    numbers = range(position * datasets, (position + 1) * datasets)
    return Datastore(
        name=f"Store{position:04}",
        documentation="Of the large model.",
        datasets=[
            Dataset(
                name=f"dataset_{number % datasets:02}",
                schema=DDLTable(columns(number, is_changed=number < changed)),
                classifications=[SimpleClassification(ClassificationType.IP, "Orders")],
            )
            for number in numbers
        ],
        capture=SQLSnapshotIngestion(
            container=PostgresDatabase(
                name=f"source_{position:04}", host="localhost", database="source", locations=HERE
            ),
            credential=Credential(f"reader_{position:04}"),
            consistency=Consistency.SINGLE_DATASET if position in CAPTURED_SINGLY else Consistency.MULTI_DATASET,
            tables={f"dataset_{number % datasets:02}": f"T_{number % datasets:02}" for number in numbers},
        ),
    )


def workspace(position: int, datasets: int) -> Workspace:
    """The consumer of a store."""
    sinks = [DatasetSink(f"Store{position:04}", f"dataset_{number:02}") for number in range(datasets)]
    live, forensic = MilestoneStrategy.LIVE_ONLY, MilestoneStrategy.BATCH_MILESTONED
    return Workspace(
        name=f"Consumer{position:04}",
        groups=[
            DatasetGroup("LiveDSG", RetentionRequirements(live, latency_seconds=3600), sinks),
            DatasetGroup("ForensicDSG", RetentionRequirements(forensic, latency_seconds=86400), sinks[::4]),
        ],
    )


def team(first: int, size: dict[str, int]) -> Team:
    """The team of the stores from `first` on."""
    stores = range(first, min(first + STORES_PER_TEAM, size["stores"]))
    return Team(
        name=f"team{first:04}",
        owning_repo=HOME,
        datastores=[store(position, size["datasets"], size["changed"]) for position in stores],
        workspaces=[workspace(position, size["datasets"]) for position in stores],
    )


def create_ecosystem() -> Ecosystem:
    """The whole landscape."""
    size = json.loads(Path(__file__).with_name("size.json").read_text(encoding="utf-8"))
    merge = PostgresDatabase(name="merge_db", host="localhost", database="merge", locations=HERE)
    firsts = range(0, size["stores"], STORES_PER_TEAM)
    teams = [team(first, size) for first in firsts]
    zones = [teams[start : start + TEAMS_PER_ZONE] for start in range(0, len(teams), TEAMS_PER_ZONE)]
    return Ecosystem(
        name="Large",
        owning_repo=HOME,
        vendors=[InfrastructureVendor("MyCorp", locations=[Location("USA")])],
        data_platforms=[
            YellowDataPlatform(
                name=name,
                milestone_strategy=strategy,
                merge_container=merge,
                default_schedule="*/10 * * * *",
            )
            for name, strategy in (
                ("YellowLive", MilestoneStrategy.LIVE_ONLY),
                ("YellowForensic", MilestoneStrategy.BATCH_MILESTONED),
            )
        ],
        zones=[
            GovernanceZone(name=f"Zone{number}", owning_repo=HOME, teams=of_zone)
            for number, of_zone in enumerate(zones)
        ],
    )
