"""`datasurface init --reader`: logins of people and programs that read a workspace's views and nothing else."""

from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest
from click.testing import CliRunner

from datasurface.cli.main import cli
from datasurface.connections import read_login
from datasurface.demo.embedded import EmbeddedServer
from datasurface.errors import ExitStatus, StateError
from datasurface.yellow.engine import connect, roles
from datasurface.yellow.engine.connect import Purpose, Session
from datasurface.yellow.engine.init.init_plan import InitPlan, ReaderLogin
from datasurface.yellow.engine.init.run import initialise
from datasurface.yellow.engine.init.script import script
from datasurface.yellow.engine.init.step import Outcome
from datasurface.yellow.engine.roles import Roles
from tests.db.installation import init_plan, rows
from tests.db.test_init_script import psql, run_script  # noqa: F401

GROUPS = (
    "SELECT roleid::regrole::text FROM pg_auth_members WHERE member = 'consumer1'::regrole"
    " ORDER BY roleid::regrole::text"
)


@pytest.fixture
def with_reader(plan: InitPlan) -> InitPlan:
    """An installation with the login `consumer1` of workspace Consumer1."""
    return replace(plan, readers=(ReaderLogin(login="consumer1", workspaces=("Consumer1",)),))


def session_of(server: EmbeddedServer, credentials: Path, name: str, database: str = "datasurface_merge") -> Session:
    """A session by a credential directory."""
    login = read_login(credentials / name, fix="")
    return connect.open_session(server.endpoint(database), login, application_name="t", purpose=Purpose.MERGE)


def show_view(server: EmbeddedServer, credentials: Path) -> None:
    """Do what a model merge does: make the reader's role once more, and a view that it may read."""
    with session_of(server, credentials, "ds_merge") as apply:
        reader = roles.make_reader_role(apply, "public", Roles(), "Consumer1")
        with roles.acting_as(apply, "ds_views"), apply.raw.cursor() as cursor:
            cursor.execute("CREATE VIEW public.v AS SELECT 7 AS a; CREATE VIEW public.other AS SELECT 8 AS a")
            cursor.execute(f"GRANT SELECT ON public.v TO {reader}")
        apply.commit()


@pytest.mark.row("V08", "K03")
def test_a_reader_logs_in_and_sees_its_workspace_alone(
    bare_server: EmbeddedServer, with_reader: InitPlan, tmp_path: Path
) -> None:
    """The login and its directory are made before any model is merged; the later merge finds the role made."""
    initialise(bare_server.endpoint(), bare_server.login, with_reader, tmp_path)
    show_view(bare_server, tmp_path)

    with session_of(bare_server, tmp_path, "reader_consumer1") as session, session.raw.cursor() as cursor:
        cursor.execute("SELECT a FROM public.v")
        assert cursor.fetchall() == [(7,)]
        session.rollback()
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("SELECT a FROM public.other")
    session_of(bare_server, tmp_path, "reader_consumer1", "consumer_db").close()
    again = initialise(bare_server.endpoint(), bare_server.login, with_reader, tmp_path)
    assert again.titles(Outcome.MADE) == []


@pytest.mark.row("V08", kind="refusal")
def test_a_reader_loses_the_workspace_that_is_not_its_own_any_more(
    bare_server: EmbeddedServer, with_reader: InitPlan, tmp_path: Path
) -> None:
    """Its memberships are those of the last call: one more is added, another one taken away."""
    initialise(bare_server.endpoint(), bare_server.login, with_reader, tmp_path)
    both = replace(with_reader, readers=(ReaderLogin(login="consumer1", workspaces=("Consumer1", "W2")),))
    initialise(bare_server.endpoint(), bare_server.login, both, tmp_path)
    assert rows(bare_server, "postgres", GROUPS) == [("consumer1_reader",), ("w2_reader",)]

    other = replace(with_reader, readers=(ReaderLogin(login="consumer1", workspaces=("W2",)),))
    report = initialise(bare_server.endpoint(), bare_server.login, other, tmp_path)

    assert report.titles(Outcome.MADE) == ["consumer1 reads as w2_reader"]
    assert rows(bare_server, "postgres", GROUPS) == [("w2_reader",)]


