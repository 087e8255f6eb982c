"""Cancelling: a statement stops, and a server that does not answer holds up nobody but whoever asks it."""

import os
import subprocess
import sys
import threading
import time

import psycopg2.errors
import pytest

from datasurface.yellow.engine import cancelling

#: A proxy in a process of its own: it falls silent when told so, and comes back when told again or after 5 s.
PROXY = """
import select, sys
from tests.chaos.proxy import Proxy
with Proxy(int(sys.argv[1])) as proxy:
    print(proxy.port, flush=True)
    sys.stdin.readline()
    proxy.silence()
    print("silent", flush=True)
    select.select([sys.stdin], [], [], 5)
    proxy.heal()
"""


@pytest.fixture
def proxy(server):
    """The process; its first line is the port."""
    command = [sys.executable, "-c", PROXY, str(server.endpoint().port)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": os.getcwd()}
    ) as process:
        yield process
        process.kill()


def connected(server, port: int):
    return psycopg2.connect(
        host="127.0.0.1", port=port, user=server.login.username, password=server.login.password, dbname="postgres"
    )


def test_driver_lets_itself_be_asked_without_its_lock():
    """On Linux the one libpq of the process is found; else cancelling falls back to the driver's own way."""
    assert cancelling._loaded_libpq() is not None


def test_running_statement_is_cancelled(server):
    """From another thread, while the connection waits."""
    with connected(server, server.endpoint().port) as connection, connection.cursor() as cursor:
        canceller = cancelling.Canceller(connection)
        timer = threading.Timer(0.2, canceller.cancel)
        timer.start()
        with pytest.raises(psycopg2.errors.QueryCanceled):
            cursor.execute("SELECT pg_sleep(30)")
        timer.join()
    connection.close()
    canceller.cancel()


def test_silent_server_holds_up_nobody_but_who_asks_it(server, proxy):
    """The process goes on, so it hears of signals and reports, as long as the server says nothing."""
    connection = connected(server, int(proxy.stdout.readline()))
    canceller = cancelling.Canceller(connection)
    proxy.stdin.write("fall silent\n")
    proxy.stdin.flush()
    assert proxy.stdout.readline() == "silent\n"
    asking = threading.Thread(target=canceller.cancel)

    asking.start()
    for _ in range(10):
        time.sleep(0.01)

    assert asking.is_alive()
    proxy.stdin.write("answer\n")
    proxy.stdin.flush()
    asking.join(10)
    assert not asking.is_alive()
    connection.close()
