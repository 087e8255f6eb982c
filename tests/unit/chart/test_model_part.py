"""What a model gives to the chart: names with descriptions, and the values that follow from them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter

from datasurface.chart.model_part import ModelPart, model_part
from datasurface.chart.schema import chart_schema, schema_text
from datasurface.chart.site_values import reader_login, site_values
from datasurface.chart.texts import render_site_values
from datasurface.chart.values.chart_values import ChartValues
from datasurface.chart.values.kinds import OWN_ROLES, ReaderLogin
from datasurface.cli import init
from datasurface.dsl import Credential, Ecosystem, PostgresDatabase
from datasurface.model.credentials import RESERVED_CREDENTIALS
from datasurface.runtime.dags.platform_config import APPLY_SECRET
from datasurface.yellow.plan.dag_config import GIT_SECRET, JOB_SECRET, SLACK_SECRET
from datasurface.yellow.plan.ecosystem_plan import plan_ecosystem
from tests.docs.tracked import ROOT
from tests.unit.plan.landscapes import MAPPING, ecosystem


def part_of(model: Ecosystem) -> ModelPart:
    """What the model gives."""
    return model_part(model, plan_ecosystem(model, MAPPING))


def elsewhere(model: Ecosystem) -> Ecosystem:
    """The model with its store in a database of the site's own."""
    (zone,) = model.zones
    (team,) = zone.teams
    orders = PostgresDatabase(name="orders db", host="db.example.com", port=6432, database="orders")
    stores = [
        replace(store, capture=replace(store.capture, container=orders, credential=Credential("orders_reader")))
        for store in team.datastores
    ]
    return replace(model, zones=[replace(zone, teams=[replace(team, datastores=stores)])])


def test_every_name_has_a_sentence() -> None:
    """Containers, credentials, workspaces and streams, each saying what it is."""
    part = part_of(ecosystem())

    assert part.containers["customer_db"] == "Source of Store1 (Test/USA/team1/Store1)."
    assert (
        part.credentials["customer_reader"] == "Login by which Store1 is read. Login by which the demo source is read."
    )
    assert part.workspaces["Consumer1"] == "Workspace Test/USA/team1/Consumer1."
    assert set(part.streams) == {"YellowLive/Store1", "YellowForensic/Store1"}
    for descriptions in (part.containers, part.credentials, part.workspaces, part.streams):
        assert all(text.endswith(".") for text in descriptions.values())


def test_the_demo_needs_no_values() -> None:
    """What the demo's model suggests is what the chart has anyway."""
    assert site_values(part_of(ecosystem())) == ChartValues()


def test_a_source_of_the_sites_own_is_suggested_with_its_way() -> None:
    """Its address, the Secret that has to be there, a way out for jobs; and no demo that nobody reads."""
    values = site_values(part_of(elsewhere(ecosystem())))

    (container,) = values.containers.items()
    assert (container[0], container[1].host, container[1].port) == ("orders db", "db.example.com", 6432)
    assert {name: each.existing_secret for name, each in values.credentials.items()} == {
        "orders_reader": "orders-reader"
    }
    assert [rule.ports for rule in values.jobs.egress] == [[{"protocol": "TCP", "port": 6432}]]
    assert not values.demo.enabled
    assert not values.simulator.enabled


@pytest.mark.parametrize(
    ("workspace", "login"),
    [
        ("Consumer1", "consumer1"),
        ("Data Science-2", "data_science_2"),
        ("1st", "r_1st_login"),
        ("x" * 60, "x" * 30),
        ("Customer_Care", "r_customer_care_login"),
        ("Data_Reader", "r_data_reader_login"),
    ],
)
def test_a_reader_is_named_for_its_workspace(workspace: str, login: str) -> None:
    """In what a login may hold."""
    assert reader_login(workspace) == login
    assert TypeAdapter(ReaderLogin).validate_python(login) == login


def test_no_two_workspaces_share_a_login() -> None:
    """Names that differ only in what a login does not hold get numbers."""
    part = replace(part_of(ecosystem()), workspaces={"Data 1": "", "Data-1": "", "DATA 1": ""})

    readers = {login: reader.workspace for login, reader in site_values(part).readers.items()}
    assert readers == {"data_1": "Data 1", "data_1_2": "Data-1", "data_1_3": "DATA 1"}


def test_the_platforms_own_roles_are_those_that_init_refuses() -> None:
    """One rule, in the command, the chart's templates and here."""
    assert OWN_ROLES == init._OWN_NAMES
    assert OWN_ROLES in (ROOT / "charts/datasurface/templates/_validations.tpl").read_text()


def test_the_names_that_an_installation_keeps_are_those_that_lint_refuses() -> None:
    """One rule, in the installation file, the model's lint and the chart's templates."""
    pattern = f"^({'|'.join(sorted(RESERVED_CREDENTIALS))})$"
    assert {JOB_SECRET, APPLY_SECRET, GIT_SECRET, SLACK_SECRET} == RESERVED_CREDENTIALS
    assert pattern in (ROOT / "charts/datasurface/templates/_validations.tpl").read_text()


def test_the_printed_values_are_the_suggested_ones() -> None:
    """What `datasurface chart values` prints reads back as what was meant, with a comment for each name."""
    part = part_of(elsewhere(ecosystem()))
    text = render_site_values(part, site_values(part))
    printed = yaml.safe_load(text)

    read = ChartValues.model_validate(printed)
    assert read.containers == site_values(part).containers
    assert read.credentials == site_values(part).credentials
    assert read.readers == site_values(part).readers
    assert set(read.jobs.streams) == set(part.streams)
    assert "# Source of Store1 (Test/USA/team1/Store1)." in text


def _properties(schema: dict[str, Any], *path: str) -> dict[str, Any]:
    for name in path:
        schema = schema["properties"][name]
    return schema


def test_names_of_the_model_are_properties_and_others_pass() -> None:
    """The committed schema helps with the demo's names and stands in no other model's way."""
    containers = _properties(chart_schema(part_of(ecosystem())), "containers")

    assert containers["properties"]["customer_db"]["description"] == "Source of Store1 (Test/USA/team1/Store1)."
    assert containers["allOf"][0]["additionalProperties"]["type"] == "object"
    assert "propertyNames" in containers
    assert "additionalProperties" not in containers


def test_a_strict_schema_knows_the_model_alone() -> None:
    """No other name of a container, a credential, a stream; no other workspace."""
    schema = chart_schema(part_of(ecosystem()), strict=True)

    for path in (["containers"], ["credentials"], ["jobs", "streams"]):
        node = _properties(schema, *path)
        assert node["additionalProperties"] is False
        assert "propertyNames" not in node
    readers = _properties(schema, "readers")["additionalProperties"]
    assert readers["properties"]["workspace"]["enum"] == ["Consumer1"]


def test_a_schema_without_a_model_names_nothing() -> None:
    """The same for everybody."""
    assert "properties" not in _properties(chart_schema(), "containers")


def test_a_large_model_makes_a_schema_that_helm_takes() -> None:
    """Helm reads no file of a chart above 5 MiB; 10,000 streams stay far below."""
    streams = {f"YellowLive/Store{number}": "Jobs that bring customers of a store." for number in range(10_000)}

    assert len(schema_text(chart_schema(replace(part_of(ecosystem()), streams=streams), strict=True))) < 2 * 1024 * 1024
