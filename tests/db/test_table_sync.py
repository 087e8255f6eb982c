"""Merge and staging tables follow the plan: they gain columns and wider types, and lose nothing."""

from dataclasses import replace

import pytest

from datasurface.dsl import MilestoneStrategy
from datasurface.yellow.plan.streams import StreamPlan
from datasurface.yellow.plan.tables import ColumnPlan
from tests.db.deployment import Deployment
from tests.db.streams import column, plan, table

LIVE, FORENSIC = MilestoneStrategy.LIVE_ONLY, MilestoneStrategy.BATCH_MILESTONED
MERGE, STAGING = "yellowlive_store1_customers_merge", "yellowlive_store1_customers_staging"

ID = column("id", "character varying(20)", is_key=True)
NAME = column("name", "character varying(10)")


@pytest.fixture
def deployment(installation) -> Deployment:
    return Deployment(installation=installation)


def customers(*columns: ColumnPlan, strategy: MilestoneStrategy = LIVE) -> StreamPlan:
    """A stream of one dataset."""
    return plan(strategy, table("customers", *columns))


def applied(deployment: Deployment, *columns: ColumnPlan) -> tuple[int, int]:
    """Sync to these columns: how many tables were made, how many altered."""
    changes = deployment.synced(customers(*columns))
    return len(changes.creations), len(changes.alterations)


@pytest.mark.row("I05", "I17")
def test_missing_tables_are_made_once_and_belong_to_the_platform(deployment):
    """The first sync makes both tables under the platform's role, a second one finds nothing to do."""
    assert applied(deployment, ID, NAME) == (2, 0)
    assert applied(deployment, ID, NAME) == (0, 0)

    owners = deployment.query(
        "SELECT tablename, tableowner FROM pg_tables WHERE tablename LIKE '%customers%' ORDER BY 1"
    )
    owner = deployment.installation.roles.platform_tables("yellowlive")
    assert owners == [(MERGE, owner), (STAGING, owner)]
    assert deployment.column_types(MERGE) == {
        "id": "character varying(20)",
        "name": "character varying(10)",
        "ds_surf_batch_id": "integer",
    }


@pytest.mark.row("I17", "M06")
def test_a_new_column_is_added_to_rows_that_are_there(deployment):
    """It stands behind the others, is null in the old rows and asks nothing of them, even if the model requires it."""
    applied(deployment, ID, NAME)
    deployment.execute("INSERT INTO {} VALUES ('1', 'Ada', 1)", MERGE)

    assert applied(deployment, ID, column("datecreated", "date", is_required=True), NAME) == (0, 2)

    assert deployment.query("SELECT * FROM {}", MERGE) == [("1", "Ada", 1, None)]
    assert list(deployment.column_types(STAGING)) == ["id", "name", "ds_surf_batch_id", "datecreated"]


@pytest.mark.row("I17")
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("character varying(10)", "character varying(30)"),
        ("character varying(10)", "text"),
        ("integer", "bigint"),
        ("numeric(10,2)", "numeric(12,3)"),
    ],
)
def test_a_type_is_widened_in_place(deployment, before, after):
    """The stored type becomes the declared one, in both tables, and the key keeps its byte order."""
    applied(deployment, ID, column("value", before))
    deployment.execute("INSERT INTO {} VALUES ('1', '7', 1)", MERGE)

    assert applied(deployment, replace(ID, sql_type="text"), column("value", after)) == (0, 2)

    assert deployment.column_types(MERGE)["value"] == after
    assert deployment.column_types(STAGING)["value"] == after
    collation = deployment.query(
        "SELECT collation_name FROM information_schema.columns WHERE column_name = 'id' AND table_name LIKE '%merge'"
    )
    assert collation == [("C",)]


@pytest.mark.row("I17", kind="refusal")
@pytest.mark.parametrize(("stored", "declared"), [("text", "integer"), ("uuid", "date"), ("real", "numeric(5,2)")])
def test_a_type_that_would_lose_values_is_a_problem_with_a_way_out(deployment, stored, declared):
    """Table, column, both types and what to do are named, and nothing is to be done then."""
    applied(deployment, ID, column("value", stored))

    problems = deployment.examined(customers(ID, column("value", declared))).problems

    assert [(problem.ref.name, problem.column) for problem in problems] == [(MERGE, "value"), (STAGING, "value")]
    assert f"{MERGE}.value is stored as {stored} and the model says {declared}" in problems[0].message
    assert "give the column another name" in problems[0].fix


@pytest.mark.row("I17", kind="refusal")
def test_nothing_is_narrowed_dropped_or_reordered(deployment):
    """A narrower type and a column that left change nothing; the column that comes back finds its data."""
    applied(deployment, ID, NAME, column("phone", "text"))
    deployment.execute("INSERT INTO {} VALUES ('1', 'Ada', '555', 1)", MERGE)
    before = deployment.column_types(MERGE)

    assert applied(deployment, replace(NAME, sql_type="character varying(5)"), ID) == (0, 0)
    assert deployment.column_types(MERGE) == before

    assert applied(deployment, ID, NAME, column("phone", "text")) == (0, 0)
    assert deployment.query("SELECT phone FROM {}", MERGE) == [("555",)]


def test_a_dataset_that_loses_its_key_gains_the_hash_of_it(deployment):
    """The whole row is the key then, by a hash that both tables carry."""
    applied(deployment, ID, NAME)

    assert applied(deployment, replace(ID, is_key=False), NAME) == (0, 2)
    assert deployment.column_types(MERGE)["ds_surf_key_hash"] == "character varying(32)"


def test_another_milestone_strategy_needs_another_platform(deployment):
    """A live table never becomes a forensic one: its rows have no place in time."""
    applied(deployment, ID)
    live = customers(ID)

    problems = deployment.examined(replace(live, strategy=FORENSIC)).problems

    assert [problem.message for problem in problems] == [
        f"{MERGE} has no column ds_surf_batch_in: it was kept by another milestone strategy",
        f"{MERGE} has no column ds_surf_batch_out: it was kept by another milestone strategy",
    ]


@pytest.mark.parametrize("taken_by", ["CREATE TABLE {} (id text)", "CREATE VIEW {} AS SELECT 1 AS id"])
def test_somebody_elses_relation_of_the_same_name_is_left_alone(deployment, taken_by):
    """A relation that does not belong to the platform is a problem that names its owner."""
    deployment.execute(taken_by, MERGE)

    changes = deployment.examined(customers(ID))

    assert [problem.ref.name for problem in changes.problems] == [MERGE]
    assert "is there already and is not ours" in changes.problems[0].message
    assert [creation.ref.name for creation in changes.creations] == [STAGING]


@pytest.mark.parametrize(
    "name", ['say "hi"', "100%", "select", "Größe", "a" * 63, "{}", "x:y", "back\\slash", "' or '1'='1"]
)
def test_any_name_of_a_column_arrives_as_it_is(deployment, name):
    """Quotes, percent signs, braces, reserved words and the longest name survive making, adding and widening."""
    applied(deployment, ID, column(name, "integer"))
    applied(deployment, ID, column(name, "bigint"), column(name.swapcase()[:62] + "2", "text"))

    assert deployment.column_types(MERGE)[name] == "bigint"
    assert name.swapcase()[:62] + "2" in deployment.column_types(MERGE)
