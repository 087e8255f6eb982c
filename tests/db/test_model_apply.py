"""Applying a revision: what it makes and records, what it refuses, and that it is all or nothing."""

import threading

import pytest
from psycopg2 import sql

from datasurface.dsl import BigInt, Date, DDLColumn, Integer, VarChar
from datasurface.errors import StateError, TransientError
from datasurface.yellow.engine import locks
from datasurface.yellow.engine.control import plan_store, platform_store
from datasurface.yellow.engine.control.control_tables import RevisionOutcome
from datasurface.yellow.engine.model_merge import model_summary
from datasurface.yellow.engine.model_merge.model_apply import ApplyOutcome
from datasurface.yellow.engine.model_merge.model_steps import MergeStep
from datasurface.yellow.engine.views.view_steps import ViewAction
from tests.db.models import CUSTOMERS, FORENSIC, GONE, ID, LIVE, NAME
from tests.db.site import INSTALLED, Site, applied
from tests.db.streams import SCHEMA

APPLIED, REFUSED, WAITING = RevisionOutcome.APPLIED, RevisionOutcome.REFUSED, RevisionOutcome.WAITING
MERGE = "yellowlive_store1_customers_merge"
VIEW = "yellowlive_consumer1_livedsg_customers_view"
HISTORY = "yellowforensic_consumer1_forensicdsg_customers_history_view"
PHONE = DDLColumn("phone", VarChar(100))


@pytest.fixture
def site(installation) -> Site:
    return Site(installation=installation)


@pytest.mark.row("V01", "I05", "M11")
def test_a_first_revision_makes_everything_and_is_recorded(site):
    """Tables, views, plans, DAG rows and platforms are there, and the job's and the bundle's logins can read theirs."""
    outcome = site.apply(CUSTOMERS)

    assert (outcome.outcome, outcome.parent) == (APPLIED, None)
    assert (outcome.counts.tables_created, outcome.counts.views[ViewAction.CREATED]) == (2, 3)
    assert site.columns(MERGE) == {
        "id": "character varying(20)",
        "name": "character varying(100)",
        "ds_surf_batch_id": "integer",
    }
    with site.installation.session("job") as job:
        stream = plan_store.find(job, SCHEMA, "YellowLive", "Store1")
    assert stream is not None
    assert stream.tables[0].merge_table == MERGE
    assert site.query("SELECT stream_key, status, generation FROM {}", "yellowlive_airflow_dsg", who="dags") == [
        ("Store1", "active", 1)
    ]
    assert site.query(
        "SELECT platform, original_platform_name, generation, stream_count FROM {} ORDER BY 1",
        "ds_platform",
        who="dags",
    ) == [("yellowforensic", "YellowForensic", 1, 1), ("yellowlive", "YellowLive", 1, 1)]
    assert site.revisions() == [("dir-000000000001", None, "applied")]
    row = site.query("SELECT author, committed_at, pinned, plan_hash, model ->> 'v' FROM {}", "ds_revision")[0]
    assert row[:3] == (None, None, False)
    assert len(row[3]) == 64
    assert row[4] == "1"


def test_config_json_has_the_address_that_the_installation_uses(site):
    """The model's address of the merge database is replaced by the connections file's, and without an installation file
    no row becomes a DAG.
    """
    site.apply(CUSTOMERS, installed=None)

    rows = site.query(
        "SELECT config_json::jsonb ->> 'postgres_hostname', (config_json::jsonb ->> 'postgres_port')::int,"
        " config_json::jsonb ->> 'postgres_database', status FROM {}",
        "yellowlive_airflow_dsg",
    )
    merge = site.installation.endpoint()
    assert rows == [(merge.host, merge.port, merge.database, "inactive")]
    assert site.query("SELECT stream_count FROM {}", "ds_platform") == [(0,), (0,)]
    installed = site.apply(CUSTOMERS, installed=INSTALLED)
    assert (installed.counts.dags_written, installed.counts.streams_written) == (2, 0)
    assert site.query("SELECT stream_count, generation FROM {}", "ds_platform") == [(1, 2), (1, 2)]


