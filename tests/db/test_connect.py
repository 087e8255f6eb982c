"""Sessions: the same settings everywhere, one transaction for both faces, errors without data."""

import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import sql

from datasurface.connections import Endpoint, Login
from datasurface.errors import DatasurfaceError, ModelError, TransientError
from datasurface.yellow.engine import connect, database_errors
from datasurface.yellow.engine.connect import CANONICAL_SETTINGS, Purpose, Session
from tests.db.false_pooler import pooler
from tests.db.installation import Installation

SECRET = "Zx9-secret"


def scalar(session: Session, query: str, *values: object) -> object:
    """The one value that a query gives."""
    with session.raw.cursor() as cursor:
        cursor.execute(query, values or None)
        row = cursor.fetchone()
    assert row is not None
    return row[0]


def opened(endpoint: Endpoint, login: Login, purpose: Purpose = Purpose.MERGE) -> Session:
    """A session for a test that closes it itself."""
    return connect.open_session(endpoint, login, application_name="test", purpose=purpose)


@pytest.mark.parametrize(("who", "read_only"), [("customer_reader", "on"), ("job", "off"), ("admin", "off")])
def test_every_session_has_the_canonical_settings(installation: Installation, who: str, read_only: str) -> None:
    """Sessions of all purposes show the constant's settings, outside of a transaction, whatever the database's own."""
    admin = installation.session("admin", "source" if who == "customer_reader" else "merge")
    database = sql.Identifier(admin.endpoint.database)
    with admin.raw.cursor() as cursor:
        for setting in (
            "DateStyle = 'German'",
            "statement_timeout = 5000",
            "row_security = on",
            "lc_monetary = 'C.UTF-8'",
        ):
            cursor.execute(sql.SQL(f"ALTER DATABASE {{}} SET {setting}").format(database))
    admin.commit()

    session = installation.session(who)

    assert not session.in_transaction
    shown = {name: scalar(session, "SELECT current_setting(%s)", name) for name in CANONICAL_SETTINGS}
    assert shown == dict(CANONICAL_SETTINGS) | {"tcp_user_timeout": shown["tcp_user_timeout"]}
    assert shown["tcp_user_timeout"] in {"30000", "30s"}
    assert scalar(session, "SHOW default_transaction_read_only") == read_only
    assert scalar(session, "SHOW client_encoding") == "UTF8"


def test_the_operating_system_watches_the_peer(installation: Installation) -> None:
    """The client's socket carries keepalives of 10/5/3 seconds and a user timeout of 30 seconds."""
    session = installation.session("job")

    with socket.socket(fileno=session.raw.fileno()) as sock:
        options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
        values = [sock.getsockopt(socket.IPPROTO_TCP, option) for option in options]
        sock.detach()

    assert values == [10, 5, 3, 30_000]


def test_leaving_the_block_rolls_back_and_closes(installation: Installation) -> None:
    """What was not committed is gone, and the connection with it."""
    with opened(installation.endpoint(), installation.server.login) as session, session.raw.cursor() as cursor:
        cursor.execute("CREATE TABLE public.lost (a integer)")

    assert session.raw.closed
    assert scalar(installation.session("admin"), "SELECT to_regclass('public.lost')") is None


def test_a_snapshot_sees_nothing_of_later_commits_and_writes_nothing(installation: Installation) -> None:
    """Reads of a snapshot repeat, writes are refused, and the transaction after it is an ordinary one again."""
    writer, reader = installation.session("admin"), installation.session("admin")
    with writer.raw.cursor() as cursor:
        cursor.execute("CREATE TABLE public.t AS SELECT 1 AS a")
    writer.commit()

    reader.begin_snapshot()
    with writer.raw.cursor() as cursor:
        cursor.execute("INSERT INTO public.t VALUES (2)")
    writer.commit()
    assert scalar(reader, "SELECT count(*) FROM public.t") == 1
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        scalar(reader, "DELETE FROM public.t RETURNING a")
    reader.rollback()

    assert scalar(reader, "DELETE FROM public.t RETURNING a") == 1


def test_a_snapshot_inside_a_transaction_is_refused(installation: Installation) -> None:
    """A snapshot taken late would not be the one that the caller thinks it is."""
    session = installation.session("job")
    scalar(session, "SELECT 1")

    with pytest.raises(RuntimeError, match="in a transaction already"):
        session.begin_snapshot()


def test_a_source_cannot_be_written(installation: Installation) -> None:
    """A session of a source refuses writes even where the login may write."""
    session = opened(installation.endpoint("source"), installation.server.login, Purpose.SOURCE)

    with session, pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        scalar(session, "CREATE TABLE public.t (a integer)")


