# ruff: noqa: F403, F405 - models are written with one import
"""The landscape of an experiment: whatever datasets landscape.json beside it names, on the platforms it names."""

import json
from pathlib import Path

from datasurface.dsl import *

LANDSCAPE = json.loads((Path(__file__).parent / "landscape.json").read_text(encoding="utf-8"))
GROUPS = {"YellowLive": "LiveDSG", "YellowForensic": "ForensicDSG"}


def column(name: str, model_type: str, is_key: bool) -> DDLColumn:
    kind, _, size = model_type.partition(":")
    sized = [int(number) for number in size.split(",") if number]
    return DDLColumn(name, TYPES[kind](*sized), primary_key=is_key, nullable=not is_key)


TYPES = {
    "VarChar": VarChar,
    "Text": Text,
    "Integer": Integer,
    "Decimal": Decimal,
    "Date": Date,
    "TimestampTZ": TimestampTZ,
}


def create_ecosystem() -> Ecosystem:
    home = GitRepository("datasurface/bench-model")
    places = ["MyCorp:USA/NY_1"]
    source = PostgresDatabase(name="source_db", host="localhost", database="customer_db", locations=places)
    merge = PostgresDatabase(name="merge_db", host="localhost", database="datasurface_merge", locations=places)
    store = Datastore(
        name="Store1",
        production_status=ProductionStatus.NOT_PRODUCTION,
        datasets=[
            Dataset(name=name, schema=DDLTable([column(*each) for each in columns]))
            for name, columns in LANDSCAPE["datasets"].items()
        ],
        capture=SQLSnapshotIngestion(container=source, credential=Credential("customer_reader")),
    )
    sinks = [DatasetSink("Store1", name) for name in LANDSCAPE["datasets"]]
    strategies = {name: MilestoneStrategy[strategy] for name, strategy in LANDSCAPE["platforms"].items()}
    groups = [
        DatasetGroup(GROUPS[name], RetentionRequirements(strategy, latency_seconds=600), sinks)
        for name, strategy in strategies.items()
    ]
    platforms = [
        YellowDataPlatform(
            name=name,
            milestone_strategy=strategy,
            merge_container=merge,
            default_schedule="*/10 * * * *",
            run_budget_seconds=LANDSCAPE["run_budget_seconds"],
        )
        for name, strategy in strategies.items()
    ]
    team = Team(
        name="team1", owning_repo=home, datastores=[store], workspaces=[Workspace(name="Consumer1", groups=groups)]
    )
    return Ecosystem(
        name="Experiment",
        owning_repo=home,
        vendors=[InfrastructureVendor("MyCorp", [Location("USA", [Location("NY_1")])])],
        data_platforms=platforms,
        zones=[GovernanceZone(name="USA", owning_repo=home, teams=[team])],
    )
