# ruff: noqa: F403, F405 - models are written with one import
"""The landscape of the benchmark: the demo's tables on both kinds of platform, each looked at once per run."""

from datasurface.dsl import *

LIVE, FORENSIC = MilestoneStrategy.LIVE_ONLY, MilestoneStrategy.BATCH_MILESTONED
PERSONAL = [SimpleClassification(ClassificationType.CPI, "Made up")]


def customers() -> Dataset:
    columns = [
        DDLColumn("id", VarChar(20), primary_key=True),
        DDLColumn("firstname", VarChar(100), nullable=False),
        DDLColumn("lastname", VarChar(100), nullable=False),
        DDLColumn("dob", Date(), nullable=False),
        DDLColumn("email", VarChar(100)),
        DDLColumn("phone", VarChar(100)),
        DDLColumn("primaryaddressid", VarChar(20)),
        DDLColumn("billingaddressid", VarChar(20)),
    ]
    return Dataset(name="customers", schema=DDLTable(columns), classifications=PERSONAL)


def addresses() -> Dataset:
    columns = [
        DDLColumn("id", VarChar(20), primary_key=True),
        DDLColumn("customerid", VarChar(20), nullable=False),
        DDLColumn("streetname", VarChar(100), nullable=False),
        DDLColumn("city", VarChar(100), nullable=False),
        DDLColumn("state", VarChar(100), nullable=False),
        DDLColumn("zipcode", VarChar(30), nullable=False),
    ]
    return Dataset(name="addresses", schema=DDLTable(columns), classifications=PERSONAL)


def create_ecosystem() -> Ecosystem:
    home = GitRepository("datasurface/bench-model")
    places = ["MyCorp:USA/NY_1"]
    source = PostgresDatabase(name="source_db", host="localhost", database="customer_db", locations=places)
    merge = PostgresDatabase(name="merge_db", host="localhost", database="datasurface_merge", locations=places)
    store = Datastore(
        name="Store1",
        production_status=ProductionStatus.NOT_PRODUCTION,
        datasets=[customers(), addresses()],
        capture=SQLSnapshotIngestion(container=source, credential=Credential("customer_reader")),
    )
    sinks = [DatasetSink("Store1", "customers"), DatasetSink("Store1", "addresses")]
    groups = [
        DatasetGroup("LiveDSG", RetentionRequirements(LIVE, latency_seconds=600), sinks),
        DatasetGroup("ForensicDSG", RetentionRequirements(FORENSIC, latency_seconds=600), sinks),
    ]
    platforms = [
        YellowDataPlatform(
            name=name, milestone_strategy=strategy, merge_container=merge, default_schedule="*/10 * * * *"
        )
        for name, strategy in (("YellowLive", LIVE), ("YellowForensic", FORENSIC))
    ]
    team = Team(
        name="team1", owning_repo=home, datastores=[store], workspaces=[Workspace(name="Consumer1", groups=groups)]
    )
    return Ecosystem(
        name="Bench",
        owning_repo=home,
        vendors=[InfrastructureVendor("MyCorp", [Location("USA", [Location("NY_1")])])],
        data_platforms=platforms,
        zones=[GovernanceZone(name="USA", owning_repo=home, teams=[team])],
    )