def test_cancel_from_another_thread_ends_the_statement_at_once(installation: Installation) -> None:
    """A running statement stops within moments and reports a transient error."""
    session = installation.session("job")
    timer = threading.Timer(0.2, session.cancel)
    timer.start()
    began_at = time.monotonic()

    with pytest.raises(TransientError, match="57014 query_canceled"), database_errors.reporting("sleeping"):
        scalar(session, "SELECT pg_sleep(30)")

    timer.join()
    assert time.monotonic() - began_at < 5


def refused(endpoint: Endpoint, login: Login) -> DatasurfaceError:
    """The error of a session that cannot be opened."""
    with pytest.raises(DatasurfaceError) as caught:
        opened(endpoint, login).close()
    assert caught.value.__cause__ is None
    return caught.value


def test_a_wrong_password_is_a_model_error(installation: Installation) -> None:
    """The message names user and database, says where to look and does not hold the password."""
    login = Login(username=installation.login("job").username, password=SECRET)

    error = refused(installation.endpoint(), login)

    assert isinstance(error, ModelError)
    assert "28P01" in str(error)
    assert login.username in str(error)
    assert "files `username` and `password`" in str(error)
    assert SECRET not in str(error)


def test_an_unknown_user_is_a_model_error(installation: Installation) -> None:
    """The server does not tell an unknown user from a wrong password."""
    assert isinstance(refused(installation.endpoint(), Login(username="nobody_at_all", password="x")), ModelError)


@pytest.mark.row("I08", kind="refusal")
def test_a_missing_database_is_transient_and_names_the_command(installation: Installation) -> None:
    """A merge database that is not there yet is waited for; the message names it and how it is made."""
    error = refused(installation.server.endpoint("not_there"), installation.server.login)

    assert isinstance(error, TransientError)
    assert "not_there" in str(error)
    assert "3D000" in str(error)
    assert "datasurface init" in str(error)


def test_a_server_that_is_down_and_an_unknown_host_are_transient() -> None:
    """Neither a refused connection nor a name that does not resolve is the model's fault."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        down = refused(Endpoint(host="127.0.0.1", port=port, database="x"), Login(username="u", password=SECRET))
    unknown = refused(Endpoint(host="host.invalid", port=5432, database="x"), Login(username="u", password=SECRET))

    assert isinstance(down, TransientError)
    assert f"x on 127.0.0.1:{port}" in str(down)
    assert isinstance(unknown, TransientError)
    assert "host.invalid" in str(unknown)


def test_a_server_that_goes_away_is_transient(installation: Installation) -> None:
    """The statement after the end of the server's process fails as a lost connection, and closing stays quiet."""
    session = installation.session("job")
    pid = scalar(session, "SELECT pg_backend_pid()")
    scalar(installation.session("admin"), "SELECT pg_terminate_backend(%s, 5000)", pid)

    with pytest.raises(TransientError), database_errors.reporting("reading"):
        scalar(session, "SELECT 1")
    session.rollback()
    session.close()


