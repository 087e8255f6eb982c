"""The simulator as a pod that starts before its source does, and how such a pod shows that it is alive."""

import os
import signal
import time

import pytest
from psycopg2 import sql

FAST = ["--min-interval", "0", "--max-interval", "0"]
PATIENT = [*FAST, "--max-changes", "3", "--wait-seconds", "60"]


def wait_until(is_so, seconds: float = 20) -> None:
    """Until a condition holds."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def first_line(process) -> str:
    """The first line of stderr."""
    return process.stderr.readline()


@pytest.mark.row("P08")
def test_tables_that_come_later_are_waited_for(empty_source, start):
    """Started before the tables are made: one line that says so, one when it goes on, then exactly the changes."""
    process = start(*empty_source.options(), *PATIENT)
    assert "there is no table customers" in first_line(process)
    time.sleep(1.2)
    empty_source.make_tables()
    output, errors = process.communicate(timeout=30)

    assert process.returncode == 0, errors
    assert errors.startswith("the source is there, after ")
    assert errors.count("\n") == 1
    assert output.splitlines()[-1].startswith("3 changes (")


@pytest.mark.row("P08")
def test_login_and_database_that_come_later_are_waited_for(source, start, tmp_path):
    """An initialisation makes the login first and its rights later; until then the server refuses it."""
    login = f"late_writer_{os.getpid()}"
    (tmp_path / "late").write_text("sesame")
    where = source.options()[:-4]
    process = start(*where, "--user", login, "--password-file", str(tmp_path / "late"), *PATIENT)
    try:
        assert login in first_line(process)
        name = sql.Identifier(login)
        source.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'sesame'").format(name))
        source.execute(sql.SQL("GRANT ALL ON customers, addresses TO {}").format(name))
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 0, errors
        assert "sesame" not in errors
    finally:
        source.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(sql.Identifier(login)))


@pytest.mark.row("P08", kind="refusal")
@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid"])
def test_server_that_does_not_come_is_an_error_in_the_end(start, host):
    """Exit status 1 when the time is over; the same reason is logged once."""
    process = start("--host", host, "--port", "1", "--user", "someone", *FAST, "--wait-seconds", "3")
    output, errors = process.communicate(timeout=30)

    assert process.returncode == 1
    assert errors.count("waiting for at most ") == 1
    assert errors.splitlines()[-1].startswith("Error: cannot connect to database customer_db on ")
    assert "Traceback" not in output + errors


@pytest.mark.row("P08")
@pytest.mark.parametrize("more", [[], ["--create-tables"]], ids=["tables awaited", "tables to make"])
def test_signal_ends_the_wait_for_a_source_at_once(start, more):
    """SIGTERM while it waits: exit status 0 within a moment."""
    process = start("--host", "127.0.0.1", "--port", "1", "--user", "someone", "--wait-seconds", "600", *more)
    first_line(process)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=10)

    assert process.returncode == 0
    assert time.monotonic() - began < 3
    assert output.splitlines()[-1].startswith("0 changes (")


@pytest.mark.row("P08")
def test_alive_file_is_touched_while_it_waits_for_anything(source, start, tmp_path):
    """Between two changes that are far apart, and before the source is there, the file stays young."""
    alive = {name: tmp_path / name for name in ("working", "waiting")}
    start(*source.options(), "--min-interval", "600", "--max-interval", "600", "--alive-file", str(alive["working"]))
    start("--port", "1", "--user", "a", "--wait-seconds", "600", "--alive-file", str(alive["waiting"]))
    wait_until(lambda: all(path.exists() for path in alive.values()))
    for path in alive.values():
        os.utime(path, (0, 0))

    wait_until(lambda: all(path.stat().st_mtime > 0 for path in alive.values()))


@pytest.mark.row("P08", kind="refusal")
def test_alive_file_that_cannot_be_written_is_an_error(source, start):
    """A probe that could never hold is found at once."""
    process = start(*source.options(), *FAST, "--max-changes", "1", "--alive-file", "/proc/alive")
    _, errors = process.communicate(timeout=30)

    assert process.returncode == 1
    assert "/proc/alive" in errors
