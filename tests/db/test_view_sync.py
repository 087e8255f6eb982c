"""Views follow the plan: what they show, how they change under readers, and that only ours are touched."""

import threading
from dataclasses import replace

import psycopg2
import pytest

from datasurface.dsl import MilestoneStrategy
from datasurface.errors import ModelError
from datasurface.yellow.engine.control import platform_store
from datasurface.yellow.engine.control.platform_store import StoredPlatform
from datasurface.yellow.engine.links import Links
from datasurface.yellow.engine.tables import table_sync
from datasurface.yellow.engine.views import workspace_views
from datasurface.yellow.engine.views.view_reconcile import Reconciliation
from datasurface.yellow.engine.views.view_steps import ViewAction
from datasurface.yellow.plan.streams import StreamPlan
from datasurface.yellow.plan.tables import ColumnPlan
from tests.db.deployment import Deployment, platform_plan, view_plans
from tests.db.streams import PLATFORMS, SCHEMA, column, plan, table

LIVE, FORENSIC = MilestoneStrategy.LIVE_ONLY, MilestoneStrategy.BATCH_MILESTONED
VIEW = "yellowlive_consumer1_livedsg_customers_view"
MERGE = "yellowlive_store1_customers_merge"
FORENSIC_VIEW = "yellowforensic_consumer1_forensicdsg_customers_view"
HISTORY = "yellowforensic_consumer1_forensicdsg_customers_history_view"
FORENSIC_MERGE = "yellowforensic_store1_customers_merge"
METRICS = "yellowforensic_batch_metrics"

ID = column("id", "character varying(20)", is_key=True)
NAME = column("name", "text")
PHONE = column("phone", "text")


@pytest.fixture
def deployment(installation) -> Deployment:
    return Deployment(installation=installation)


def customers(*columns: ColumnPlan, strategy: MilestoneStrategy = LIVE) -> StreamPlan:
    """A stream of one dataset."""
    return plan(strategy, table("customers", *columns))


def shown(deployment: Deployment, *columns: ColumnPlan, strategy: MilestoneStrategy = LIVE) -> Reconciliation:
    """Sync tables and views to these columns of customers."""
    stream = customers(*columns, strategy=strategy)
    deployment.synced(stream)
    return deployment.reconciled(*view_plans(stream))


def identity(deployment: Deployment, view: str) -> dict[str, int]:
    """The number of each view, which a new one of the same name would not have."""
    return {
        name: number
        for name, number in deployment.query("SELECT relname, oid FROM pg_class WHERE relkind = 'v'")
        if name == view
    }


def happened(outcome: Reconciliation) -> dict[str, int]:
    """The counts that are not 0."""
    return {action.value: count for action, count in outcome.counts.items() if count}


@pytest.mark.row("V01", "V02", "V06")
def test_a_view_shows_exactly_the_columns_of_its_dataset(deployment):
    """It has the name by which consumers find it, the model's types and no column of ours."""
    assert happened(shown(deployment, ID, NAME)) == {"created": 1}
    deployment.execute("INSERT INTO {} VALUES ('C1', 'Ada', 1)", MERGE)

    assert deployment.column_types(VIEW) == {"id": "character varying(20)", "name": "text"}
    assert deployment.query("SELECT * FROM {}", VIEW) == [("C1", "Ada")]


@pytest.mark.row("V03")
def test_a_second_reconcile_finds_everything_unchanged(deployment):
    """Nothing is written: the view keeps its row in the catalogue."""
    shown(deployment, ID, NAME)
    before = deployment.query("SELECT oid, xmin, ctid FROM pg_class WHERE relkind = 'v' AND relname LIKE 'yellow%'")

    assert happened(shown(deployment, ID, NAME)) == {"unchanged": 1}

    after = deployment.query("SELECT oid, xmin, ctid FROM pg_class WHERE relkind = 'v' AND relname LIKE 'yellow%'")
    assert after == before


