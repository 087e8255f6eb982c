"""A merge database that was away for two minutes: the end."""

from __future__ import annotations

import time

import pytest

from tests.e2e.harness.neighbour import Neighbour
from tests.e2e.harness.sql import SOURCE
from tests.e2e.harness.streams import LIVE, committed
from tests.e2e.harness.waiting import until

AWAY_SECONDS = 120
#: A process that ends with its database is started again, and then waits for it: once or twice, not in a loop.
RESTARTS = 2


@pytest.mark.row("D16", kind="refusal")
@pytest.mark.row("D15", kind="refusal")
@pytest.mark.timeout(500)
def test_no_dag_disappears_and_the_stream_goes_on(neighbour: Neighbour) -> None:
    """From the first answer on Airflow shows every DAG that it had; batches go on without a hand."""
    installation = neighbour.installation
    neighbour.wait_away(AWAY_SECONDS)
    installation.release.scale("statefulset", "postgres", 1)
    until("Airflow's answer", lambda: neighbour.dags <= installation.airflow.dags().keys(), seconds=120)
    before = committed(installation.sql, LIVE)[-1].batch_id
    installation.sql.rows("customer_writer", SOURCE, "UPDATE customers SET phone = 'back' WHERE id = 'CUST001'")
    deadline = time.monotonic() + 240
    while committed(installation.sql, LIVE)[-1].batch_id == before:
        assert time.monotonic() < deadline, "no batch after the outage"
        assert neighbour.dags <= installation.airflow.dags().keys()
        time.sleep(1)
    now = installation.release.restarts()
    more = {name: count - neighbour.restarts.get(name, 0) for name, count in now.items() if "postgres" not in name}
    assert {name: count for name, count in more.items() if count > RESTARTS} == {}
