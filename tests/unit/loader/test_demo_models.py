"""The models of this repository are what the documentation says of them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from datasurface import dsl
from datasurface.lint import compatibility
from datasurface.lint.check import check
from datasurface.loader import load
from datasurface.model import codec
from datasurface.model.mapping import Assignment, AssignmentStatus

ROOT = Path(__file__).parents[3]
MODELS = sorted(file.parent for file in (ROOT / "models").glob("*/eco.py"))


@pytest.fixture(scope="module")
def loaded():
    """Give each model of models/ by its name, loaded once."""
    return {model.name: load(model) for model in MODELS}


@pytest.fixture
def demo(loaded):
    """The demo's ecosystem."""
    return loaded["demo"].ecosystem


def dataset_of(ecosystem, name):
    """Give a dataset of the demo."""
    return next(dataset for _, _, dataset in ecosystem.datasets() if dataset.name == name)


def columns_of(ecosystem, name):
    """Give the columns of a dataset as name → (type, may be null)."""
    columns = dataset_of(ecosystem, name).schema.columns
    return {column.name: (column.type.sql, not column.is_required) for column in columns}


@pytest.mark.row("M15")
@pytest.mark.parametrize("name", [model.name for model in MODELS])
def test_model_has_no_findings(loaded, name):
    """Every model that is shipped is right."""
    model = loaded[name]

    assert check(model.ecosystem, model.mapping, model.mapping_findings).findings == ()
    assert model.printed_bytes == 0
    assert codec.decode(dsl.Ecosystem, codec.loads(codec.dumps(model.ecosystem))) == model.ecosystem


@pytest.mark.row("M01")
def test_demo_is_the_ecosystem_test_with_two_platforms(demo):
    """The names that everything later is called by."""
    assert demo.name == "Test"
    assert [platform.name for platform in demo.data_platforms] == ["YellowLive", "YellowForensic"]


@pytest.mark.row("M03")
def test_demo_has_one_zone_team_store_and_workspace(demo):
    """Zone, team, store and workspace, and the place where the databases are."""
    assert [path for path, _ in demo.stores()] == ["Test/USA/team1/Store1"]
    assert [path for path, _ in demo.workspaces()] == ["Test/USA/team1/Consumer1"]
    assert [path for vendor in demo.vendors for path in vendor.paths()] == ["MyCorp:USA", "MyCorp:USA/NY_1"]
    (_, store), *_ = demo.stores()
    assert store.capture.container.locations == ("MyCorp:USA/NY_1",)
    assert store.production_status is dsl.ProductionStatus.NOT_PRODUCTION


@pytest.mark.row("M04")
def test_customers_of_the_demo(demo):
    """Names, types and nullability of the columns, in order."""
    assert dataset_of(demo, "customers").schema.key == ("id",)
    assert columns_of(demo, "customers") == {
        "id": ("character varying(20)", False),
        "firstname": ("character varying(100)", False),
        "lastname": ("character varying(100)", False),
        "dob": ("date", False),
        "email": ("character varying(100)", True),
        "phone": ("character varying(100)", True),
        "primaryaddressid": ("character varying(20)", True),
        "billingaddressid": ("character varying(20)", True),
    }


@pytest.mark.row("M05")
def test_addresses_of_the_demo(demo):
    """Names, types and nullability of the columns, in order."""
    assert dataset_of(demo, "addresses").schema.key == ("id",)
    assert columns_of(demo, "addresses") == {
        "id": ("character varying(20)", False),
        "customerid": ("character varying(20)", False),
        "streetname": ("character varying(100)", False),
        "city": ("character varying(100)", False),
        "state": ("character varying(100)", False),
        "zipcode": ("character varying(30)", False),
    }


@pytest.mark.row("M06")
def test_evolved_demo_adds_four_columns_and_nothing_else(loaded):
    """The schema change is compatible, adds its columns at the end, and leaves all the rest as it is."""
    before, after = loaded["demo"].ecosystem, loaded["demo-evolved"].ecosystem
    added = {
        "customers": {
            "datecreated": ("timestamp without time zone", True),
            "lastupdated": ("timestamp without time zone", True),
        },
        "addresses": {"addresstype": ("character varying(20)", True), "country": ("character varying(100)", True)},
    }

    for name, columns in added.items():
        assert list(columns_of(after, name).items()) == [*columns_of(before, name).items(), *columns.items()]
    assert compatibility.findings(before, after) == []
    assert without_datasets(before) == without_datasets(after)
    assert loaded["demo"].mapping == loaded["demo-evolved"].mapping


@pytest.mark.row("M06", kind="refusal")
def test_schema_change_is_not_taken_back_in_silence(loaded):
    """The columns that it adds cannot leave again without notice."""
    found = compatibility.findings(loaded["demo-evolved"].ecosystem, loaded["demo"].ecosystem)

    assert [(finding.rule, finding.path.rpartition("/")[2]) for finding in found] == [
        ("DS203", "datecreated"),
        ("DS203", "lastupdated"),
        ("DS203", "addresstype"),
        ("DS203", "country"),
    ]


