"""Lost connections: no change is lost, none is made or counted twice, whatever the moment."""

import json
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import psycopg2
import pytest

from data_change_simulator import ConnectionFailed, ConnectionParameters, Simulator, net_changes
from data_change_simulator.errors import reason
from data_change_simulator.queries import QUERIES

LONGEST_TEST_SECONDS = 30


class FaultyNetwork:
    """A relay to the server that fails once, at the commit number `at_commit`, in the way `fault` says.

    `request lost`: COMMIT does not reach the server. `answer lost`: it does, the answer does not come back.
    `late`: the client's connection breaks, and COMMIT reaches the server a second later.
    """

    def __init__(self, server: ConnectionParameters, fault: str, at_commit: int) -> None:
        self._server = (server.host, server.port)
        self._fault = fault
        self._commits_to_go = at_commit
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def refuse(self) -> None:
        """Take no more connections; those that are there go on."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join(LONGEST_TEST_SECONDS)
        self._listener.close()

    def close(self) -> None:
        """Take no more connections, and wait until those that are there have ended with their client."""
        if self._listener.fileno() >= 0:
            self.refuse()
        for thread in self._threads:
            thread.join(LONGEST_TEST_SECONDS)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._relay, args=(client,))
            self._threads.append(thread)
            thread.start()

    def _relay(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._server) as server:
            while True:
                readable, _, _ = select.select([client, server], [], [])
                for here in readable:
                    data = here.recv(65536)
                    if not data:
                        return
                    if here is client and b"COMMIT" in data:
                        self._commits_to_go -= 1
                        if self._commits_to_go == 0:
                            self._fail(client, server, data)
                            return
                    (server if here is client else client).sendall(data)

    def _fail(self, client: socket.socket, server: socket.socket, data: bytes) -> None:
        if self._fault == "late":
            client.close()
            time.sleep(1)
        if self._fault != "request lost":
            server.sendall(data)
            server.recv(65536)


@contextmanager
def faulty_network(server: ConnectionParameters, fault: str, at_commit: int) -> Iterator[ConnectionParameters]:
    """The parameters of a way to the server that fails once."""
    network = FaultyNetwork(server, fault, at_commit)
    try:
        yield replace(server, host="127.0.0.1", port=network.port)
    finally:
        network.close()


def logged_run(simulator, changes, on_change=lambda change: None):
    """Run that many changes; the summary and the log's lines."""
    lines: list[str] = []

    def note(change):
        lines.append(change.to_json())
        on_change(change)

    return simulator.run(changes, on_change=note), lines


def contents(lines):
    """The log without the times."""
    return [json.loads(line) | {"at": None} for line in lines]


@pytest.fixture
def undisturbed(new_source):
    """What a run of that many changes with seed 11 writes when nothing goes wrong: log and rows."""

    def run(changes):
        source = new_source()
        source.make_tables()
        _, lines = logged_run(Simulator(source.parameters, seed=11), changes)
        return contents(lines), source.state()

    return run


@pytest.mark.row("P06")
@pytest.mark.parametrize("fault", ["request lost", "answer lost", "late"])
def test_commit_without_answer_counts_once_if_it_arrived(source, undisturbed, fault):
    """A COMMIT whose answer never came: asked for after reconnecting, made again only if it did not arrive."""
    with faulty_network(source.parameters, fault, at_commit=5) as parameters:
        summary, lines = logged_run(Simulator(parameters, seed=11), 12)

    assert (summary.changes, summary.reconnects) == (12, 1)
    assert (contents(lines), source.state()) == undisturbed(12)