def test_an_unchanged_model_changes_nothing(site):
    """Applied again it leaves every row where it is and adds no decision; as a new revision it adds just that."""
    site.apply(CUSTOMERS)
    before = site.everything()

    again = site.apply(CUSTOMERS)
    later = site.apply(CUSTOMERS.but(2))

    assert (again.outcome, again.counts.is_recorded) == (APPLIED, False)
    assert (later.outcome, later.counts.is_recorded) == (APPLIED, True)
    assert site.everything() == before
    assert site.revisions() == [
        ("dir-000000000001", None, "applied"),
        ("dir-000000000002", "dir-000000000001", "applied"),
    ]
    assert model_summary.headline(later) == "revision dir-000000000002: nothing changes"


@pytest.mark.row("M06", "I17")
def test_new_columns_arrive_in_tables_and_views_with_what_is_there(site):
    """The rows stay, the generation grows only where a stream changed, and the summary says what happened."""
    site.apply(CUSTOMERS)
    site.execute("INSERT INTO {} VALUES ('C1', 'Ada', 1)", MERGE)

    dated = (ID, DDLColumn("datecreated", Date()), NAME, DDLColumn("lastupdated", Date()))
    outcome = site.apply(CUSTOMERS.but(2, datasets={"customers": dated}))

    assert site.query("SELECT * FROM {}", VIEW) == [("C1", "Ada", None, None)]
    assert list(site.columns(VIEW)) == ["id", "name", "datecreated", "lastupdated"]
    assert model_summary.headline(outcome) == "revision dir-000000000002: customers gains datecreated, lastupdated"
    assert model_summary.figures(outcome).startswith("2 tables altered, 3 views replaced, 0.")
    assert site.query("SELECT DISTINCT generation FROM {}", "ds_platform") == [(1,)]
    assert site.query("SELECT DISTINCT revision FROM {}", "yellowlive_stream_plan") == [("dir-000000000002",)]


@pytest.mark.row("I17")
def test_a_widened_column_widens_in_tables_and_views(site):
    """Views step aside for it and come back with the new type and the rights they had."""
    numbered = CUSTOMERS.but(1, datasets={"customers": (ID, DDLColumn("n", Integer()))})
    site.apply(numbered)
    site.execute("INSERT INTO {} VALUES ('C1', 7, 1)", MERGE)
    auditor = site.installation.roles.named("auditor")
    site.execute(f"CREATE ROLE {auditor}")
    try:
        site.execute(f"GRANT SELECT ON {{}} TO {auditor}", VIEW)

        outcome = site.apply(numbered.but(2, datasets={"customers": (ID, DDLColumn("n", BigInt()))}))

        assert outcome.outcome is APPLIED
        assert model_summary.headline(outcome) == "revision dir-000000000002: customers widens n"
        assert (site.columns(MERGE)["n"], site.columns(VIEW)["n"]) == ("bigint", "bigint")
        assert site.query("SELECT * FROM {}", VIEW) == [("C1", 7)]
        granted = site.query("SELECT relacl::text FROM pg_class WHERE relname LIKE 'yellowlive%_view'")[0][0]
        assert f"{auditor}=r/" in granted
        assert f"{site.installation.roles.reader('Consumer1')}=r/" in granted
    finally:
        site.execute(f"DROP OWNED BY {auditor}; DROP ROLE {auditor}")


@pytest.mark.row("I17", "M11", kind="refusal")
def test_a_model_with_findings_changes_nothing_and_says_all_of_them(site):
    """Lint, compatibility and what the database holds are all asked; the deployed revision stays whole."""
    site.apply(CUSTOMERS)
    before = site.everything()
    same_name = DDLColumn("name", VarChar(100))

    bad = CUSTOMERS.but(2, datasets={"customers": (ID, same_name, same_name, DDLColumn("ds_surf_x", Integer()))})
    outcome = site.apply(bad)

    assert outcome.outcome is REFUSED
    rules = {finding.rule for finding in outcome.findings}
    assert {"DS103"} < rules
    assert len(rules - {"DS905"}) >= 2
    assert site.everything() == before
    assert site.revisions()[-1] == ("dir-000000000002", "dir-000000000001", "refused")
    stored = site.query("SELECT findings FROM {} ORDER BY id DESC LIMIT 1", "ds_revision")[0][0]
    assert {finding["rule"] for finding in stored} == rules