@pytest.mark.row("V06")
def test_a_forensic_dataset_has_a_current_and_a_history_view(deployment):
    """The first shows open versions alone; the second every version with batches and commit times, null while open."""
    assert happened(shown(deployment, ID, NAME, strategy=FORENSIC)) == {"created": 2}
    deployment.execute(
        "INSERT INTO {} VALUES ('C1', 'Ada', 1, 2), ('C1', 'Ida', 3, 2147483647), ('C2', 'Bob', 2, 2147483647),"
        " ('C3', 'Eve', 1, 1), ('C3', 'Eve', 3, 2147483647)",
        FORENSIC_MERGE,
    )
    deployment.execute(
        "INSERT INTO {} (key, batch_id, batch_end_time, batch_status,"
        " records_inserted, records_updated, records_deleted, total_records)"
        " SELECT k, b, timestamptz '2026-01-01 00:00Z' + b * interval '1 day', 'committed', 0, 0, 0, 0"
        " FROM unnest(ARRAY['Store1', 'Store2']) AS k, generate_series(1, 3) AS b",
        METRICS,
    )

    assert deployment.query("SELECT * FROM {} ORDER BY id", FORENSIC_VIEW) == [
        ("C1", "Ida"),
        ("C2", "Bob"),
        ("C3", "Eve"),
    ]
    rows = deployment.query(
        "SELECT id, name, valid_from_batch, valid_to_batch, valid_from::date::text, valid_to::date::text FROM {}"
        " ORDER BY id, valid_from_batch",
        HISTORY,
    )
    assert rows == [
        ("C1", "Ada", 1, 2, "2026-01-02", "2026-01-04"),
        ("C1", "Ida", 3, None, "2026-01-04", None),
        ("C2", "Bob", 2, None, "2026-01-03", None),
        ("C3", "Eve", 1, 1, "2026-01-02", "2026-01-03"),
        ("C3", "Eve", 3, None, "2026-01-04", None),
    ]
    assert deployment.column_types(HISTORY) == {
        "id": "character varying(20)",
        "name": "text",
        "valid_from_batch": "integer",
        "valid_to_batch": "integer",
        "valid_from": "timestamp with time zone",
        "valid_to": "timestamp with time zone",
    }


@pytest.mark.row("I17", "M06")
@pytest.mark.parametrize(("strategy", "view"), [(LIVE, VIEW), (FORENSIC, FORENSIC_VIEW), (FORENSIC, HISTORY)])
def test_new_columns_come_last_in_a_view_that_is_replaced_in_place(deployment, strategy, view):
    """Wherever the model puts it, a new column is appended, also behind the validity; the view stays the same one."""
    shown(deployment, ID, NAME, strategy=strategy)
    before = identity(deployment, view)
    columns = list(deployment.column_types(view))

    assert set(happened(shown(deployment, ID, PHONE, NAME, strategy=strategy))) == {"updated"}
    assert set(happened(shown(deployment, ID, PHONE, NAME, strategy=strategy))) == {"unchanged"}

    assert list(deployment.column_types(view)) == [*columns, "phone"]
    assert identity(deployment, view) == before


def test_a_column_that_leaves_takes_a_new_view_which_keeps_its_readers(deployment):
    """The view is dropped and made anew in the model's order; what an administrator had granted is granted again."""
    auditor, editor = (deployment.installation.roles.named(name) for name in ("auditor", "editor"))
    deployment.execute(f"CREATE ROLE {auditor}; CREATE ROLE {editor}")
    try:
        shown(deployment, ID, NAME, PHONE)
        deployment.execute(
            f"GRANT SELECT ON {{0}} TO {auditor} WITH GRANT OPTION; GRANT UPDATE ON {{0}} TO {editor}", VIEW
        )

        assert happened(shown(deployment, PHONE, ID)) == {"updated": 1}

        assert list(deployment.column_types(VIEW)) == ["phone", "id"]
        granted = deployment.query(
            "SELECT grantee, privilege_type, is_grantable FROM information_schema.role_table_grants"
            " WHERE table_name = 'yellowlive_consumer1_livedsg_customers_view' AND grantee <> grantor ORDER BY grantee"
        )
        reader = deployment.installation.roles.reader("Consumer1")
        assert granted == sorted([(auditor, "SELECT", "YES"), (editor, "UPDATE", "NO"), (reader, "SELECT", "NO")])
        assert happened(shown(deployment, PHONE, ID)) == {"unchanged": 1}
    finally:
        deployment.execute(f"DROP OWNED BY {auditor}, {editor}; DROP ROLE {auditor}, {editor}")