@pytest.mark.row("P06")
@pytest.mark.timeout(LONGEST_TEST_SECONDS)
def test_server_restarted_in_mid_run_loses_and_doubles_nothing(private_server, source, undisturbed):
    """The server crashes and recovers twice under a run: exactly the wanted number, each as if nothing had happened."""
    if private_server is None:
        pytest.skip("the server of DATASURFACE_TEST_DSN is not ours to restart")
    before = source.state()
    under_way = threading.Semaphore(0)

    def restart() -> None:
        for _ in range(2):
            under_way.acquire()
            private_server.restart()

    restarts = threading.Thread(target=restart)
    restarts.start()
    summary, lines = logged_run(
        Simulator(source.parameters, seed=11),
        200,
        lambda change: under_way.release() if change.n in {40, 120} else None,
    )
    restarts.join()

    assert summary.changes == len(lines) == 200
    assert summary.reconnects >= 1
    assert (contents(lines), source.state()) == undisturbed(200)
    after = source.state()
    changed = {
        (table, key)
        for table in before
        for key in before[table].keys() | after[table].keys()
        if before[table].get(key) != after[table].get(key)
    }
    assert {(table, key) for table, keys in net_changes(lines).items() for key in keys} == changed
    assert source.broken_references() == []


@pytest.mark.row("P06")
def test_run_stopped_while_the_server_is_away_ends_at_once(source):
    """stop() reaches a run that waits for the server; what it cannot know of the last commit it says."""
    network = FaultyNetwork(source.parameters, "request lost", at_commit=3)
    simulator = Simulator(replace(source.parameters, host="127.0.0.1", port=network.port), seed=11)
    stopper = threading.Timer(1, simulator.stop)
    stopper.start()

    def cut_off(change):
        if change.n == 2:
            network.refuse()

    summary, _ = logged_run(simulator, 0, cut_off)
    network.close()

    assert summary.changes == 2
    assert summary.is_last_change_in_doubt
    assert summary.elapsed_seconds < 5


@pytest.mark.row("P06")
def test_rows_locked_by_somebody_else_are_waited_for(source, monkeypatch):
    """A lock held longer than one attempt delays the change and does not end the run."""
    monkeypatch.setitem(QUERIES, "limit_waiting", "SELECT set_config('lock_timeout', '100ms', true)")
    with closing(source.parameters.connect()) as other, other.cursor() as cursor:
        cursor.execute("LOCK TABLE customers, addresses IN ACCESS EXCLUSIVE MODE")
        release = threading.Timer(0.5, other.rollback)
        release.start()
        summary, _ = logged_run(Simulator(source.parameters, seed=11), 3)
        release.join()

    assert summary.changes == 3
    assert summary.elapsed_seconds > 0.5


@pytest.mark.row("P05")
def test_two_simulators_share_a_database(source):
    """Both commit their number, their ids never collide, references hold, and both logs together account for all."""
    before = source.state()
    lines: list[str] = []
    runs = [
        threading.Thread(
            target=Simulator(source.parameters, seed=seed).run,
            args=(100, 0, 0, lambda change: lines.append(change.to_json())),
        )
        for seed in (1, 2)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()

    assert len(lines) == 200
    assert source.broken_references() == []
    after = source.state()
    inserted = {key for table in after for key in after[table].keys() - before[table].keys()}
    net = net_changes(lines)
    assert {key for keys in net.values() for key, kind in keys.items() if kind == "inserted"} == inserted


@pytest.mark.row("P06", kind="refusal")
def test_first_connection_is_not_waited_for(source):
    """A wrong address is an error at once, and names it."""
    with closing(socket.create_server(("127.0.0.1", 0))) as unused:
        port = unused.getsockname()[1]
    parameters = replace(source.parameters, host="127.0.0.1", port=port)

    for attempt in (Simulator(parameters).create_tables, lambda: Simulator(parameters).run(1)):
        with pytest.raises(ConnectionFailed, match=rf"cannot connect to database \w+ on 127.0.0.1:{port} as .*refused"):
            attempt()


@pytest.mark.row("P06", kind="refusal")
def test_password_shows_in_no_text(source):
    """Neither the parameters' repr nor their text nor an error has the password."""
    parameters = replace(source.parameters, password="not-the-right-one")

    assert "not-the-right-one" not in f"{parameters!r} {parameters}"
    if source.parameters.password:
        with pytest.raises(ConnectionFailed, match="password authentication failed") as failed:
            Simulator(parameters).run(1)
        assert "not-the-right-one" not in str(failed.value)


def test_error_of_the_server_is_told_in_one_line():
    """The reason has no detail, no context, no line end."""
    assert reason(psycopg2.OperationalError("could not connect\n\tIs the server running?")) == "could not connect"
    assert reason(psycopg2.InterfaceError()) == "InterfaceError"
