"""What a reader could learn beside its views: by casts that fail, statistics, plans, functions of its own and locks."""

import psycopg2
import pytest
from psycopg2 import sql

from datasurface.connections import Login
from datasurface.yellow.engine import locks
from datasurface.yellow.engine.connect import Purpose, Session, open_session
from tests.db.models import CUSTOMERS, ID
from tests.db.site import Site, applied
from tests.db.streams import SCHEMA

VIEW = "yellowforensic_consumer1_forensicdsg_customers_view"
MERGE = "yellowforensic_store1_customers_merge"
SECRET = "was here once"


@pytest.fixture
def site(installation) -> Site:
    """A forensic dataset of which one version is closed; statistics of all of it."""
    site = Site(installation=installation)
    applied(site.apply(CUSTOMERS))
    site.execute(
        "INSERT INTO {} SELECT 'C' || n, %s, 1, 1 FROM generate_series(1, 50) AS n".replace("%s", f"'{SECRET}'"), MERGE
    )
    site.execute("INSERT INTO {} VALUES ('C99', '7', 2, 2147483647)", MERGE)
    site.execute("ANALYZE {}", MERGE)
    return site


@pytest.fixture
def ann(site) -> Session:
    """A login that is a member of the workspace's role."""
    name = site.installation.roles.named("leaky")
    reader = site.installation.roles.reader("Consumer1")
    site.execute(f'CREATE ROLE "{name}" LOGIN PASSWORD \'ann\' IN ROLE "{reader}"')
    login = Login(username=name, password="ann")
    endpoint = site.installation.endpoint()
    try:
        with open_session(endpoint, login, application_name="test ann", purpose=Purpose.MERGE) as session:
            yield session
    finally:
        site.execute(f'DROP ROLE "{name}"')


def asked(session: Session, text: str, *tables: str) -> list[tuple[object, ...]]:
    """Rows of a statement; `{}` are relations of the merge schema."""
    with session.raw.cursor() as cursor:
        cursor.execute(sql.SQL(text).format(*[sql.Identifier(SCHEMA, name) for name in tables]))
        return cursor.fetchall() if cursor.description else []


@pytest.mark.row("V08", kind="refusal")
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT id FROM {} WHERE name::integer = 7",
        "SELECT id FROM {} WHERE 1 / (length(name) - 13) = 0",
        "SELECT id FROM {} WHERE to_number(name, '9') = 7",
        "SELECT id FROM {} WHERE ('[' || name || ']')::jsonb = '[7]'",
    ],
    ids=["cast", "division", "function", "json"],
)
def test_condition_that_fails_on_a_former_value_never_meets_it(ann, statement):
    """An error quotes the value that it fell over: so it is asked of rows of the view alone."""
    assert asked(ann, statement, VIEW) == [("C99",)]


@pytest.mark.row("V08", kind="refusal")
def test_plan_shows_nothing_of_former_values(ann):
    """A plan, run or not, names tables and conditions; it holds no value that was not asked for."""
    plan = asked(ann, "EXPLAIN (ANALYZE, VERBOSE, BUFFERS, SETTINGS) SELECT * FROM {} WHERE name > 'a'", VIEW)

    assert SECRET not in repr(plan)
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        asked(ann, "EXPLAIN SELECT * FROM {}", MERGE)


@pytest.mark.row("V08", kind="refusal")
def test_statistics_of_the_tables_are_hidden(site, ann):
    """The most common values of a column would tell more than any view."""
    assert site.query(
        "SELECT count(*) > 0 FROM pg_stats WHERE tablename = 'yellowforensic_store1_customers_merge'"
    ) == [(True,)]

    assert asked(ann, "SELECT * FROM pg_stats WHERE schemaname = 'public'") == []
    assert asked(ann, "SELECT * FROM pg_stats_ext") == []
    for statement in ("TABLE pg_statistic", "TABLE pg_statistic_ext_data", "TABLE pg_authid"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            asked(ann, statement)
        ann.rollback()


@pytest.mark.row("V08", kind="refusal")
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE FUNCTION pg_temp.tells(v text) RETURNS boolean LANGUAGE sql COST 0.001 AS 'SELECT true'",
        "CREATE TEMP VIEW mine AS SELECT 1",
        "CREATE OPERATOR pg_temp.=== (FUNCTION = texteq, LEFTARG = text, RIGHTARG = text)",
        "CREATE SCHEMA mine",
        "COPY {} TO PROGRAM 'cat'",
        "COPY (SELECT 1) TO '/tmp/x'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT * FROM pg_ls_logdir()",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename <> current_user AND usename IS NOT NULL",
        "SELECT pg_advisory_lock(1)",
        "SELECT pg_try_advisory_xact_lock_shared(1, 2)",
        "LOCK TABLE {} IN SHARE MODE",
        "ALTER ROLE CURRENT_USER SUPERUSER",
        "SET log_statement = 'none'",
        "SET session_authorization = 'postgres'",
    ],
)
def test_nothing_of_its_own_is_made_and_nobody_is_kept_from_work(site, ann, statement):
    """No function that could be called first, no file, no program, no lock that a job waits for."""
    with site.installation.session("job"), pytest.raises(psycopg2.errors.InsufficientPrivilege):
        asked(ann, statement, *([VIEW] if "{}" in statement else []))


@pytest.mark.row("V08", kind="refusal")
@pytest.mark.parametrize("who", ["job", "apply"])
def test_logins_of_the_platform_still_have_their_locks(installation, who):
    """What PUBLIC lost, jobs and the model merge were given."""
    with installation.session(who) as session, locks.held(session, locks.MERGE_LOCK) as is_ours:
        assert is_ours


@pytest.mark.row("V08", kind="refusal")
def test_whole_rows_hold_the_columns_of_the_dataset_and_no_other(site, ann):
    """Neither the batch columns nor one that left the model, however the row is taken."""
    applied(site.apply(CUSTOMERS.but(2, datasets={"customers": (ID,)})))

    assert asked(ann, "SELECT row_to_json(v)::text, v::text FROM {} AS v", VIEW) == [('{"id":"C99"}', "(C99)")]
    for column in ("name", "ds_surf_batch_in", "ds_surf_batch_out", "ctid", "xmin", "tableoid"):
        ann.rollback()
        with pytest.raises(psycopg2.errors.UndefinedColumn):
            asked(ann, "SELECT v.? FROM {} AS v".replace("?", column), VIEW)


@pytest.mark.row("V08", kind="refusal")
def test_what_others_do_is_hidden(site, ann):
    """Statements of jobs and of other readers are not shown, though they hold no value."""
    with site.installation.session("job") as job:
        asked(job, "SELECT 1 AS of_the_job")
        seen = asked(
            ann, "SELECT query FROM pg_stat_activity WHERE usename <> current_user AND query LIKE '%%of_the_job%%'"
        )

    assert seen == []