def test_a_wider_type_takes_a_new_view(deployment):
    """Views stand in the way of a widening; they are set aside, come again as they were, and then follow the plan."""
    stream, wider = customers(ID, column("n", "integer")), customers(ID, column("n", "bigint"))
    shown(deployment, ID, column("n", "integer"))
    views = deployment.view_sync.read([])

    with deployment.view_sync.set_aside(views.ours(), {view.name: view for view in view_plans(stream)}, views):
        for alteration in deployment_alterations(deployment, wider):
            table_sync.alter(deployment.session, SCHEMA, alteration)
    deployment.session.commit()

    assert (deployment.column_types(MERGE)["n"], deployment.column_types(VIEW)["n"]) == ("bigint", "integer")
    assert happened(deployment.reconciled(*view_plans(stream))) == {"unchanged": 1}
    assert happened(deployment.reconciled(*view_plans(wider))) == {"updated": 1}
    assert deployment.column_types(VIEW)["n"] == "bigint"


def deployment_alterations(deployment: Deployment, stream: StreamPlan):
    """What the tables of a stream need, found in the session's own transaction."""
    return table_sync.examine(deployment.session, SCHEMA, [stream], deployment.installation.roles).alterations


def test_readers_never_miss_a_view_that_is_replaced(deployment):
    """Queries that run all the while see the old view or the new one, and no error."""
    shown(deployment, ID)
    errors, stop = [], threading.Event()

    def read() -> None:
        with deployment.installation.session("admin") as session, session.raw.cursor() as cursor:
            session.raw.autocommit = True
            while not stop.is_set():
                try:
                    cursor.execute(f"SELECT * FROM {SCHEMA}.{VIEW}")  # noqa: S608 - constants
                except psycopg2.Error as error:
                    errors.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        columns = [ID]
        for number in range(8):
            columns.append(column(f"c{number}", "text"))
            stream = customers(*columns)
            deployment.synced(stream)
            assert happened(deployment.reconciled(*view_plans(stream), seconds=20)) == {"updated": 1}
    finally:
        stop.set()
        for reader in readers:
            reader.join()

    assert errors == []


@pytest.mark.row("V03", "V04", kind="refusal")
def test_a_view_that_is_in_use_fails_by_name_and_keeps_no_other(deployment):
    """A reader that does not let go makes its own view fail, with the reason; the rest is done, and later all."""
    live, forensic = customers(ID, NAME), customers(ID, NAME, strategy=FORENSIC)
    deployment.synced(live, forensic)
    deployment.reconciled(*view_plans(live))
    reader = deployment.installation.session("admin")
    with reader.raw.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {SCHEMA}.{VIEW}")  # noqa: S608 - constants
    wider = customers(ID, NAME, PHONE)
    deployment.execute("ALTER TABLE {} ADD COLUMN phone text", FORENSIC_MERGE)
    plans = [*view_plans(forensic), *(replace(view, merge_table=FORENSIC_MERGE) for view in view_plans(wider))]

    outcome = deployment.reconciled(*plans)

    assert happened(outcome) == {"created": 2, "failed": 1}
    failed = next(result for result in outcome.results if result.action is ViewAction.FAILED)
    assert failed.name == VIEW
    assert failed.reason is not None
    assert "could not be updated" in failed.reason
    assert "55P03" in failed.reason
    reader.rollback()
    assert happened(deployment.reconciled(*plans)) == {"updated": 1, "unchanged": 2}


@pytest.mark.row("V04", kind="refusal")
def test_a_strangers_view_on_ours_is_named_and_never_dropped(deployment):
    """A view that would have to go stays whole while something that is not ours depends on it."""
    shown(deployment, ID, NAME)
    deployment.execute("CREATE VIEW {} AS SELECT count(*) AS n FROM {}", "report", VIEW)
    deployment.execute("CREATE VIEW {} AS SELECT n FROM {}", "report_of_report", "report")

    assert happened(shown(deployment, ID, NAME, PHONE)) == {"updated": 1}
    outcome = shown(deployment, ID)
    gone = deployment.reconciled()

    for failed in (outcome.results[0], gone.results[0]):
        assert failed.action is ViewAction.FAILED
        assert (
            failed.reason
            == f"{VIEW} has to be dropped, and something that is not ours depends on it: view public.report"
        )
    assert list(deployment.column_types(VIEW)) == ["id", "name", "phone"]
    assert deployment.query("SELECT * FROM {}", "report_of_report") == [(0,)]


@pytest.mark.row("V04", kind="refusal")
def test_a_relation_of_somebody_else_in_the_place_of_a_view_stays(deployment):
    """It is no view of ours, so it is neither replaced nor dropped, and the view fails with the owner's name."""
    deployment.synced(customers(ID))
    deployment.execute("CREATE VIEW {} AS SELECT 1 AS one", VIEW)

    outcome = deployment.reconciled(*view_plans(customers(ID)))
    deployment.reconciled()

    assert outcome.results[0].action is ViewAction.FAILED
    assert "is no view of ours: it belongs to" in str(outcome.results[0].reason)
    assert deployment.query("SELECT * FROM {}", VIEW) == [(1,)]


