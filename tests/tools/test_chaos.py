"""What the chaos test judges by: its oracle, its table, its proxy."""

import contextlib
import socket
import threading
from collections import Counter

import pytest

from datasurface.yellow.engine.batch.crash_points import CrashPoint
from datasurface.yellow.engine.difference.delta import Counts
from tests.chaos.faults import FAULTS
from tests.chaos.histogram import Histogram
from tests.chaos.oracle import Versions, net_change
from tests.chaos.proxy import Proxy
from tests.chaos.staged_faults import STAGED_FAULTS


def test_net_change_counts_keys_once_and_rows_without_a_key_each():
    """A key with another row is an update; without a key the old row left and the new one came."""
    before, now = Counter([(1, "a"), (2, "b"), (3, "c")]), Counter([(1, "a"), (2, "other"), (4, "d")])

    assert net_change("accounts", before, now) == Counts(inserted=1, updated=1, deleted=1, total=3)
    assert net_change("notes", before, now) == Counts(inserted=2, updated=0, deleted=2, total=3)


def test_version_of_a_row_that_left_and_came_back_has_a_gap():
    """A version is closed with the batch before the one that took it away, and an unchanged row keeps its batch."""
    versions = Versions()
    for batch_id, rows in enumerate(([("a",), ("b",), ("b",)], [("a",), ("b",)], [("a",), ("b",), ("b",)]), start=1):
        versions.apply(batch_id, Counter(rows))

    assert versions.present() == Counter([(1, ("a",)), (1, ("b",)), (3, ("b",))])
    assert versions.closed == Counter([(1, 1, ("b",))])


def test_table_fits_100_columns_and_counts_only_what_struck_inside_a_batch():
    """Also with every kind and thousands of faults; what struck before or after a batch is shown and not counted."""
    histogram = Histogram([*FAULTS, *STAGED_FAULTS])
    for kind in histogram.kinds:
        for point in CrashPoint:
            for _ in range(1000):
                histogram.add(kind, point, "failed", 0.1)

    assert max(map(len, histogram.lines())) <= 100
    assert histogram.counted == 1000 * len(histogram.kinds) * (len(CrashPoint) - 2)


@pytest.fixture
def echo():
    """The port of a server that sends back what it gets, for one connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection, contextlib.suppress(ConnectionError):
                while block := connection.recv(100):
                    connection.sendall(block)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(5)


def test_proxy_passes_on_falls_silent_loses_answers_and_ends(echo):
    """What is said into silence arrives later; a lost answer never does; a reset is one."""
    with Proxy(echo) as proxy, socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as client:
        client.sendall(b"one")
        assert client.recv(100) == b"one"
        proxy.silence()
        client.sendall(b"two")
        client.settimeout(0.05)
        with pytest.raises(TimeoutError):
            client.recv(100)
        client.settimeout(5)
        proxy.heal()
        assert client.recv(100) == b"two"
        proxy.lose_answers()
        client.sendall(b"three")
        client.settimeout(0.05)
        with pytest.raises(TimeoutError):
            client.recv(100)
        client.settimeout(5)
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            client.recv(100)
