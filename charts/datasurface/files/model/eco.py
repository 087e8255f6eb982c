"""The demo's landscape: a producer's customers and addresses, for a consumer who needs them live and as history.

README.md says what each part stands for.
"""

from datasurface.dsl import *

PERSONAL = [SimpleClassification(ClassificationType.CPI, "Customer")]


def customers() -> Dataset:
    """Who buys, and how to reach them."""
    return Dataset(
        name="customers",
        schema=DDLTable(
            columns=[
                DDLColumn("id", VarChar(20), primary_key=True),
                DDLColumn("firstname", VarChar(100), nullable=False),
                DDLColumn("lastname", VarChar(100), nullable=False),
                DDLColumn("dob", Date(), nullable=False, documentation="Date of birth."),
                DDLColumn("email", VarChar(100)),
                DDLColumn("phone", VarChar(100)),
                DDLColumn("primaryaddressid", VarChar(20), documentation="Where the customer lives, one of addresses."),
                DDLColumn("billingaddressid", VarChar(20), documentation="Where bills go, one of addresses."),
            ]
        ),
        classifications=PERSONAL,
        documentation="Customers. The two addresses are set to null when their address goes.",
    )


def addresses() -> Dataset:
    """Where they live and where bills go."""
    return Dataset(
        name="addresses",
        schema=DDLTable(
            columns=[
                DDLColumn("id", VarChar(20), primary_key=True),
                DDLColumn("customerid", VarChar(20), nullable=False, documentation="Whose address it is."),
                DDLColumn("streetname", VarChar(100), nullable=False),
                DDLColumn("city", VarChar(100), nullable=False),
                DDLColumn("state", VarChar(100), nullable=False),
                DDLColumn("zipcode", VarChar(30), nullable=False),
            ]
        ),
        classifications=PERSONAL,
        documentation="Addresses of customers, who may have several. They go with their customer.",
    )


def producer(database: PostgresDatabase) -> Datastore:
    """Both tables, read in one snapshot so that their foreign keys hold in the copy."""
    return Datastore(
        name="Store1",
        production_status=ProductionStatus.NOT_PRODUCTION,
        datasets=[customers(), addresses()],
        capture=SQLSnapshotIngestion(
            container=database,
            consistency=Consistency.MULTI_DATASET,
            credential=Credential("customer_reader"),
            tables={"customers": "customers", "addresses": "addresses"},
        ),
    )


def consumer() -> Workspace:
    """The same data twice: as it is now, and as it ever was."""
    live = RetentionRequirements(MilestoneStrategy.LIVE_ONLY, latency_seconds=60)
    forensic = RetentionRequirements(MilestoneStrategy.BATCH_MILESTONED, latency_seconds=600)
    both = [DatasetSink("Store1", "customers"), DatasetSink("Store1", "addresses")]
    return Workspace(
        name="Consumer1",
        groups=[
            DatasetGroup("LiveDSG", requirements=live, sinks=both),
            DatasetGroup("ForensicDSG", requirements=forensic, sinks=both),
        ],
    )


def platforms(database: PostgresDatabase) -> list[YellowDataPlatform]:
    """One for each pace and depth of history."""
    return [
        YellowDataPlatform(
            name="YellowLive",
            milestone_strategy=MilestoneStrategy.LIVE_ONLY,
            merge_container=database,
            credential=Credential("yellowlive_merge"),
            default_schedule="* * * * *",
            run_budget_seconds=55,
        ),
        YellowDataPlatform(
            name="YellowForensic",
            milestone_strategy=MilestoneStrategy.BATCH_MILESTONED,
            merge_container=database,
            credential=Credential("yellowforensic_merge"),
            default_schedule="*/10 * * * *",
        ),
    ]


def create_ecosystem() -> Ecosystem:
    """The whole model."""
    home = GitRepository("datasurface/demo-model", branch="main")
    here = ["MyCorp:USA/NY_1"]
    customer_db = PostgresDatabase(
        name="customer_db", host="localhost", port=5432, database="customer_db", locations=here
    )
    merge_db = PostgresDatabase(
        name="merge_db", host="localhost", port=5432, database="datasurface_merge", locations=here
    )
    team = Team(name="team1", owning_repo=home, datastores=[producer(customer_db)], workspaces=[consumer()])
    return Ecosystem(
        name="Test",
        owning_repo=home,
        vendors=[InfrastructureVendor("MyCorp", locations=[Location("USA", locations=[Location("NY_1")])])],
        data_platforms=platforms(merge_db),
        zones=[GovernanceZone(name="USA", owning_repo=home, teams=[team])],
    )
