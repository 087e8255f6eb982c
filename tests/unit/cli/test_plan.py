"""`datasurface plan`: tables for people, JSON for machines, and a refusal where lint finds something."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from datasurface.cli.plan import command
from datasurface.errors import ModelError
from datasurface.yellow.plan.ecosystem_plan import plan_from_document

MODEL = """
from datasurface.dsl import *

def create_ecosystem():
    home = GitRepository("owner/model")
    db = PostgresDatabase(name="db", host="db.example.com", database="shop", locations=["MyCorp:USA"])
    orders = Dataset(name="orders", schema=DDLTable(columns=[
        DDLColumn("id", BigInt(), primary_key=True), DDLColumn("note", Text()),
        DDLColumn("customer", VarChar(9), nullable=False,
                  classifications=[SimpleClassification(ClassificationType.CPI)]),
    ]))
    store = Datastore(name="Shop", datasets=[orders], production_status=ProductionStatus.NOT_PRODUCTION,
                      capture=SQLSnapshotIngestion(container=db, credential=Credential("shop_reader")))
    minute = RetentionRequirements(MilestoneStrategy.LIVE_ONLY, latency_seconds=60)
    sales = Workspace(name="Sales", groups=[DatasetGroup("Live", minute, [DatasetSink("Shop", "orders")])])
    team = Team(name="team1", owning_repo=home, datastores=[store], workspaces=[sales])
    return Ecosystem(
        name="Test", owning_repo=home, zones=[GovernanceZone(name="USA", owning_repo=home, teams=[team])],
        vendors=[InfrastructureVendor("MyCorp", locations=[Location("USA")])],
        data_platforms=[YellowDataPlatform(name="YellowLive", milestone_strategy=MilestoneStrategy.LIVE_ONLY,
                                           merge_container=db, default_schedule="* * * * *")])
"""
MAPPING = [
    {
        "dsgName": "Live",
        "workspace": "Sales",
        "assignments": [
            {
                "dataPlatform": "YellowLive",
                "documentation": "",
                "productionStatus": "NOT_PRODUCTION",
                "deprecationsAllowed": "NEVER",
                "status": "PROVISIONED",
            }
        ],
    }
]
INSTALLATION = '{"v": 1, "image": "ds:1", "namespace": "ds"}'


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A directory with a model of one store, one group and one platform."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "eco.py").write_text(MODEL)
    (folder / "dsg_platform_mapping.json").write_text(json.dumps(MAPPING))
    return folder


@pytest.fixture(autouse=True)
def _no_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATASURFACE_INSTALLATION", raising=False)


def run(*arguments: object) -> Result:
    """The command's output; what it raises is raised."""
    return CliRunner().invoke(command, [str(argument) for argument in arguments], catch_exceptions=False)


@pytest.mark.row("I05", "V01", "D01")
def test_a_plan_is_shown_as_tables(model: Path) -> None:
    """Counts, platforms, streams, tables with their columns, views and DAGs, in at most 100 columns."""
    output = run(model).output
    lines = [line.split() for line in output.splitlines()]

    assert output.startswith("Test: 1 platform, 1 stream, 1 table, 1 view, 1 workspace\nplan ")
    assert ["YellowLive/Shop", "shop", "on", "db.example.com:5432", "orders", "60", "s"] in lines
    assert ["Table", "yellowlive_shop_orders_merge"] in lines
    assert ["id", "bigint", "key"] in lines
    assert ["customer", "character", "varying(9)", "not", "null,", "classified"] in lines
    assert ["yellowlive_sales_live_orders_view", "current", "Shop/orders"] in lines
    assert ["yellowlive__Shop_ingestion", "*", "*", "*", "*", "*", "UTC", "inactive"] in lines
    assert max(map(len, output.splitlines())) <= 100


def test_json_is_the_whole_plan(model: Path) -> None:
    """What `--json` prints reads back as a plan."""
    plan = plan_from_document(json.loads(run(model, "--json").output))

    assert [stream.stream_key for stream in plan.streams] == ["Shop"]
    assert [row.status for row in plan.dags] == ["inactive"]


@pytest.mark.parametrize("by", ["option", "environment"])
def test_an_installation_makes_the_dags_active(
    by: str, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file may be named by the option or by DATASURFACE_INSTALLATION."""
    file = tmp_path / "installation.json"
    file.write_text(INSTALLATION)
    if by == "environment":
        monkeypatch.setenv("DATASURFACE_INSTALLATION", str(file))

    arguments = ["--installation", file] if by == "option" else []
    plan = plan_from_document(json.loads(run(model, "--json", *arguments).output))

    assert [(row.status, row.config["datasurface_docker_image"]) for row in plan.dags] == [("active", "ds:1")]


@pytest.mark.row("M11", kind="refusal")
@pytest.mark.parametrize(
    "change",
    [("YellowLive", "YelowLive"), ('"Live"', '"NoGroup"'), ("PROVISIONED", "SOON")],
    ids=lambda change: change[1],
)
def test_a_model_with_findings_is_not_planned(change: tuple[str, str], model: Path) -> None:
    """A mapping that names what is not there: how many findings there are, and the command that tells them."""
    mapping = model / "dsg_platform_mapping.json"
    mapping.write_text(mapping.read_text().replace(*change))

    with pytest.raises(ModelError, match=r"has \d+ findings? and is not planned") as caught:
        run(model)

    assert f"datasurface lint {model}" in (caught.value.fix or "")


def test_names_that_would_collide_are_findings_too(model: Path) -> None:
    """What only the plan can see keeps a model from being planned as well."""
    another = 'workspaces=[Workspace(name="Customer", groups=[]), sales]'
    (model / "eco.py").write_text(MODEL.replace("workspaces=[sales]", another))

    with pytest.raises(ModelError, match="has 1 finding and"):
        run(model)


def test_a_wrong_installation_is_a_model_error(model: Path, tmp_path: Path) -> None:
    """The place in the file is in the message, and nothing is printed."""
    file = tmp_path / "installation.json"
    file.write_text('{"v": 1, "image": "ds:1"}')

    with pytest.raises(ModelError, match="namespace: Field required"):
        run(model, "--installation", file)
