"""A workspace's role reads the workspace's views and nothing else, whatever it asks."""

import psycopg2
import pytest
from psycopg2 import sql

from datasurface.connections import Login
from datasurface.dsl import DDLColumn, VarChar
from datasurface.errors import DatasurfaceError
from datasurface.yellow.engine.connect import Purpose, Session, open_session
from tests.db.models import CUSTOMERS, FORENSIC, ID, LIVE, NAME
from tests.db.site import Site, applied
from tests.db.streams import SCHEMA

VIEW = "yellowlive_consumer1_livedsg_customers_view"
FORENSIC_VIEW = "yellowforensic_consumer1_forensicdsg_customers_view"
OTHERS_VIEW = "yellowlive_consumer2_livedsg_customers_view"
MERGE = "yellowlive_store1_customers_merge"
FORENSIC_MERGE = "yellowforensic_store1_customers_merge"


@pytest.fixture
def site(installation) -> Site:
    """Two workspaces over the same dataset, with one row each of the past and the present."""
    site = Site(installation=installation)
    applied(site.apply(CUSTOMERS.but(1, workspaces=("Consumer1", "Consumer2"))))
    site.execute("INSERT INTO {} VALUES ('C1', 'Ada', 1)", MERGE)
    site.execute("INSERT INTO {} VALUES ('C0', 'Eve', 1, 1), ('C1', 'Ada', 1, 2147483647)", FORENSIC_MERGE)
    return site


@pytest.fixture
def ann(site) -> Session:
    """A person of Consumer1: a login that is a member of its role, as chart values make one."""
    roles, installation = site.installation.roles, site.installation
    name = roles.named("ann")
    site.execute(f'CREATE ROLE "{name}" LOGIN PASSWORD \'ann\' IN ROLE "{roles.reader("Consumer1")}"')
    login = Login(username=name, password="ann")
    try:
        with open_session(
            installation.endpoint(), login, application_name="test ann", purpose=Purpose.MERGE
        ) as session:
            yield session
    finally:
        site.execute(f'DROP ROLE "{name}"')


def rows(session: Session, text: str, *tables: str) -> list[tuple[object, ...]]:
    """Rows of a query; `{}` are relations of the merge schema."""
    with session.raw.cursor() as cursor:
        cursor.execute(sql.SQL(text).format(*[sql.Identifier(SCHEMA, name) for name in tables]))
        return cursor.fetchall()


@pytest.mark.row("V06", "V08")
def test_a_member_reads_all_views_of_its_workspace(ann):
    """Live and forensic, through a login without any right of its own."""
    assert rows(ann, "SELECT * FROM {}", VIEW) == [("C1", "Ada")]
    assert rows(ann, "SELECT * FROM {}", FORENSIC_VIEW) == [("C1", "Ada")]
    history = FORENSIC_VIEW.replace("_view", "_history_view")
    assert rows(ann, "SELECT id, valid_from_batch, valid_to_batch FROM {} ORDER BY id", history) == [
        ("C0", 1, 1),
        ("C1", 1, None),
    ]


@pytest.mark.row("V08", kind="refusal")
@pytest.mark.parametrize(
    "relation",
    [
        OTHERS_VIEW,
        MERGE,
        MERGE.replace("_merge", "_staging"),
        "yellowlive_batch_metrics",
        "yellowlive_batch_counter",
        "yellowlive_stream_plan",
        "yellowlive_airflow_dsg",
        "ds_revision",
        "ds_platform",
        "ds_audit",
        "ds_known_object",
    ],
)
def test_nothing_else_can_be_read(ann, relation):
    """Neither another workspace's view nor any table, whatever the own views are made of."""
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        rows(ann, "SELECT 1 FROM {}", relation)