@pytest.mark.row("I17", kind="refusal")
def test_a_stored_type_that_cannot_become_the_declared_one_refuses_the_model(site):
    """The finding stands at the column's path and names both types; nothing is touched, also not elsewhere."""
    site.apply(CUSTOMERS)
    site.execute("ALTER TABLE {} ADD COLUMN phone date", MERGE)
    before = site.everything()

    outcome = site.apply(CUSTOMERS.but(2, datasets={"customers": (ID, NAME, PHONE), "others": (ID,)}))

    assert outcome.outcome is REFUSED
    found = [finding for finding in outcome.findings if finding.rule == "DS401"]
    assert [finding.path for finding in found] == ["Test/USA/team1/Store1/customers/phone"]
    assert f"{MERGE}.phone is stored as date and the model says character varying(100)" in found[0].message
    assert site.everything() == before


@pytest.mark.row("V04", "I17", kind="refusal")
@pytest.mark.parametrize(
    ("statement", "on"),
    [("CREATE VIEW {} AS SELECT n FROM {}", VIEW), ("CREATE MATERIALIZED VIEW {} AS SELECT n FROM {}", MERGE)],
    ids=["view on a view", "materialized view on a table"],
)
def test_what_a_stranger_built_on_a_column_refuses_its_widening(site, statement, on):
    """The finding names the stranger's object; it is never dropped, and the column stays as it is."""
    numbered = CUSTOMERS.but(1, datasets={"customers": (ID, DDLColumn("n", Integer()))})
    site.apply(numbered)
    site.execute(statement, "report", on)

    outcome = site.apply(numbered.but(2, datasets={"customers": (ID, DDLColumn("n", BigInt()))}))

    assert outcome.outcome is REFUSED
    found = [finding for finding in outcome.findings if finding.rule == "DS404"]
    assert len(found) == 1
    assert "view public.report" in found[0].message
    assert (site.columns(MERGE)["n"], site.columns(VIEW)["n"]) == ("integer", "integer")
    # Columns that are only added are nobody's business.
    added = numbered.but(3, datasets={"customers": (ID, DDLColumn("n", Integer()), PHONE)})
    assert site.apply(added).outcome is APPLIED


def test_a_running_batch_keeps_its_tables_and_the_revision_waits(site):
    """The outcome names the stream and is recorded; it is applied as soon as the job lets go, others never wait."""
    site.apply(CUSTOMERS)
    before = site.everything()
    wider = CUSTOMERS.but(2, datasets={"customers": (ID, NAME, PHONE)})
    with site.installation.session("job") as job:
        assert locks.try_lock(job, locks.look_lock("yellowlive", "Store1"))

        waiting = site.apply(wider, wait_seconds=0.3)

        assert waiting.outcome is WAITING
        assert waiting.waiting_for == ["YellowLive/Store1"]
        assert "DS408" in {finding.rule for finding in waiting.findings}
        assert site.everything() == before
        assert site.apply(CUSTOMERS.but(3, workspaces=("Consumer1", "Consumer2")), wait_seconds=0.3).outcome is APPLIED
    assert site.apply(wider.but(4), wait_seconds=0.3).outcome is APPLIED
    assert [outcome for _, _, outcome in site.revisions()] == ["applied", "waiting", "applied", "applied"]


def test_a_reader_that_does_not_let_go_makes_the_revision_wait(site):
    """A view in use is waited for, no longer than asked; then the deployed revision is still whole."""
    site.apply(CUSTOMERS)
    before = site.visible()
    wider = CUSTOMERS.but(2, datasets={"customers": (ID, NAME, PHONE)})
    with site.installation.session("admin") as reader, reader.raw.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(SCHEMA, VIEW)))

        waiting = site.apply(wider, wait_seconds=1)

        assert waiting.outcome is WAITING
        assert any(finding.rule == "DS408" and "55P03" in finding.message for finding in waiting.findings)
        assert site.visible() == before
    assert site.apply(wider).outcome is APPLIED


@pytest.mark.parametrize("step", [step for step in MergeStep if step is not MergeStep.COMMITTED], ids=lambda s: s.name)
def test_a_merge_that_dies_leaves_the_old_revision_whole(site, step):
    """Its connection is ended after each of its steps: what is deployed is unchanged, and the next try completes it."""
    numbered = CUSTOMERS.but(1, datasets={"customers": (ID, DDLColumn("n", Integer()))})
    wider = {"customers": (ID, DDLColumn("n", BigInt()), PHONE), "others": (ID,)}
    site.apply(numbered)
    before = site.visible()

    def die(reached: MergeStep) -> None:
        if reached is step:
            site.query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'test apply' AND datname = current_database()"
            )

    with pytest.raises(TransientError):
        site.apply(numbered.but(2, datasets=wider), report=die)

    assert site.visible() == before
    assert site.revisions() == [("dir-000000000001", None, "applied")]
    assert site.apply(numbered.but(2, datasets=wider)).outcome is APPLIED
    assert site.columns(VIEW) == {"id": "character varying(20)", "n": "bigint", "phone": "character varying(100)"}
    assert site.revisions()[-1] == ("dir-000000000002", "dir-000000000001", "applied")


