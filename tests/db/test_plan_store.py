"""The plans of streams in the database, written by the model merge and read without a model."""

from dataclasses import replace

import pytest
from psycopg2 import sql

from datasurface.dsl import Consistency, MilestoneStrategy
from datasurface.errors import StateError
from datasurface.yellow.engine.control import migrate, plan_store
from datasurface.yellow.plan import names
from datasurface.yellow.plan.platforms import PlatformPlan, control_tables
from datasurface.yellow.plan.streams import SourcePlan, StreamPlan
from datasurface.yellow.plan.tables import ColumnPlan, TablePlan

SCHEMA = "public"
PLATFORM = "Yellow Live"
PLATFORM_NAME = names.platform_name(PLATFORM)
TABLE = sql.Identifier(SCHEMA, names.stream_plan(PLATFORM))


def stream(store: str, dataset: str | None = None) -> StreamPlan:
    """A stream of one table."""
    name = dataset or "customers"
    return StreamPlan(
        platform=PLATFORM,
        platform_name=PLATFORM_NAME,
        stream_key=store if dataset is None else f"{store}#{dataset}",
        store=store,
        dataset=dataset,
        consistency=Consistency.MULTI_DATASET if dataset is None else Consistency.SINGLE_DATASET,
        strategy=MilestoneStrategy.LIVE_ONLY,
        control=control_tables(PLATFORM),
        source=SourcePlan(
            container="c", host="h", port=5432, database='d"', schema="public", credential="customer_reader"
        ),
        job_credential=None,
        run_budget_seconds=0,
        look_interval_seconds=2,
        store_hashes=False,
        latency_seconds=60,
        tables=(
            TablePlan(
                dataset=name,
                source_table=name,
                merge_table=f"{name}_merge",
                staging_table=f"{name}_staging",
                columns=(ColumnPlan(name="100%", sql_type="text", is_key=True, labels=("ä", "'")),),
            ),
        ),
        schema_hash="0" * 64,
    )


@pytest.fixture
def session(installation):
    """A merge database with the platform's control tables."""
    session = installation.session("admin")
    platform = PlatformPlan(
        platform=PLATFORM,
        platform_name=PLATFORM_NAME,
        strategy=MilestoneStrategy.LIVE_ONLY,
        control=control_tables(PLATFORM),
        merge_container="merge_db",
        merge_host="h",
        merge_port=5432,
        merge_database="d",
        infrastructure_schedule="@daily",
        retention_days=30,
    )
    migrate.migrate_common(session, SCHEMA)
    migrate.migrate_platform(session, platform, SCHEMA)
    return session


def stored_rows(session) -> dict[str, tuple[str, str]]:
    """Per stream key the revision of its row and where the row lies, which a rewrite would change."""
    with session.raw.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT stream_key, revision, ctid::text FROM {}").format(TABLE))
        return {key: (revision, place) for key, revision, place in cursor.fetchall()}


def test_a_written_plan_is_read_back_as_it_was(session):
    """Nothing of a plan is lost in the database, whatever its names hold."""
    plan_store.write(session, SCHEMA, PLATFORM, [stream("Store1")], revision="r1")

    assert plan_store.read(session, SCHEMA, PLATFORM, "Store1") == stream("Store1")


def test_a_second_write_touches_only_what_differs(session):
    """An equal plan keeps its row and its revision, a changed one gets the new revision, one that left is removed."""
    first, second, third = stream("Store1"), stream("Store2"), stream("Store3")
    plan_store.write(session, SCHEMA, PLATFORM, [first, second, third], revision="r1")
    before = stored_rows(session)

    changes = plan_store.write(session, SCHEMA, PLATFORM, [first, replace(second, schema_hash="1" * 64)], revision="r2")

    after = stored_rows(session)
    assert (changes.written, changes.removed) == (["Store2"], ["Store3"])
    assert after["Store1"] == before["Store1"]
    assert after["Store2"][0] == "r2"
    assert "Store3" not in after


def test_streams_are_found_by_store_and_dataset(session):
    """A store read at once has one stream without a dataset, the others one per dataset; else there is none."""
    single = [stream("Store2", "customers"), stream("Store2", "addresses")]
    plan_store.write(session, SCHEMA, PLATFORM, [stream("Store1"), *single], revision="r1")

    assert plan_store.find(session, SCHEMA, PLATFORM, "Store1") == stream("Store1")
    assert plan_store.find(session, SCHEMA, PLATFORM, "Store1", "customers") is None
    assert plan_store.find(session, SCHEMA, PLATFORM, "Store2", "addresses") == stream("Store2", "addresses")
    assert plan_store.find(session, SCHEMA, PLATFORM, "Store2") is None
    assert {plan.dataset for plan in plan_store.of_store(session, SCHEMA, PLATFORM, "Store2")} == {
        "customers",
        "addresses",
    }
    assert len(plan_store.of_platform(session, SCHEMA, PLATFORM)) == 3


def test_a_platform_that_is_not_deployed_has_no_plan(session):
    """No table, no plan and no broken transaction."""
    assert plan_store.read(session, SCHEMA, "Nowhere", "Store1") is None
    assert plan_store.of_store(session, SCHEMA, PLATFORM, "Store1") == ()
    assert plan_store.platforms(session, SCHEMA) == ()


def test_a_plan_of_an_unknown_form_is_a_state_error(session):
    """A document that no version of ours wrote names its table and the way out."""
    plan_store.write(session, SCHEMA, PLATFORM, [stream("Store1")], revision="r1")
    with session.raw.cursor() as cursor:
        cursor.execute(sql.SQL("UPDATE {} SET plan = plan - 'store'").format(TABLE))

    with pytest.raises(StateError, match="cannot read: document: StreamPlan lacks store"):
        plan_store.read(session, SCHEMA, PLATFORM, "Store1")


def test_many_plans_are_written_in_several_statements(session):
    """More plans than one statement takes all arrive, and none of an earlier statement is removed by a later one."""
    plans = [stream(f"Store{number}") for number in range(450)]

    assert len(plan_store.write(session, SCHEMA, PLATFORM, plans, revision="r1").written) == 450
    assert plan_store.write(session, SCHEMA, PLATFORM, plans, revision="r2").written == []
    assert len(plan_store.of_platform(session, SCHEMA, PLATFORM)) == 450
