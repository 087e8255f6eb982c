"""`datasurface init`: everything at once, nothing the second time, the same as a script, and what stands in its way."""

import re
import stat
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from data_change_simulator import source_ddl
from datasurface.connections import Login
from datasurface.demo.embedded import EmbeddedServer
from datasurface.errors import ModelError, StateError, TransientError
from datasurface.yellow.engine import connect
from datasurface.yellow.engine.connect import Purpose
from datasurface.yellow.engine.init.init_plan import DemoSource, InitPlan
from datasurface.yellow.engine.init.run import initialise
from datasurface.yellow.engine.init.script import script
from datasurface.yellow.engine.init.step import Outcome
from datasurface.yellow.engine.roles import Roles
from tests.db.installation import init_plan, rows

DATABASES = ["airflow_db", "consumer_db", "customer_db", "datasurface_merge"]
CATALOG = {
    "databases": (
        "postgres",
        "SELECT datname, pg_get_userbyid(datdba), datacl::text FROM pg_database"
        " WHERE datname !~ '^template' ORDER BY 1",
    ),
    "roles": (
        "postgres",
        "SELECT rolname, rolsuper, rolinherit, rolcanlogin, rolcreatedb, rolcreaterole, rolbypassrls, rolreplication"
        " FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1",
    ),
    "members": (
        "postgres",
        "SELECT roleid::regrole::text, member::regrole::text FROM pg_auth_members"
        " WHERE roleid::regrole::text !~ '^pg_' ORDER BY 1, 2",
    ),
    **{
        f"{kind} of {database}": (database, query)
        for database in DATABASES
        for kind, query in {
            "schemas": "SELECT nspname, nspacl::text FROM pg_namespace"
            " WHERE nspname !~ '^(pg_|information)' ORDER BY 1",
            "tables": "SELECT relname, relkind, relowner::regrole::text, relacl::text FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace ORDER BY 1",
            "functions": "SELECT proname, prosrc, proacl::text, prosecdef, proconfig::text FROM pg_proc"
            " WHERE pronamespace = 'public'::regnamespace ORDER BY 1",
            "defaults": "SELECT defaclrole::regrole::text, defaclacl::text FROM pg_default_acl ORDER BY 1, 2",
        }.items()
    },
}


def catalog(server: EmbeddedServer) -> dict[str, list[tuple[Any, ...]]]:
    """All that an initialisation leaves on a server."""
    return {name: rows(server, database, query) for name, (database, query) in CATALOG.items()}


@pytest.mark.row("P01")
def test_one_call_makes_databases_roles_and_the_demo_source(
    bare_server: EmbeddedServer, plan: InitPlan, tmp_path: Path
) -> None:
    """A bare server gets four databases, the control tables and the demo's thirteen rows with keys and indexes."""
    report = initialise(bare_server.endpoint(), bare_server.login, plan, tmp_path)

    assert [name for (name, *_) in rows(bare_server, *CATALOG["databases"])] == [*DATABASES, "postgres"]
    assert len(report.new_credentials) == 8
    counts = "SELECT (SELECT count(*) FROM public.customers), (SELECT count(*) FROM public.addresses)"
    assert rows(bare_server, "customer_db", counts) == [(5, 8)]
    constraints = Counter(
        kind
        for (kind,) in rows(
            bare_server,
            "customer_db",
            "SELECT contype::text FROM pg_constraint"
            " WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'f')",
        )
    )
    assert constraints == {"p": 2, "f": 3}
    tables = {name for (name, kind, *_) in rows(bare_server, *CATALOG["tables of datasurface_merge"]) if kind == "r"}
    assert tables == {"ds_audit", "ds_known_object", "ds_migration", "ds_platform", "ds_revision"}


