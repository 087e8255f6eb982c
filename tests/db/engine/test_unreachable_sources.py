"""Sources that cannot be reached or read: away, locked, with another password, without a right, behind a policy."""

import json
import socket
from collections.abc import Iterator

import pytest
from psycopg2 import sql

from datasurface.errors import ExitStatus, ModelError, TransientError
from datasurface.yellow.engine import connect
from tests.db.engine.two_items import failure, loaded
from tests.db.streams import Stream


@pytest.fixture
def stream(deployed) -> Stream:
    """A stream of two items, loaded."""
    return loaded(deployed)


def test_missing_database_is_transient(stream):
    """A database can be on its way; the next run tries again, and no failed batch alerts yet."""
    _readdress(stream, database="no_such_database")

    message = failure(stream, TransientError)

    assert 'database "no_such_database" does not exist' in message
    assert stream.batch(2) is None


def test_server_that_is_away_is_transient(stream):
    """A refused connection names the address; the run can be tried again."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        _readdress(stream, port=nobody.getsockname()[1])

        with pytest.raises(TransientError, match=r"connecting to .*customer_reader: ") as caught:
            stream.run()

    assert caught.value.exit_status == ExitStatus.TRANSIENT
    assert stream.batch(2) is None
    stream.installation.write_connections()
    assert stream.run().outcome == "unchanged"


def test_table_that_somebody_locks_is_transient(stream, monkeypatch):
    """A source table that is being altered for long is not waited for without end, and nothing is marked as failed."""
    monkeypatch.setattr(connect, "_SNAPSHOT_LOCK_TIMEOUT", "100ms")
    with stream.installation.session("admin", "source") as owner, owner.raw.cursor() as cursor:
        cursor.execute("LOCK TABLE public.items IN ACCESS EXCLUSIVE MODE")
        message = failure(stream, TransientError)

    assert "55P03" in message
    assert stream.batch(2) is None
    assert stream.run().outcome == "unchanged"


def test_host_that_nobody_knows_is_transient(stream):
    """A name can be unknown for a moment while a service starts."""
    _readdress(stream, host="no-such-host.invalid")

    assert "no-such-host.invalid" in failure(stream, TransientError)


def test_wrong_password_is_a_model_error_that_does_not_hold_it(stream):
    """The message says which credential's files to look at; the batch is visible as failed."""
    directory = stream.installation.directory / "wrong"
    directory.mkdir()
    (directory / "username").write_text(stream.installation.login("customer_reader").username)
    (directory / "password").write_text("correct horse battery")
    _recredential(stream, str(directory))

    message = failure(stream, ModelError)

    assert "password authentication failed" in message
    assert "Check the files `username` and `password` of the credential" in message
    assert "horse" not in message + json.dumps(stream.batch(2)["state"])
    stream.installation.write_connections()
    assert stream.run().outcome == "unchanged"


@pytest.fixture
def stranger(stream) -> Iterator[str]:
    """The stream reads as a role of its own, which may connect and nothing else; its name."""
    installation = stream.installation
    source = installation.endpoint("source").database
    name = f"{source}_stranger"
    directory = installation.directory / "stranger"
    directory.mkdir()
    (directory / "username").write_text(name)
    (directory / "password").write_text("stranger-7Kq")
    with installation.session("admin", "source") as session, session.raw.cursor() as cursor:
        role, database = sql.Identifier(name), sql.Identifier(source)
        cursor.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'stranger-7Kq'").format(role))
        cursor.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, role))
        session.commit()
        _recredential(stream, str(directory))
        yield name
        cursor.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(role))
        session.commit()


def test_login_without_a_right_on_the_table_is_a_model_error(stream, stranger):
    """No right is no empty table: the batch fails with the table's name, and heals when the right is there."""
    stream.source(f'GRANT USAGE ON SCHEMA public TO "{stranger}"')

    message = failure(stream, ModelError)

    assert "permission denied for table items" in message
    stream.source(f'GRANT SELECT ON items TO "{stranger}"')
    assert stream.run().outcome == "unchanged"


def test_row_policy_raises_an_error_instead_of_hiding_rows(stream, stranger):
    """A policy on the source would make rows look deleted; the batch fails and every row stays."""
    stream.source(
        f'GRANT USAGE ON SCHEMA public TO "{stranger}"',
        f'GRANT SELECT ON items TO "{stranger}"',
        "CREATE POLICY first_only ON items FOR SELECT USING (id = 1)",
        "ALTER TABLE items ENABLE ROW LEVEL SECURITY",
    )

    assert "row-level security" in failure(stream, ModelError)

    stream.source("ALTER TABLE items DISABLE ROW LEVEL SECURITY")
    assert stream.run().outcome == "unchanged"


def test_column_without_a_right_is_a_model_error(stream, stranger):
    """Rights on some columns alone are not enough, and the error says so."""
    stream.source(f'GRANT USAGE ON SCHEMA public TO "{stranger}"', f'GRANT SELECT (id, name) ON items TO "{stranger}"')

    assert "permission denied for table items" in failure(stream, ModelError)


def _readdress(stream: Stream, **changes: object) -> None:
    """Give the source container another address in the connections file."""
    path = stream.installation.connections_path
    document = json.loads(path.read_text())
    document["containers"]["customer_db"].update(changes)
    path.write_text(json.dumps(document))


def _recredential(stream: Stream, directory: str) -> None:
    path = stream.installation.connections_path
    document = json.loads(path.read_text())
    document["credentials"]["customer_reader"] = {"directory": directory}
    path.write_text(json.dumps(document))