def test_a_merge_that_dies_after_its_commit_is_the_new_revision(site):
    """Nothing is left half done, and applying it again finds nothing to do."""
    site.apply(CUSTOMERS)
    wider = CUSTOMERS.but(2, datasets={"customers": (ID, NAME, PHONE)})

    def die(reached: MergeStep) -> None:
        if reached is MergeStep.COMMITTED:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        site.apply(wider, report=die)

    assert list(site.columns(VIEW)) == ["id", "name", "phone"]
    assert site.apply(wider).counts.is_recorded is False


def test_two_merges_at_once_come_one_after_the_other(site):
    """The second waits for the first and is compared with what that deployed; one that waits too long is told so."""
    reached, release = threading.Event(), threading.Event()

    def hold(step: MergeStep) -> None:
        if step is MergeStep.ROLES:
            reached.set()
            release.wait(20)

    first = threading.Thread(target=lambda: site.apply(CUSTOMERS, report=hold))
    first.start()
    reached.wait(20)
    with pytest.raises(TransientError, match="another model merge is under way"):
        site.apply(CUSTOMERS.but(2), wait_seconds=0.1)
    outcomes: list[ApplyOutcome] = []
    second = threading.Thread(target=lambda: outcomes.append(site.apply(CUSTOMERS.but(2))))
    second.start()
    release.set()
    first.join()
    second.join()

    assert [outcome.parent for outcome in outcomes] == ["dir-000000000001"]
    assert [revision for revision, _, _ in site.revisions()] == ["dir-000000000001", "dir-000000000002"]


@pytest.mark.row("M11")
def test_a_decommissioned_assignment_goes_and_finds_its_data_when_it_returns(site):
    """DAG rows are marked, plans and views go, tables stay; when it is present again everything is as it was."""
    site.apply(CUSTOMERS)
    site.execute("INSERT INTO {} VALUES ('C1', 'Ada', 1)", MERGE)

    gone = site.apply(CUSTOMERS.but(2, status=GONE))

    assert (gone.counts.streams_removed, gone.counts.dags_removed, gone.counts.views[ViewAction.DROPPED]) == (2, 2, 3)
    assert site.query("SELECT status, generation FROM {}", "yellowlive_airflow_dsg") == [("removed", 2)]
    assert site.query("SELECT stream_count, generation FROM {}", "ds_platform") == [(0, 2), (0, 2)]
    assert site.query("SELECT count(*) FROM {}", "yellowlive_stream_plan") == [(0,)]
    assert site.columns(VIEW) == {}
    back = site.apply(CUSTOMERS.but(3))
    assert (back.counts.tables_created, back.counts.views[ViewAction.CREATED]) == (0, 3)
    assert site.query("SELECT * FROM {}", VIEW) == [("C1", "Ada")]
    assert site.query("SELECT status, generation FROM {}", "yellowlive_airflow_dsg") == [("active", 3)]


def test_a_platform_that_leaves_the_model_keeps_its_row_and_its_tables(site):
    """Its DAG rows are marked, so that Airflow takes the DAGs away, and its views go."""
    site.apply(CUSTOMERS)

    site.apply(CUSTOMERS.but(2, strategies=(LIVE,)))

    assert site.query("SELECT platform, stream_count FROM {} ORDER BY 1", "ds_platform") == [
        ("yellowforensic", 0),
        ("yellowlive", 1),
    ]
    assert site.query("SELECT status FROM {}", "yellowforensic_airflow_dsg") == [("removed",)]
    with site.installation.session("apply") as session:
        assert platform_store.read(session, SCHEMA)["yellowforensic"].views == ()
    assert site.columns("yellowforensic_store1_customers_merge")
    assert site.columns("yellowforensic_consumer1_forensicdsg_customers_view") == {}