def test_a_second_call_changes_nothing(bare_server: EmbeddedServer, plan: InitPlan, tmp_path: Path) -> None:
    """Every step finds its work done, passwords and the demo's rows stay as they are."""
    initialise(bare_server.endpoint(), bare_server.login, plan, tmp_path)
    rows(bare_server, "customer_db", "DELETE FROM public.customers WHERE id = 'CUST001'")
    before = catalog(bare_server)
    verifiers = rows(bare_server, "postgres", "SELECT rolname, rolpassword FROM pg_authid ORDER BY 1")

    report = initialise(bare_server.endpoint(), bare_server.login, plan, tmp_path)

    assert report.titles(Outcome.MADE) == []
    assert report.new_credentials == []
    assert catalog(bare_server) == before
    assert rows(bare_server, "postgres", "SELECT rolname, rolpassword FROM pg_authid ORDER BY 1") == verifiers
    assert rows(bare_server, "customer_db", "SELECT count(*) FROM public.customers") == [(4,)]


def test_what_somebody_changed_is_put_right(bare_server: EmbeddedServer, plan: InitPlan, tmp_path: Path) -> None:
    """A right given to PUBLIC, one taken away, a lost membership and a changed function are found and corrected."""
    initialise(bare_server.endpoint(), bare_server.login, plan, tmp_path)
    before = catalog(bare_server)
    rows(bare_server, "postgres", "GRANT CONNECT ON DATABASE datasurface_merge TO PUBLIC")
    rows(bare_server, "postgres", "REVOKE ds_views FROM ds_merge; ALTER ROLE ds_merge INHERIT")
    rows(bare_server, "datasurface_merge", "GRANT USAGE ON SCHEMA public TO PUBLIC")
    rows(bare_server, "datasurface_merge", "REVOKE INSERT ON public.ds_audit FROM ds_jobs")
    rows(bare_server, "datasurface_merge", "GRANT EXECUTE ON FUNCTION public.ds_make_reader(text) TO PUBLIC")

    report = initialise(bare_server.endpoint(), bare_server.login, plan, tmp_path)

    assert report.titles(Outcome.MADE) == [
        "role ds_merge",
        "role ds_merge is a member of ds_views",
        "database datasurface_merge is closed to PUBLIC",
        "schema public of datasurface_merge is closed to PUBLIC",
        "ds_jobs has SELECT, INSERT on ds_audit",
        "function ds_make_reader",
    ]
    assert {name: sorted_rights(found) for name, found in catalog(bare_server).items()} == {
        name: sorted_rights(found) for name, found in before.items()
    }