@pytest.mark.row("V06", "V08", kind="refusal")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {0} SET name = 'x'",
        "DELETE FROM {0}",
        "INSERT INTO {0} VALUES ('C9', 'x')",
        "TRUNCATE {1}",
        "CREATE TABLE {2} (id text)",
        "CREATE VIEW {2} AS SELECT 1",
        "SET ROLE {3}",
        "SET ROLE {4}",
        "CREATE FUNCTION {2}() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ],
)
def test_nothing_can_be_changed_or_made(site, ann, statement):
    """Views are for reading, and a reader is not their owner."""
    roles = site.installation.roles
    places = (
        sql.Identifier(SCHEMA, VIEW),
        sql.Identifier(SCHEMA, MERGE),
        sql.Identifier(SCHEMA, "mine"),
        sql.Identifier(roles.views),
        sql.Identifier(roles.platform_tables("yellowlive")),
    )
    with pytest.raises(psycopg2.errors.InsufficientPrivilege), ann.raw.cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(*places))


@pytest.mark.row("V08", kind="refusal")
def test_a_readers_own_functions_see_no_row_beyond_the_view(site, ann):
    """A function that reports each value it is given, cheap enough to be called first, is given present rows alone."""
    site.execute(
        "CREATE FUNCTION {}(value text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001"
        " AS $$BEGIN RAISE NOTICE 'was given %', value; RETURN true; END$$",
        "tells",
    )
    site.execute("GRANT EXECUTE ON FUNCTION {} TO PUBLIC", "tells")

    assert rows(ann, "SELECT id FROM {0} WHERE {1}(id)", FORENSIC_VIEW, "tells") == [("C1",)]
    assert [notice for notice in ann.raw.notices if "was given" in notice] == ["NOTICE:  was given C1\n"]


@pytest.mark.row("V08", kind="refusal")
def test_the_source_and_airflow_are_closed_to_a_reader(site, ann):
    """A reader connects to the merge database and to no other."""
    for database in ("source", "airflow"):
        with pytest.raises(DatasurfaceError, match="permission denied for database"):
            open_session(
                site.installation.endpoint(database),
                Login(username=ann.username, password="ann"),
                application_name="test ann",
                purpose=Purpose.MERGE,
            )


@pytest.mark.row("V08", kind="refusal")
def test_a_view_that_leaves_the_workspace_can_be_read_no_longer(site, ann):
    """With its group's platform the view is gone at once, and the others stay."""
    applied(site.apply(CUSTOMERS.but(2, workspaces=("Consumer1", "Consumer2"), strategies=(LIVE,))))

    assert rows(ann, "SELECT count(*) FROM {}", VIEW) == [(1,)]
    with pytest.raises(psycopg2.errors.UndefinedTable):
        rows(ann, "SELECT 1 FROM {}", FORENSIC_VIEW)


@pytest.mark.row("V08")
def test_a_reader_keeps_reading_when_its_view_is_made_anew(site, ann):
    """A view that had to be dropped for its new columns is granted again in the same transaction."""
    applied(site.apply(CUSTOMERS.but(2, workspaces=("Consumer1", "Consumer2"), datasets={"customers": (ID,)})))
    assert rows(ann, "SELECT * FROM {}", VIEW) == [("C1",)]
    ann.rollback()

    wider = {"customers": (DDLColumn("id", VarChar(40), primary_key=True), NAME)}
    applied(site.apply(CUSTOMERS.but(3, workspaces=("Consumer1", "Consumer2"), datasets=wider)))

    assert rows(ann, "SELECT * FROM {}", VIEW) == [("C1", "Ada")]


def test_workspaces_have_a_role_before_they_have_a_view(installation):
    """Users can be made members as soon as the model names the workspace."""
    site = Site(installation=installation)

    applied(site.apply(CUSTOMERS.but(1, workspaces=("Consumer1", "Early"), strategies=(FORENSIC,))))

    role = installation.roles.reader("Early")
    assert (role, False) in site.query("SELECT rolname, rolcanlogin FROM pg_roles")