@pytest.mark.row("V08", kind="refusal")
def test_the_merge_has_a_readers_rights_only_when_it_acts_as_it(
    bare_server: EmbeddedServer, with_reader: InitPlan, tmp_path: Path
) -> None:
    """By itself ds_merge reads no view; after SET ROLE it reads what the workspace reads."""
    initialise(bare_server.endpoint(), bare_server.login, with_reader, tmp_path)
    show_view(bare_server, tmp_path)

    with session_of(bare_server, tmp_path, "ds_merge") as session, session.raw.cursor() as cursor:
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("SELECT a FROM public.v")
        session.rollback()
        cursor.execute("SET LOCAL ROLE consumer1_reader; SELECT a FROM public.v")
        assert cursor.fetchall() == [(7,)]


def test_readers_of_an_older_installation_can_be_tried_as_well(
    bare_server: EmbeddedServer, with_reader: InitPlan, tmp_path: Path
) -> None:
    """A workspace's role without the model merge as a member is found and corrected, whoever made it."""
    initialise(bare_server.endpoint(), bare_server.login, with_reader, tmp_path)
    rows(bare_server, "postgres", "REVOKE consumer1_reader FROM ds_merge")

    report = initialise(bare_server.endpoint(), bare_server.login, with_reader, tmp_path)

    assert report.titles(Outcome.MADE) == ["ds_merge may act as every reader"]


def test_a_prefix_is_respected(bare_server: EmbeddedServer, tmp_path: Path) -> None:
    """Login and workspace role begin with the installation's prefix, the directory does not."""
    plan = replace(
        init_plan(Roles("acme_"), bare_server.port, demo=None),
        readers=(ReaderLogin(login="jane", workspaces=("Consumer1",)),),
    )

    initialise(bare_server.endpoint(), bare_server.login, plan, tmp_path)

    assert (tmp_path / "reader_jane" / "username").read_text() == "acme_jane\n"
    members = "SELECT pg_has_role('acme_jane', 'acme_consumer1_reader', 'MEMBER')"
    assert rows(bare_server, "postgres", members) == [(True,)]


@pytest.mark.row("V08", kind="refusal")
def test_a_powerful_role_is_not_taken_for_a_reader(
    bare_server: EmbeddedServer, with_reader: InitPlan, tmp_path: Path
) -> None:
    """A role of that name with more rights stops the initialisation before anything is changed."""
    rows(bare_server, "postgres", "CREATE ROLE consumer1 CREATEROLE")

    with pytest.raises(StateError, match="role consumer1 exists and has more rights than it may: CREATEROLE"):
        initialise(bare_server.endpoint(), bare_server.login, with_reader, tmp_path)


@pytest.mark.row("V08")
def test_the_printed_script_makes_readers_as_well(
    bare_server: EmbeddedServer,
    with_reader: InitPlan,
    psql: list[str],  # noqa: F811
    tmp_path: Path,
) -> None:
    """After the script there is nothing left to make but passwords."""
    text = script(with_reader)

    first, second = run_script(psql, bare_server, text), run_script(psql, bare_server, text)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert '\\password "consumer1"' in text
    report = initialise(bare_server.endpoint(), bare_server.login, with_reader, tmp_path)
    assert [title for title in report.titles(Outcome.MADE) if not title.startswith("password of")] == []


@pytest.mark.row("V08", kind="refusal")
@pytest.mark.parametrize(
    "option",
    ["jane", "=W", "jane=", "ds_job=W", "airflow=W", "customer_reader=W", "w2_reader=W", "Jane=W", "../x=W", "pg_a=W"],
)
def test_a_login_that_is_none_for_a_reader_is_a_usage_error(option: str) -> None:
    """No name of the platform's own roles, none that could not be a directory."""
    outcome = CliRunner().invoke(cli, ["init", "--print", "--reader", option])

    assert outcome.exit_code == ExitStatus.USAGE
    assert f"--reader {option} is not LOGIN=WORKSPACE" in outcome.output