def test_ending_a_session_whose_server_is_gone_raises_nothing(
    installation: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    """Rolling back and closing after a crash must not hide the error that came before, nor log one of its own."""
    admin = installation.session("admin")
    for end in (Session.rollback, Session.close):
        session = opened(installation.endpoint(), installation.server.login)
        scalar(admin, "SELECT pg_terminate_backend(%s, 5000)", scalar(session, "SELECT pg_backend_pid()"))

        end(session)
        session.close()
        session.close()
    assert caplog.records == []


def fill(statement: str) -> Callable[[Session], None]:
    """A step that runs one statement."""

    def run(session: Session) -> None:
        with session.raw.cursor() as cursor:
            cursor.execute(statement)

    return run


FAULTS = {
    "22001": (ModelError, "INSERT INTO public.t (short) VALUES ('Zx9-secret')"),
    "22P02": (ModelError, f"SELECT '{SECRET}'::integer"),
    "22008": (ModelError, "SELECT '2020-13-45'::date"),
    "42P01": (ModelError, "SELECT * FROM public.missing"),
    "42703": (ModelError, "SELECT missing FROM public.t"),
    "40P01": (TransientError, "DO $$BEGIN RAISE SQLSTATE '40P01'; END$$"),
    "53200": (TransientError, "DO $$BEGIN RAISE SQLSTATE '53200'; END$$"),
    "57P01": (TransientError, "DO $$BEGIN RAISE SQLSTATE '57P01'; END$$"),
    "55P03": (TransientError, "DO $$BEGIN RAISE SQLSTATE '55P03'; END$$"),
    "23505": (DatasurfaceError, "INSERT INTO public.t VALUES ('Zx9-secret'), ('Zx9-secret')"),
    "23502": (DatasurfaceError, "INSERT INTO public.t VALUES (NULL, 'Zx9')"),
    "P0001": (DatasurfaceError, f"DO $$BEGIN RAISE '{SECRET}'; END$$"),
}


@pytest.mark.parametrize("sqlstate", FAULTS)
def test_sqlstate_decides_the_family_and_no_value_shows(installation: Installation, sqlstate: str) -> None:
    """An error carries SQLSTATE and condition, is of the family of the contract, and holds no value of the data."""
    family, statement = FAULTS[sqlstate]
    session = installation.session("admin")
    fill("CREATE TABLE public.t (key text PRIMARY KEY, short varchar(3))")(session)

    with pytest.raises(DatasurfaceError) as caught, database_errors.reporting("filling t"):
        fill(statement)(session)

    assert type(caught.value) is family
    assert re.match(rf"filling t: .*{sqlstate} [a-z_]+", str(caught.value))
    assert SECRET[:3] not in str(caught.value)
    assert "2020" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_broken_constraint_is_named_with_its_table(installation: Installation) -> None:
    """Of an error whose text may hold a row, the table and the constraint are left."""
    session = installation.session("admin")
    fill("CREATE TABLE public.t (key text PRIMARY KEY)")(session)

    with (
        pytest.raises(DatasurfaceError, match=r"\(table public\.t, constraint t_pkey\)$"),
        database_errors.reporting("x"),
    ):
        fill("INSERT INTO public.t VALUES ('a'), ('a')")(session)


def test_a_copy_that_loses_its_server_is_transient(installation: Installation) -> None:
    """The driver reports a COPY cut in the middle without SQLSTATE; it is a lost connection all the same."""
    session = installation.session("job")
    pid = scalar(session, "SELECT pg_backend_pid()")
    admin = installation.session("admin")

    class Ending:
        def write(self, block: str) -> None:
            scalar(admin, "SELECT pg_terminate_backend(%s, 0)", pid)

    with (
        pytest.raises(TransientError),
        database_errors.reporting("copying"),
        session.raw.cursor() as cursor,
    ):
        cursor.copy_expert("COPY (SELECT repeat('x', 1000) FROM generate_series(1, 100000)) TO STDOUT", Ending())


def test_the_password_is_in_no_process_list_and_no_environment(installation: Installation) -> None:
    """While a session is open, neither arguments nor environment of its process hold the password, nor does its DSN."""
    program = (
        "import sys, pathlib; from datasurface.connections import load_connections; "
        "from datasurface.yellow.engine import connect; "
        "c = load_connections(pathlib.Path(sys.argv[1])); e, l = c.merge('job'); "
        "s = connect.open_session(e, l, application_name='t', purpose=connect.Purpose.MERGE); "
        "print(repr(s), repr(l), s.raw.dsn, repr(s.raw), flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(installation.connections_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed = process.stdout.readline()
        seen = [Path(f"/proc/{process.pid}/{name}").read_text() for name in ("cmdline", "environ")]
        process.communicate()

    password = installation.login("job").password
    assert installation.endpoint().database in printed
    assert all(password not in text for text in (printed, *seen))


def test_pooled_connection_of_a_source_has_the_settings_in_snapshots_alone(installation: Installation) -> None:
    """What a session leaves behind reaches the pool's other clients, whom a read-only connection would fail."""
    with pooler(installation) as port:
        endpoint = replace(installation.endpoint("source"), port=port)
        with opened(endpoint, installation.login("customer_reader"), Purpose.SOURCE) as session:
            asked = "SELECT name FROM pg_catalog.pg_settings WHERE source = 'session' AND name = ANY (%s)"
            with session.raw.cursor() as cursor:
                cursor.execute(asked, [["jit", "IntervalStyle", "default_transaction_read_only"]])
                assert cursor.fetchall() == []
            session.rollback()

            session.begin_snapshot()
            found = {
                name: scalar(session, "SELECT pg_catalog.current_setting(%s)", name) for name in CANONICAL_SETTINGS
            }
            assert found | {"lock_timeout": "0"} == dict(CANONICAL_SETTINGS) | {
                name: found[name] for name in found if name.startswith("tcp_")
            }
            session.rollback()
            assert scalar(session, "SELECT pg_catalog.current_setting('default_transaction_read_only')") == "off"
