"""The link by postgres_fdw: a reader sees its view in the consumers' database, and nobody else gets at the login."""

from pathlib import Path

import psycopg2
import pytest

from datasurface.connections import Login
from datasurface.demo.embedded import EmbeddedServer
from datasurface.yellow.engine import connect, roles
from datasurface.yellow.engine.connect import Purpose, Session
from datasurface.yellow.engine.init.init_plan import InitPlan
from datasurface.yellow.engine.init.link_steps import LINK_SERVER
from datasurface.yellow.engine.init.run import initialise
from datasurface.yellow.engine.init.step import Outcome
from tests.db.installation import Installation


def execute(session: Session, *statements: str) -> None:
    """Run statements in the session's transaction."""
    with session.raw.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def reader_login(installation: Installation) -> Login:
    """A person's login that is a member of the workspace's reader."""
    with installation.session("admin") as admin:
        execute(
            admin,
            "DROP ROLE IF EXISTS jane",
            "CREATE ROLE jane LOGIN PASSWORD 'jane'",
            f'GRANT "{installation.roles.reader("Consumer1")}" TO jane',
        )
        admin.commit()
    return Login(username="jane", password="jane")


@pytest.fixture
def linked_view(linked_installation: Installation) -> Installation:
    """An installation where ds_merge has shown a view of the merge database in the consumers' one."""
    own = linked_installation.roles
    with linked_installation.session("apply") as apply:
        reader = roles.make_reader_role(apply, "public", own, "Consumer1")
        with roles.acting_as(apply, own.views):
            execute(
                apply,
                "CREATE VIEW public.v AS SELECT 7 AS a",
                f'GRANT SELECT ON public.v TO "{own.link}", "{reader}"',
            )
        apply.commit()
    with linked_installation.session("apply", "consumer") as apply:
        with roles.acting_as(apply, own.views):
            execute(
                apply,
                f"CREATE FOREIGN TABLE public.v_link (a integer) SERVER \"{LINK_SERVER}\" OPTIONS (table_name 'v')",
                "CREATE VIEW public.v WITH (security_barrier) AS SELECT a FROM public.v_link",
                f'GRANT SELECT ON public.v TO "{reader}"',
            )
        apply.commit()
    return linked_installation


@pytest.mark.row("V08")
def test_a_reader_sees_its_view_in_the_consumers_database(linked_view: Installation) -> None:
    """The view there goes through the link's own login, with the rights of the owner of the views alone."""
    endpoint = linked_view.endpoint("consumer")
    session = connect.open_session(endpoint, reader_login(linked_view), application_name="t", purpose=Purpose.MERGE)

    with session, session.raw.cursor() as cursor:
        cursor.execute("SELECT a FROM public.v")
        assert cursor.fetchall() == [(7,)]


@pytest.mark.row("V08", kind="refusal")
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT a FROM public.v_link",
        f"CREATE FOREIGN TABLE public.mine (a integer) SERVER \"{LINK_SERVER}\" OPTIONS (table_name 'v')",
        f"CREATE USER MAPPING FOR CURRENT_USER SERVER \"{LINK_SERVER}\" OPTIONS (user 'x', password 'y')",
        "CREATE TABLE public.t (a integer)",
    ],
)
def test_a_reader_cannot_use_the_link_itself(linked_view: Installation, statement: str) -> None:
    """Neither the foreign table nor the server is a reader's to use."""
    endpoint = linked_view.endpoint("consumer")
    session = connect.open_session(endpoint, reader_login(linked_view), application_name="t", purpose=Purpose.MERGE)

    with session, pytest.raises(psycopg2.errors.InsufficientPrivilege):
        execute(session, statement)


def test_the_links_password_is_hidden_from_other_logins(linked_view: Installation) -> None:
    """The options of the user mapping show to nobody but the superuser."""
    with linked_view.session("apply", "consumer") as session, session.raw.cursor() as cursor:
        cursor.execute("SELECT umoptions FROM pg_user_mappings")
        assert cursor.fetchall() == [(None,)]


def test_a_server_without_postgres_fdw_says_so(bare_server: EmbeddedServer, plan: InitPlan, tmp_path: Path) -> None:
    """Everything else is made; the three steps of the link are reported as not available."""
    report = initialise(bare_server.endpoint(), bare_server.login, plan, tmp_path)

    assert report.titles(Outcome.UNAVAILABLE) == [
        "extension postgres_fdw in consumer_db",
        f"server {LINK_SERVER} in consumer_db",
        "user mapping of ds_views in consumer_db",
    ]
