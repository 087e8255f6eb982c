"""What each login may do after `datasurface init`, tried with real logins on a platform that ds_merge itself set up."""

from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import sql

from datasurface.connections import Login
from datasurface.errors import ModelError, StateError
from datasurface.model.platforms import MilestoneStrategy
from datasurface.yellow.engine import connect, roles
from datasurface.yellow.engine.connect import Purpose, Session
from datasurface.yellow.engine.control import migrate
from datasurface.yellow.plan import names
from datasurface.yellow.plan.platforms import PlatformPlan, control_tables
from tests.db.installation import Installation, Template, copied

SCHEMA = "public"
LOGIN_OF_READER = "Jane-1!"


def platform_plan(name: str = "YellowLive") -> PlatformPlan:
    """A platform with the names that the plan would give it."""
    return PlatformPlan(
        platform=name,
        platform_name=names.platform_name(name),
        strategy=MilestoneStrategy.LIVE_ONLY,
        control=control_tables(name),
        merge_container="merge_db",
        merge_host="localhost",
        merge_port=5432,
        merge_database="datasurface_merge",
        infrastructure_schedule="@daily",
        retention_days=30,
    )


def execute(session: Session, *statements: str) -> None:
    """Run statements in the session's transaction."""
    with session.raw.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def merge_model(installation: Installation) -> None:
    """Do what a model merge does, with the rights of its login: roles, tables, views, grants, rows."""
    own = installation.roles
    with installation.session("apply") as apply:
        tables_role = roles.make_platform_role(apply, SCHEMA, own, "yellowlive")
        reader_role = roles.make_reader_role(apply, SCHEMA, own, "Consumer1")
        migrate.migrate_platform(apply, platform_plan(), SCHEMA, own)
        with roles.acting_as(apply, tables_role):
            execute(
                apply,
                "CREATE TABLE public.yellowlive_t_merge (id text PRIMARY KEY, v text)",
                "CREATE UNLOGGED TABLE public.yellowlive_t_staging (id text, v text)",
                f'GRANT SELECT ON public.yellowlive_t_merge TO "{own.views}"',
            )
        with roles.acting_as(apply, own.views):
            execute(
                apply,
                "CREATE VIEW public.t_view WITH (security_barrier) AS SELECT id, v FROM public.yellowlive_t_merge",
                "CREATE VIEW public.history AS SELECT batch_id, batch_end_time FROM public.yellowlive_batch_metrics",
                f'GRANT SELECT ON public.t_view TO "{reader_role}", "{own.link}"',
            )
        execute(
            apply,
            "INSERT INTO public.ds_revision (revision, outcome) VALUES ('r1', 'applied')",
            "INSERT INTO public.ds_platform (platform, original_platform_name, generation, stream_count,"
            " infrastructure_schedule) VALUES ('yellowlive', 'YellowLive', 1, 1, '@daily')",
            "INSERT INTO public.yellowlive_stream_plan VALUES ('Store1', '{\"v\": 1}', 'hash', 'r1')",
            "INSERT INTO public.yellowlive_airflow_dsg VALUES ('Store1', '{}', 'active', 1)",
        )
        apply.commit()


