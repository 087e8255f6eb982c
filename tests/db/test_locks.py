"""Session locks: one holder, freed by its end, never behind a pooler."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import psycopg2
import pytest

from datasurface.errors import StateError
from datasurface.yellow.engine import connect, locks
from datasurface.yellow.engine.connect import Purpose
from tests.db.false_pooler import pooler
from tests.db.installation import Installation

RUN = locks.run_lock("yellowlive", "Store1")


def test_only_one_session_gets_a_lock(installation: Installation) -> None:
    """The second session is told at once; after unlock the lock is its own."""
    first, second = installation.session("job"), installation.session("job")

    assert locks.try_lock(first, RUN)
    assert not locks.try_lock(second, RUN)
    assert (locks.holds(first, RUN), locks.holds(second, RUN)) == (True, False)
    locks.unlock(first, RUN)
    assert locks.try_lock(second, RUN)


@pytest.mark.parametrize(
    "other",
    [
        locks.run_lock("yellowforensic", "Store1"),
        locks.run_lock("yellowlive", "Store1#customers"),
        locks.look_lock("yellowlive", "Store1"),
        locks.run_id_lock("yellowlive", "Store1", "run-1"),
        locks.MERGE_LOCK,
    ],
    ids=str,
)
def test_locks_of_other_names_do_not_meet(installation: Installation, other: locks.LockRef) -> None:
    """Kind, platform and key each tell locks apart."""
    first, second = installation.session("job"), installation.session("job")

    assert locks.try_lock(first, RUN)
    assert locks.try_lock(second, other)
    assert not locks.holds(second, RUN)


def test_a_lock_survives_rollback_and_leaves_the_transaction_as_it_was(installation: Installation) -> None:
    """Taking a lock neither opens nor ends a transaction, and rolling back does not free it."""
    session = installation.session("job")

    assert locks.try_lock(session, RUN)
    assert not session.in_transaction
    with session.raw.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert locks.holds(session, RUN)
    assert session.in_transaction
    session.rollback()
    assert locks.holds(session, RUN)


def test_a_waiter_gets_the_lock_when_it_is_freed(installation: Installation) -> None:
    """A wait ends with success once the holder lets go."""
    first, second = installation.session("job"), installation.session("job")
    assert locks.try_lock(first, RUN)
    timer = threading.Timer(0.3, locks.unlock, [first, RUN])
    timer.start()

    assert locks.lock(second, RUN, timeout_seconds=10)
    timer.join()


def test_a_wait_ends_after_its_timeout(installation: Installation) -> None:
    """A lock that stays taken is given up, in about the time that was asked for."""
    first, second = installation.session("job"), installation.session("job")
    assert locks.try_lock(first, RUN)
    began_at = time.monotonic()

    assert not locks.lock(second, RUN, timeout_seconds=0.3)
    assert 0.3 <= time.monotonic() - began_at < 2


def test_unlocking_what_is_not_held_is_a_state_error(installation: Installation) -> None:
    """Losing a lock unnoticed would mean that another job worked at the same time."""
    with pytest.raises(StateError, match="run lock yellowlive Store1 was not held"):
        locks.unlock(installation.session("job"), RUN)


def test_the_block_frees_only_what_it_got(installation: Installation) -> None:
    """A block that did not get the lock leaves it with its holder; one that did frees it."""
    first, second = installation.session("job"), installation.session("job")

    with locks.held(first, RUN) as first_has_it:
        with locks.held(second, RUN) as second_has_it:
            assert (first_has_it, second_has_it) == (True, False)
        assert locks.holds(first, RUN)
    assert not locks.holds(first, RUN)


def test_the_block_frees_its_lock_after_a_failed_statement(installation: Installation) -> None:
    """The statement's error comes out as it was, and a failed transaction does not keep the lock."""
    session = installation.session("job")

    with pytest.raises(psycopg2.errors.DivisionByZero), locks.held(session, RUN), session.raw.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")
    assert not locks.holds(session, RUN)


def test_a_killed_holder_frees_its_lock(installation: Installation) -> None:
    """After SIGKILL of the process that holds it, the lock can be had within moments."""
    program = (
        "import sys, pathlib; from datasurface.connections import load_connections; "
        "from datasurface.yellow.engine import connect, locks; "
        "c = load_connections(pathlib.Path(sys.argv[1])); e, l = c.merge('job'); "
        "s = connect.open_session(e, l, application_name='t', purpose=connect.Purpose.MERGE); "
        "print(locks.try_lock(s, locks.run_lock('yellowlive', 'Store1')), flush=True); sys.stdin.read()"
    )
    session = installation.session("job")
    command = [sys.executable, "-c", program, str(installation.connections_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        assert not locks.try_lock(session, RUN)
        os.kill(process.pid, signal.SIGKILL)

    assert locks.lock(session, RUN, timeout_seconds=10)


def test_the_server_itself_is_no_pooler(installation: Installation) -> None:
    """A direct connection passes."""
    locks.refuse_pooler(installation.session("job"))


def test_a_pooler_is_refused(installation: Installation) -> None:
    """A connection whose process id is not the server's own is refused, with what to do."""
    with pooler(installation) as port:
        endpoint = replace(installation.endpoint(), port=port)
        session = connect.open_session(
            endpoint, installation.login("job"), application_name="test", purpose=Purpose.MERGE
        )
        with session, pytest.raises(StateError, match="address of the server itself"):
            locks.refuse_pooler(session)