@pytest.mark.parametrize(
    ("name", "column"),
    [
        pytest.param(name, column, marks=pytest.mark.row(row, kind="refusal"))
        for name, row, columns in (
            ("customers", "M04", ("firstname", "dob", "email", "billingaddressid")),
            ("addresses", "M05", ("customerid", "city", "zipcode")),
        )
        for column in columns
    ],
)
def test_columns_of_the_demo_do_not_leave_in_silence(loaded, name, column):
    """What consumers see of the demo's datasets cannot be taken away or narrowed without notice."""
    before = loaded["demo"].ecosystem

    def changed(dataset):
        columns = [each for each in dataset.schema.columns if (dataset.name, each.name) != (name, column)]
        return replace(dataset, schema=dsl.DDLTable(columns))

    zone = before.zones[0]
    (store,) = zone.teams[0].datastores
    store = replace(store, datasets=[changed(dataset) for dataset in store.datasets])
    after = replace(before, zones=[replace(zone, teams=[replace(zone.teams[0], datastores=[store])])])

    assert [finding.path for finding in compatibility.findings(before, after)] == [
        f"Test/USA/team1/Store1/{name}/{column}"
    ]


def without_datasets(ecosystem):
    """Give an ecosystem as JSON with the schemas of its datasets taken out."""
    document = codec.encode(ecosystem)
    for zone in document["zones"]:
        for team in zone["teams"]:
            for store in team["datastores"]:
                for dataset in store["datasets"]:
                    del dataset["schema"]
    return document


@pytest.mark.row("M07")
@pytest.mark.parametrize("name", ["demo", "demo-evolved"])
def test_all_personal_data_is_classified(loaded, name):
    """Every column of the demo is personal, by its dataset, and would pass in production."""
    ecosystem = loaded[name].ecosystem
    for _, _, dataset in ecosystem.datasets():
        assert {each.kind for each in dataset.classifications} == {dsl.ClassificationType.CPI}
        assert not any(column.classifications for column in dataset.schema.columns)
    zone = ecosystem.zones[0]
    store = replace(zone.teams[0].datastores[0], production_status=dsl.ProductionStatus.PRODUCTION)
    production = replace(ecosystem, zones=[replace(zone, teams=[replace(zone.teams[0], datastores=[store])])])

    assert check(production, loaded[name].mapping).findings == ()


@pytest.mark.row("M08")
@pytest.mark.row("M13")
def test_platforms_of_the_demo(demo):
    """Live every minute, forensic every ten, each with a login of its own, both into one merge database."""
    live, forensic = demo.data_platforms

    assert (live.milestone_strategy, live.default_schedule) == (dsl.MilestoneStrategy.LIVE_ONLY, "* * * * *")
    assert (forensic.milestone_strategy, forensic.default_schedule) == (
        dsl.MilestoneStrategy.BATCH_MILESTONED,
        "*/10 * * * *",
    )
    assert (live.run_budget_seconds, forensic.run_budget_seconds) == (55, 0)
    assert (live.credential, forensic.credential) == (
        dsl.Credential("yellowlive_merge"),
        dsl.Credential("yellowforensic_merge"),
    )
    assert live.merge_container == forensic.merge_container
    assert live.merge_container.database == "datasurface_merge"


@pytest.mark.row("M09")
def test_groups_of_the_demo(demo):
    """One live and one forensic group over both tables of the same store."""
    (_, workspace), *_ = demo.workspaces()
    both = (dsl.DatasetSink("Store1", "customers"), dsl.DatasetSink("Store1", "addresses"))

    assert workspace.groups == (
        dsl.DatasetGroup("LiveDSG", dsl.RetentionRequirements(dsl.MilestoneStrategy.LIVE_ONLY, 60), both),
        dsl.DatasetGroup("ForensicDSG", dsl.RetentionRequirements(dsl.MilestoneStrategy.BATCH_MILESTONED, 600), both),
    )


@pytest.mark.row("M10")
def test_mapping_of_the_demo(loaded):
    """Each group is provisioned on the platform of its name."""
    for group, platform in (("LiveDSG", "YellowLive"), ("ForensicDSG", "YellowForensic")):
        (assignment,) = loaded["demo"].mapping.assignments("Consumer1", group)
        expected = Assignment(data_platform=platform, status=AssignmentStatus.PROVISIONED)
        assert replace(assignment, documentation="") == expected


@pytest.mark.row("M12")
def test_capture_of_the_demo(demo):
    """Both tables are read in one snapshot, under a login of the source."""
    (_, store), *_ = demo.stores()
    capture = store.capture

    assert capture.consistency is dsl.Consistency.MULTI_DATASET
    assert capture.tables == {"customers": "customers", "addresses": "addresses"}
    assert (capture.container.database, capture.credential) == ("customer_db", dsl.Credential("customer_reader"))
    assert replace(capture, consistency=dsl.Consistency.SINGLE_DATASET) != capture


def examples_of(page):
    """Give the blocks of code of a page of docs/ by language."""
    return dict(re.findall(r"^```(\w+)\n(.*?)^```", (ROOT / "docs" / page).read_text(), re.DOTALL | re.MULTILINE))


@pytest.mark.row("M15")
def test_example_of_the_documentation_is_right(tmp_path):
    """What docs/model.md shows loads and has no findings."""
    examples = examples_of("model.md")
    (tmp_path / "eco.py").write_text(examples["python"])
    (tmp_path / "dsg_platform_mapping.json").write_text(examples["json"])

    model = load(tmp_path)

    assert check(model.ecosystem, model.mapping, model.mapping_findings).findings == ()
    assert sum(1 for _ in model.ecosystem.datasets()) == 1


def test_every_class_is_described():
    """docs/model.md names each class, type and enum that authors can import, and each value of the enums."""
    words = set(re.findall(r"\w+", (ROOT / "docs" / "model.md").read_text()))

    assert set(dsl.__all__) <= words
    for enum in (
        dsl.MilestoneStrategy,
        dsl.Consistency,
        dsl.ProductionStatus,
        dsl.CredentialType,
        dsl.ClassificationType,
    ):
        assert set(enum.__members__) <= words