@pytest.fixture(scope="module")
def merged(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation with one platform, one view and its reader; shared, since every test here rolls back."""
    with copied(template, tmp_path_factory.mktemp("merged")) as installation:
        installation.make_demo_source()
        merge_model(installation)
        yield installation


ALLOWED = {
    "job": [
        "CREATE TEMP TABLE delta (id text)",
        "TRUNCATE public.yellowlive_t_staging",
        "ANALYZE public.yellowlive_t_merge",
        "LOCK TABLE public.yellowlive_t_merge IN SHARE ROW EXCLUSIVE MODE",
        "INSERT INTO public.yellowlive_t_merge VALUES ('1', 'a')",
        "UPDATE public.yellowlive_t_merge SET v = 'b'",
        "DELETE FROM public.yellowlive_t_merge",
        "ALTER TABLE public.yellowlive_t_merge DROP CONSTRAINT yellowlive_t_merge_pkey",
        "CREATE UNIQUE INDEX ON public.yellowlive_t_merge (id)",
        "INSERT INTO public.yellowlive_batch_metrics (key, batch_id, batch_status) VALUES ('Store1', 1, 'started')",
        "INSERT INTO public.yellowlive_batch_counter (key) VALUES ('Store1')",
        "SELECT plan FROM public.yellowlive_stream_plan",
        "SELECT * FROM public.ds_platform",
        "INSERT INTO public.ds_audit (platform, stream_key, ok) VALUES ('yellowlive', 'Store1', true)",
    ],
    "apply": [
        "CREATE TEMP TABLE t (id text)",
        "UPDATE public.ds_revision SET pinned = true",
        "UPDATE public.ds_platform SET generation = 2",
        "DELETE FROM public.yellowlive_stream_plan",
        "DELETE FROM public.yellowlive_airflow_dsg",
        "SELECT * FROM public.yellowlive_batch_metrics",
        "SET LOCAL ROLE {tables}; ALTER TABLE public.yellowlive_t_merge ADD COLUMN w text",
        "SET LOCAL ROLE {tables}; DROP TABLE public.yellowlive_t_merge CASCADE",
        "SET LOCAL ROLE {views}; CREATE OR REPLACE VIEW public.t_view AS SELECT id, v FROM public.yellowlive_t_merge",
        "SET LOCAL ROLE {views}; DROP VIEW public.t_view",
        "SELECT public.ds_make_reader('{prefix}consumer2_reader')",
        "SELECT public.ds_make_platform('{prefix}yellowlive_tables')",
        "SET LOCAL ROLE {reader}; SELECT * FROM public.t_view",
    ],
    "monitor": [
        "SELECT * FROM public.yellowlive_batch_metrics, public.yellowlive_batch_counter",
        "SELECT * FROM public.yellowlive_stream_plan, public.yellowlive_airflow_dsg",
        "SELECT * FROM public.ds_revision, public.ds_platform, public.ds_audit",
    ],
    "dags": ["SELECT * FROM public.yellowlive_airflow_dsg, public.ds_platform"],
    "link": ["SELECT * FROM public.t_view"],
    "reader": ["SELECT * FROM public.t_view"],
    "customer_reader": ["SELECT * FROM public.customers, public.addresses"],
    "customer_writer": [
        "UPDATE public.customers SET phone = NULL",
        "DELETE FROM public.addresses",
        "INSERT INTO public.customers (id, firstname, lastname, dob) VALUES ('X', 'a', 'b', '2000-01-01')",
    ],
}

REFUSED = {
    "job": [
        "DELETE FROM public.yellowlive_stream_plan",
        "UPDATE public.yellowlive_stream_plan SET revision = 'x'",
        "INSERT INTO public.yellowlive_airflow_dsg VALUES ('S', '{{}}', 'active', 1)",
        "SELECT * FROM public.ds_revision",
        "UPDATE public.ds_platform SET generation = 9",
        "DELETE FROM public.ds_audit",
        "SET LOCAL ROLE {views}",
        "SELECT public.ds_make_reader('{prefix}x_reader')",
        "CREATE ROLE x",
    ],
    "apply": [
        "CREATE TABLE public.t (id text)",
        "ALTER TABLE public.yellowlive_t_merge ADD COLUMN w text",
        "SELECT * FROM public.yellowlive_t_merge",
        "SELECT * FROM public.t_view",
        "SET LOCAL ROLE {reader}; SELECT * FROM public.history",
        "DELETE FROM public.ds_revision",
        "DROP TABLE public.ds_audit",
        "SET LOCAL ROLE {control}",
        "CREATE ROLE x",
        "ALTER ROLE {job} PASSWORD 'x'",
        "GRANT {views} TO {job}",
        "SELECT public.ds_make_role('{prefix}x_reader', 'reader', 'm')",
        "SET LOCAL ROLE {tables}; DELETE FROM public.yellowlive_stream_plan",
    ],
    "monitor": [
        "SELECT * FROM public.yellowlive_t_merge",
        "SELECT * FROM public.t_view",
        "UPDATE public.ds_platform SET generation = 9",
        "UPDATE public.yellowlive_airflow_dsg SET status = 'active'",
        "CREATE TEMP TABLE t (id text)",
    ],
    "dags": ["SELECT * FROM public.yellowlive_stream_plan", "DELETE FROM public.yellowlive_airflow_dsg"],
    "link": ["SELECT * FROM public.yellowlive_t_merge", "SELECT * FROM public.history"],
    "reader": [
        "SELECT * FROM public.yellowlive_t_merge",
        "SELECT * FROM public.history",
        "SELECT * FROM public.yellowlive_batch_metrics",
        "SELECT * FROM public.ds_platform",
        "SELECT * FROM public.yellowlive_stream_plan",
        "DELETE FROM public.t_view",
        "CREATE TABLE public.t (id text)",
        "CREATE TEMP TABLE t (id text)",
        "SELECT public.ds_make_reader('{prefix}x_reader')",
        "SET LOCAL ROLE {views}",
    ],
    "customer_reader": ["CREATE TABLE public.t (id text)", "CREATE TEMP TABLE t (id text)"],
    "customer_writer": ["CREATE TABLE public.t (id text)", "DROP TABLE public.customers", "TRUNCATE public.addresses"],
}


def cases(statements: dict[str, list[str]]) -> list[tuple[str, str]]:
    """Each login with each of its statements."""
    return [(who, statement) for who, listed in statements.items() for statement in listed]


def session_of(installation: Installation, who: str) -> Session:
    """A session of a login; the reader is a person's login that is a member of the workspace's role."""
    if who != "reader":
        return installation.session(who)
    own = installation.roles
    person = own.named("jane")
    with installation.session("admin") as admin:
        execute(
            admin,
            f"DO $$BEGIN CREATE ROLE \"{person}\" LOGIN PASSWORD '{LOGIN_OF_READER}';"
            " EXCEPTION WHEN duplicate_object THEN END$$",
            f'GRANT "{own.reader("Consumer1")}" TO "{person}"',
        )
        admin.commit()
    login = Login(username=person, password=LOGIN_OF_READER)
    return connect.open_session(installation.endpoint(), login, application_name="jane", purpose=Purpose.MERGE)


def filled(installation: Installation, statement: str) -> str:
    """The statement with the installation's role names."""
    own = installation.roles
    made = {"tables": own.platform_tables("yellowlive"), "reader": own.reader("Consumer1")}
    places = {"prefix": own.prefix, **made} | {name: getattr(own, name) for name in ("views", "control", "job")}
    return statement.format(**places) if "{" in statement and '"v"' not in statement else statement


@pytest.mark.row("V08", "P01")
@pytest.mark.parametrize(("who", "statement"), cases(ALLOWED))
def test_a_login_may_do_its_work(merged: Installation, who: str, statement: str) -> None:
    """Every statement that a login needs for its work goes through with its own rights."""
    with session_of(merged, who) as session:
        execute(session, filled(merged, statement))
        session.rollback()


@pytest.mark.row("V08", kind="refusal")
@pytest.mark.parametrize(("who", "statement"), cases(REFUSED))
def test_a_login_may_do_nothing_else(merged: Installation, who: str, statement: str) -> None:
    """What is not a login's work is refused for lack of rights."""
    with session_of(merged, who) as session:
        execute(session, "SET default_transaction_read_only = off")
        session.commit()
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            execute(session, filled(merged, statement))


@pytest.mark.row("V08", kind="refusal")
@pytest.mark.parametrize(
    ("who", "database"),
    [
        ("job", "source"),
        ("job", "consumer"),
        ("job", "airflow"),
        ("monitor", "source"),
        ("customer_reader", "merge"),
        ("customer_writer", "merge"),
        ("link", "consumer"),
        ("dags", "airflow"),
    ],
)
def test_a_login_enters_only_its_databases(merged: Installation, who: str, database: str) -> None:
    """Nobody connects to a database that is not its own, since PUBLIC may enter none."""
    with pytest.raises(ModelError, match="42501"):
        merged.session(who, database)


def test_what_the_merge_makes_belongs_to_the_right_roles(merged: Installation) -> None:
    """Tables belong to the platform, plans and views to owners that no job can act as, control tables to nobody's."""
    own = merged.roles
    with merged.session("admin") as admin, admin.raw.cursor() as cursor:
        cursor.execute(
            "SELECT relname, rolname FROM pg_class JOIN pg_roles ON pg_roles.oid = relowner"
            " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')"
        )
        owners = dict(cursor.fetchall())

    tables = own.platform_tables("yellowlive")
    assert owners == {
        "yellowlive_t_merge": tables,
        "yellowlive_t_staging": tables,
        "yellowlive_batch_counter": tables,
        "yellowlive_batch_metrics": tables,
        "yellowlive_stream_plan": own.plans,
        "yellowlive_airflow_dsg": own.plans,
        "t_view": own.views,
        "history": own.views,
        "ds_revision": own.control,
        "ds_platform": own.control,
        "ds_audit": own.control,
        "ds_migration": own.control,
        "ds_known_object": own.control,
    }


@pytest.mark.parametrize(
    "name",
    ["postgres", "{prefix}ds_job", "{prefix}ds_readers", "pg_read_all_data", "{prefix}_reader", "{prefix}X_reader",
     "{prefix}a b_reader", "{prefix}a\"b_reader", "{prefix}" + "a" * 60 + "_reader"],
)  # fmt: skip
def test_the_functions_make_no_role_of_another_kind_of_name(merged: Installation, name: str) -> None:
    """A name that is not of a reader of this installation is refused, and no role appears."""
    name = name.format(prefix=merged.roles.prefix)
    with merged.session("apply") as session, session.raw.cursor() as cursor:
        with pytest.raises(psycopg2.errors.InvalidName):
            cursor.execute("SELECT public.ds_make_reader(%s)", [name])
        session.rollback()
        cursor.execute("SELECT count(*) FROM pg_roles WHERE rolname = %s", [name])
        assert cursor.fetchone() == (
            int(name in {"postgres", "pg_read_all_data"} or name.startswith(f"{merged.roles.prefix}ds_")),
        )


def test_somebody_elses_role_is_never_taken(merged: Installation) -> None:
    """A workspace named like an existing login gets no rights over it: `customer` would make customer_reader."""
    with merged.session("apply") as session:
        with pytest.raises(StateError, match=r"customer_reader exists .* not one that this installation made"):
            roles.make_reader_role(session, SCHEMA, merged.roles, "customer")
        session.rollback()


def test_a_wrong_prefix_is_a_state_error(merged: Installation) -> None:
    """A connections file without the installation's prefix, or with another one, is told so."""
    other = roles.Roles("other_" if not merged.roles.prefix else "")
    with merged.session("apply") as session:
        if merged.roles.prefix:
            with pytest.raises(StateError, match=r"merge\.role_prefix"):
                roles.make_reader_role(session, SCHEMA, other, "Consumer1")
        else:
            assert roles.make_reader_role(session, SCHEMA, other, "Consumer1") == "other_consumer1_reader"
        session.rollback()


def test_a_database_without_the_functions_is_a_state_error(merged: Installation) -> None:
    """A merge database that `init` has not seen is named, with the command."""
    with merged.session("admin", "source") as session, pytest.raises(StateError, match="datasurface init"):
        roles.make_reader_role(session, SCHEMA, merged.roles, "Consumer1")


def test_names_longer_than_an_identifier_get_their_roles(merged: Installation) -> None:
    """Platforms and workspaces with names that have to be cut get roles of the names that the plan knows."""
    long_name = "A name of a workspace that is much longer than any identifier of PostgreSQL"
    with merged.session("apply") as session:
        reader = roles.make_reader_role(session, SCHEMA, merged.roles, long_name)
        owner = roles.make_platform_role(session, SCHEMA, merged.roles, long_name)
        with roles.acting_as(session, owner):
            execute(session, "CREATE TABLE public.t (id text)")
        assert len(reader.encode()) <= 63
        session.rollback()


def test_the_generated_credentials_are_closed_to_others(template: Template) -> None:
    """Directories are 0700 and files 0600, and each holds the name of its role."""
    directories: list[Path] = sorted(template.credentials.iterdir())

    assert len(directories) == 8
    for directory in directories:
        assert directory.stat().st_mode & 0o777 == 0o700
        assert {file.stat().st_mode & 0o777 for file in directory.iterdir()} == {0o600}
        assert (directory / "username").read_text() == f"{template.roles.named(directory.name)}\n"


def test_passwords_are_kept_as_scram_verifiers(merged: Installation) -> None:
    """No login's password is stored in another form."""
    with merged.session("admin") as session, session.raw.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT rolname FROM pg_authid WHERE rolcanlogin AND rolname = ANY (%s) AND rolpassword !~ %s"),
            [[login.name for login in merged.template.credentials.iterdir()], "^SCRAM-SHA-256"],
        )
        assert cursor.fetchall() == []