def test_a_column_that_leaves_is_hidden_and_kept(site):
    """The view is made anew without it; the table has its data when the column returns."""
    full = CUSTOMERS.but(1, datasets={"customers": (ID, NAME, PHONE)})
    site.apply(full)
    site.execute("INSERT INTO {} VALUES ('C1', 'Ada', '555', 1)", MERGE)

    hidden = site.apply(full.but(2, datasets={"customers": (ID, PHONE)}))

    assert model_summary.headline(hidden) == "revision dir-000000000002: customers hides name"
    assert list(site.columns(VIEW)) == ["id", "phone"]
    site.apply(full.but(3))
    assert site.query("SELECT id, name, phone FROM {}", VIEW) == [("C1", "Ada", "555")]


def test_an_installation_without_init_is_told_to_run_it(site):
    """A missing function is a finding, a missing table of revisions an error, and each says the command."""
    site.execute("DROP FUNCTION public.ds_make_reader(text)")

    outcome = site.apply(CUSTOMERS)

    assert outcome.outcome is REFUSED
    found = [finding for finding in outcome.findings if finding.rule == "DS405"]
    assert [(finding.message, finding.fix) for finding in found] == [
        ("function public.ds_make_reader is missing or may not be used", "run `datasurface init` on that server")
    ]
    assert site.columns(MERGE) == {}
    site.execute("DROP TABLE {}", "ds_revision")
    with pytest.raises(StateError, match=r"has no table public\.ds_revision\. Run `datasurface init` on that server"):
        site.apply(CUSTOMERS)


def test_a_role_of_somebody_elses_stops_the_merge_before_anything_is_seen(site):
    """The revision is refused with the role's name, and the deployed one is whole."""
    site.apply(CUSTOMERS)
    before = site.visible()
    role = site.installation.roles.reader("Stranger")
    site.execute(f'CREATE ROLE "{role}"')
    try:
        outcome = site.apply(CUSTOMERS.but(2, workspaces=("Consumer1", "Stranger")))

        assert outcome.outcome is REFUSED
        assert any(role in finding.message for finding in outcome.findings if finding.rule == "DS407")
        assert site.visible() == before
    finally:
        site.execute(f'DROP ROLE "{role}"')


@pytest.mark.row("V02", "M11")
@pytest.mark.parametrize(
    "name", ['say "hi"', "100%", "select", "Größe", "a" * 63, "{}", "' or '1'='1", "$1", "back\\slash"]
)
def test_any_name_of_a_column_goes_from_the_model_to_the_view(site, name):
    """It is applied, shown in every view, and found unchanged by the next revision."""
    named = CUSTOMERS.but(1, datasets={"customers": (ID, DDLColumn(name, VarChar(5)), NAME)})

    applied(site.apply(named))
    assert site.apply(named.but(2)).counts.views[ViewAction.UNCHANGED] == 3
    assert list(site.columns(VIEW)) == ["id", name, "name"]
    assert list(site.columns(HISTORY))[:3] == ["id", name, "name"]


@pytest.mark.row("V01", kind="refusal")
def test_names_that_would_be_one_are_refused(site):
    """Two datasets that differ in case alone would share a table; nothing is made for either."""
    outcome = site.apply(CUSTOMERS.but(1, datasets={"customers": (ID,), "Customers": (ID,)}))

    assert outcome.outcome is REFUSED
    assert "DS801" in {finding.rule for finding in outcome.findings}
    assert site.columns(MERGE) == {}


@pytest.mark.row("V01", "V04", "I05")
def test_names_of_the_greatest_length_are_cut_and_found_again(site):
    """Physical names end in a hash and are the same at the next application."""
    long = CUSTOMERS.but(1, datasets={"d" * 100: (ID, NAME)}, workspaces=("W" * 100,), strategies=(FORENSIC,))

    applied(site.apply(long))
    again = site.apply(long.but(2))

    assert (again.counts.tables_created, again.counts.views[ViewAction.UNCHANGED]) == (0, 2)


def test_what_could_not_be_judged_is_recorded(site):
    """The origin of a directory is not known, so each part that changed has a warning of the revision."""
    site.apply(CUSTOMERS)

    outcome = site.apply(CUSTOMERS.but(2, datasets={"customers": (ID, NAME, PHONE)}))

    assert [(finding.rule, finding.path) for finding in outcome.findings] == [("DS905", "Test/USA/team1")]
    stored = site.query("SELECT findings FROM {} ORDER BY id DESC LIMIT 1", "ds_revision")[0][0]
    assert [finding["rule"] for finding in stored] == ["DS905"]