@pytest.mark.parametrize(
    "tampering",
    [
        "CREATE OR REPLACE VIEW {} WITH (security_barrier = true) AS"
        " SELECT id, name FROM public.yellowlive_store1_customers_merge WHERE id <> 'C1'",
        "ALTER VIEW {} RESET (security_barrier)",
        "GRANT SELECT ON {} TO PUBLIC",
        "REVOKE ALL ON {} FROM consumer1_reader",
    ],
    ids=["text", "barrier", "public", "reader"],
)
@pytest.mark.row("V03")
def test_a_view_that_somebody_changed_is_put_right(deployment, tampering):
    """Text, barrier and rights are all compared, and each is brought back."""
    shown(deployment, ID, NAME)
    reader, views = deployment.installation.roles.reader("Consumer1"), deployment.installation.roles.views
    deployment.execute(tampering.replace("consumer1_reader", reader), VIEW)

    assert happened(shown(deployment, ID, NAME)) == {"updated": 1}
    assert happened(shown(deployment, ID, NAME)) == {"unchanged": 1}
    assert deployment.query(
        "SELECT reloptions, relacl::text FROM pg_class WHERE relname = 'yellowlive_consumer1_livedsg_customers_view'"
    ) == [
        (
            ["security_barrier=true"],
            f"{{{views}=arwdDxtm/{views},{reader}=r/{views}}}",
        )
    ]


@pytest.mark.row("V02", kind="refusal")
def test_conditions_of_a_reader_see_no_row_that_the_view_leaves_out(deployment):
    """A function that tells what it is given is not given closed versions."""
    shown(deployment, ID, strategy=FORENSIC)
    deployment.execute("INSERT INTO {} VALUES ('gone', 1, 1), ('here', 1, 2147483647)", FORENSIC_MERGE)
    deployment.execute(
        "CREATE TABLE public.told (value text);"
        " CREATE FUNCTION public.tells(value text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001"
        " AS 'BEGIN INSERT INTO public.told VALUES (value); RETURN true; END'"
    )

    deployment.execute("CREATE TABLE public.seen AS SELECT * FROM {} WHERE public.tells(id)", FORENSIC_VIEW)

    assert deployment.query("SELECT * FROM {}", "told") == [("here",)]


def stored(deployment: Deployment, *streams: StreamPlan) -> None:
    """Store the views of streams as a merge does."""
    for stream in streams:
        settings = platform_plan(stream.platform, stream.strategy)
        document = StoredPlatform(settings=settings, views=view_plans(stream))
        platform_store.write(deployment.session, SCHEMA, document, ())
    deployment.session.commit()


@pytest.mark.row("V03")
def test_a_reconcile_takes_the_views_from_the_last_merge(deployment):
    """Without a model: all platforms, or one by either of its names, which then leaves the others' views alone."""
    live, forensic = customers(ID), customers(ID, strategy=FORENSIC)
    deployment.synced(live, forensic)
    stored(deployment, live, forensic)

    def run(platform: str | None = None) -> dict[str, int]:
        links = Links(deployment.installation.connections)
        return happened(workspace_views.reconcile(links, platform=platform, wait_seconds=1).views)

    assert run(PLATFORMS[LIVE]) == {"created": 1}
    assert run("yellowforensic") == {"created": 2}
    assert run() == {"unchanged": 3}
    stored(deployment, replace(live, tables=()))
    assert run(PLATFORMS[FORENSIC]) == {"unchanged": 2}
    assert run() == {"unchanged": 2, "dropped": 1}
    with pytest.raises(ModelError, match="platform Nowhere is not deployed; deployed: YellowForensic, YellowLive"):
        run("Nowhere")


@pytest.mark.parametrize("name", ['say "hi"', "100%", "select", "Größe", "{}", "' or '1'='1", "a" * 63])
def test_any_name_of_a_column_is_shown_as_it_is(deployment, name):
    """Quotes, percent signs, braces, reserved words and the longest name arrive at the consumer."""
    shown(deployment, ID, column(name), strategy=FORENSIC)

    assert name in deployment.column_types(FORENSIC_VIEW)
    assert happened(shown(deployment, ID, column(name), strategy=FORENSIC)) == {"unchanged": 2}