def sorted_rights(found: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows whose lists of rights stand in one order."""
    return [
        tuple(",".join(sorted(v.strip("{}").split(","))) if str(v).startswith("{") else v for v in row) for row in found
    ]


def test_a_changed_password_file_changes_the_password(
    bare_server: EmbeddedServer, plan: InitPlan, tmp_path: Path
) -> None:
    """A password is rotated by its file and another call; the old one is refused from then on."""
    initialise(bare_server.endpoint(), bare_server.login, plan, tmp_path)
    old = (tmp_path / "ds_job" / "password").read_text().strip()
    (tmp_path / "ds_job" / "password").write_text("pässwörd 'new' \\ $1\n")

    report = initialise(bare_server.endpoint(), bare_server.login, plan, tmp_path)

    assert "password of ds_job" in report.titles(Outcome.MADE)
    endpoint = bare_server.endpoint("datasurface_merge")
    new = Login(username="ds_job", password="pässwörd 'new' \\ $1")
    connect.open_session(endpoint, new, application_name="t", purpose=Purpose.MERGE).close()
    with pytest.raises(ModelError, match="28P01"):
        connect.open_session(endpoint, replace(new, password=old), application_name="t", purpose=Purpose.MERGE)


def test_given_credentials_are_used_and_not_rewritten(
    bare_server: EmbeddedServer, plan: InitPlan, tmp_path: Path
) -> None:
    """A directory that is there, such as a mounted secret, decides the password and may be read-only."""
    given = tmp_path / "ds_job"
    given.mkdir()
    (given / "username").write_text("ds_job")
    (given / "password").write_text("given-by-the-site")
    modes = {file: stat.S_IMODE(file.stat().st_mode) for file in given.iterdir()}

    report = initialise(bare_server.endpoint(), bare_server.login, plan, tmp_path)

    assert "ds_job" not in report.new_credentials
    assert {file: stat.S_IMODE(file.stat().st_mode) for file in given.iterdir()} == modes
    login = Login(username="ds_job", password="given-by-the-site")
    endpoint = bare_server.endpoint("datasurface_merge")
    connect.open_session(endpoint, login, application_name="t", purpose=Purpose.MERGE).close()


def test_credentials_of_another_user_are_refused(bare_server: EmbeddedServer, plan: InitPlan, tmp_path: Path) -> None:
    """A file that names another user than the role is named, and the server stays untouched."""
    (tmp_path / "ds_job").mkdir()
    (tmp_path / "ds_job" / "username").write_text("somebody")
    (tmp_path / "ds_job" / "password").write_text("x")

    with pytest.raises(ModelError, match=r"ds_job/username does not hold ds_job"):
        initialise(bare_server.endpoint(), bare_server.login, plan, tmp_path)
    assert rows(bare_server, *CATALOG["roles"]) == [("postgres", True, True, True, True, True, True, True)]


MISFITS = {
    "CREATE ROLE airflow SUPERUSER LOGIN": "role airflow exists and has more rights than it may: SUPERUSER",
    "CREATE ROLE ds_job CREATEDB BYPASSRLS": "role ds_job exists and has more rights than it may: CREATEDB, BYPASSRLS",
    "CREATE ROLE ds_dags IN ROLE pg_read_all_data": "role ds_dags exists and is a member of pg_read_all_data",
}


@pytest.mark.parametrize("statement", MISFITS)
def test_a_role_with_more_rights_stops_before_anything_is_changed(
    bare_server: EmbeddedServer, plan: InitPlan, tmp_path: Path, statement: str
) -> None:
    """A role that is there and may too much is named; neither it nor anything else is touched."""
    rows(bare_server, "postgres", statement)
    before = rows(bare_server, *CATALOG["roles"])

    with pytest.raises(StateError, match=re.escape(MISFITS[statement])) as caught:
        initialise(bare_server.endpoint(), bare_server.login, plan, tmp_path)
    assert "Nothing was changed" in str(caught.value)
    assert rows(bare_server, *CATALOG["roles"]) == before


def test_a_login_that_is_no_superuser_is_refused(bare_server: EmbeddedServer, plan: InitPlan, tmp_path: Path) -> None:
    """Who cannot make databases and roles is told at once."""
    rows(bare_server, "postgres", "CREATE ROLE site LOGIN CREATEDB CREATEROLE PASSWORD 'site'")

    with pytest.raises(StateError, match="site is no superuser"):
        initialise(bare_server.endpoint(), Login(username="site", password="site"), plan, tmp_path)


def test_two_at_once_end_well(bare_server: EmbeddedServer, plan: InitPlan, tmp_path: Path) -> None:
    """Of two initialisations that start together, one waits for the other and finds everything done."""
    with ThreadPoolExecutor(2) as pool:
        reports = list(
            pool.map(lambda _: initialise(bare_server.endpoint(), bare_server.login, plan, tmp_path), range(2))
        )

    made = sorted(len(report.titles(Outcome.MADE)) for report in reports)
    assert made[0] == 0
    assert made[1] > 50


def test_without_a_demo_source_there_is_none(bare_server: EmbeddedServer, plan: InitPlan, tmp_path: Path) -> None:
    """Neither the database nor the roles of the demo appear."""
    initialise(bare_server.endpoint(), bare_server.login, replace(plan, demo=None), tmp_path)

    assert rows(bare_server, "postgres", "SELECT datname FROM pg_database WHERE datname = 'customer_db'") == []
    assert rows(bare_server, "postgres", "SELECT rolname FROM pg_roles WHERE rolname ~ '^customer'") == []


def test_two_installations_share_a_server_by_their_prefixes(bare_server: EmbeddedServer, tmp_path: Path) -> None:
    """The second installation's roles cannot enter the first one's databases."""
    for prefix in ("one_", "two_"):
        plan = init_plan(Roles(prefix), bare_server.port)
        initialise(bare_server.endpoint(), bare_server.login, plan, tmp_path / prefix)

    login = Login(username="two_ds_job", password=(tmp_path / "two_" / "ds_job" / "password").read_text().strip())
    with pytest.raises(ModelError, match="42501"):
        connect.open_session(
            bare_server.endpoint("one_datasurface_merge"), login, application_name="t", purpose=Purpose.MERGE
        )


def test_another_schema_holds_the_control_tables(bare_server: EmbeddedServer, plan: InitPlan, tmp_path: Path) -> None:
    """With `merge.schema` all of the merge database's objects lie there, and schema public stays closed."""
    report = initialise(bare_server.endpoint(), bare_server.login, replace(plan, merge_schema="surface"), tmp_path)

    assert "schema surface of datasurface_merge" in report.titles(Outcome.MADE)
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'surface'"
    assert rows(bare_server, "datasurface_merge", tables) == [(5,)]
    assert rows(bare_server, "datasurface_merge", "SELECT has_schema_privilege('ds_job', 'public', 'USAGE')") == [
        (False,)
    ]


def test_a_platform_with_its_own_login_of_jobs(bare_server: EmbeddedServer, plan: InitPlan, tmp_path: Path) -> None:
    """Such a login works on its own platform's tables and on no other's."""
    initialise(bare_server.endpoint(), bare_server.login, replace(plan, platform_jobs=("YellowLive",)), tmp_path)

    make = "SELECT public.ds_make_platform('yellowlive_tables'), public.ds_make_platform('yellowforensic_tables')"
    rows(bare_server, "datasurface_merge", make)

    owners = ("yellowlive_tables", "yellowforensic_tables")
    questions = [f"SELECT pg_has_role('yellowlive_job', '{owner}', 'USAGE')" for owner in owners]
    assert [rows(bare_server, "postgres", question) for question in questions] == [[(True,)], [(False,)]]
    assert (tmp_path / "yellowlive_job" / "password").exists()


@pytest.mark.row("P01", kind="refusal")
def test_a_failing_script_leaves_no_half_of_the_demo(
    bare_server: EmbeddedServer, plan: InitPlan, tmp_path: Path
) -> None:
    """Tables and rows of the demo come together or not at all, so that a repaired script starts afresh."""
    broken = replace(plan, demo=DemoSource(ddl=source_ddl(), seed="INSERT INTO missing VALUES (1);"))

    with pytest.raises(ModelError, match=r"tables and first rows of customer_db .*42P01"):
        initialise(bare_server.endpoint(), bare_server.login, broken, tmp_path)
    assert rows(bare_server, "customer_db", "SELECT to_regclass('public.customers')") == [(None,)]
    assert initialise(bare_server.endpoint(), bare_server.login, plan, tmp_path).titles(Outcome.MADE)[-2:]


def test_a_server_that_is_away_is_transient(bare_server: EmbeddedServer, plan: InitPlan, tmp_path: Path) -> None:
    """The job that runs it may try again."""
    bare_server.stop()

    with pytest.raises(TransientError):
        initialise(bare_server.endpoint(), bare_server.login, plan, tmp_path)


def test_no_password_is_printed_or_logged(bare_server: EmbeddedServer, plan: InitPlan, tmp_path: Path) -> None:
    """With every statement logged, the server's log holds no password and no verifier; the script has none either."""
    rows(bare_server, "postgres", "ALTER SYSTEM SET log_statement = 'all'")
    rows(bare_server, "postgres", "ALTER SYSTEM SET log_min_duration_statement = 0")
    rows(bare_server, "postgres", "SELECT pg_reload_conf()")

    initialise(bare_server.endpoint(), bare_server.login, plan, tmp_path)

    log = (bare_server.folder / "log").read_text()
    passwords = {(each / "password").read_text().strip() for each in tmp_path.iterdir()}
    assert "CREATE DATABASE" in log
    assert "SCRAM-SHA-256" not in log
    assert not [word for word in passwords if word in log or word in script(plan)]
