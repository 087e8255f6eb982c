"""How old the live view is: single changes at random moments, timed from commit to sight, over the ends of runs."""

from __future__ import annotations

import math
import random
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from tests.e2e.harness.installation import Installation
from tests.e2e.harness.measurements import Measurements, percentile
from tests.e2e.harness.sql import MERGE, SOURCE
from tests.e2e.harness.streams import LIVE
from tests.e2e.harness.waiting import until

CHANGES = 66
RUN_ENDS = 5
SECONDS = 310.0
INSERT = (
    "INSERT INTO customers (id, firstname, lastname, dob, email, phone) "
    "VALUES (%s, 'Late', 'Comer', '1990-01-01', NULL, %s)"
)
UPDATE = "UPDATE customers SET phone = %s WHERE id = %s"
SEEN = "SELECT phone FROM public.yellowlive_consumer1_livedsg_customers_view WHERE id LIKE 'E2E%'"


@dataclass(frozen=True, kw_only=True, order=True)
class Change:
    """A new row, or another phone number of one, at so many seconds after the beginning; `mark` tells it apart."""

    moment: float
    key: str
    mark: str
    is_new: bool


def schedule(pace: random.Random) -> list[Change]:
    """Rows that come at random moments, each changed once more: later than its coming may take to be seen."""
    changes = []
    for number in range(CHANGES // 2):
        key, first = f"E2E{number:03}", pace.uniform(0, SECONDS - 20)
        changes.append(Change(moment=first, key=key, mark=f"{key} came", is_new=True))
        changes.append(Change(moment=first + pace.uniform(15, 20), key=key, mark=f"{key} changed", is_new=False))
    return sorted(changes)


class Writer(threading.Thread):
    """Makes the changes at their moments; notes when each was committed."""

    def __init__(self, installation: Installation, changes: list[Change]) -> None:
        super().__init__(name="writer", daemon=True)
        self._installation, self._changes = installation, changes
        self.committed_at: dict[str, float] = {}

    def run(self) -> None:
        began = time.monotonic()
        with self._installation.sql.session("customer_writer", SOURCE) as cursor:
            for change in self._changes:
                time.sleep(max(0.0, began + change.moment - time.monotonic()))
                if change.is_new:
                    cursor.execute(INSERT, [change.key, change.mark])
                else:
                    cursor.execute(UPDATE, [change.mark, change.key])
                self.committed_at[change.mark] = time.monotonic()


@pytest.mark.row("I15", "D16")
@pytest.mark.timeout(480)
def test_a_change_is_in_the_live_view_within_ten_seconds(
    installation: Installation, measurements: Measurements
) -> None:
    """The 95th percentile of so many changes, spread over so many ends of runs, keeps the promise."""
    began = datetime.now(UTC)
    writer = Writer(installation, schedule(random.Random(11)))
    writer.start()
    seen_at: dict[str, float] = {}
    with installation.sql.session("consumer1", MERGE) as cursor:
        deadline = time.monotonic() + SECONDS + 60
        while len(seen_at) < CHANGES and time.monotonic() < deadline:
            cursor.execute(SEEN)
            now = time.monotonic()
            for (mark,) in cursor.fetchall():
                seen_at.setdefault(mark, now)
            time.sleep(0.1)
    writer.join()
    assert len(writer.committed_at) == CHANGES
    waits = [seen_at.get(mark, math.inf) - at for mark, at in writer.committed_at.items()]
    ends = run_ends(installation, began)
    assert ends >= RUN_ENDS
    p50, p95 = percentile(waits, 0.5), percentile(waits, 0.95)
    note = f"p50 {p50:.1f} s, max {max(waits):.1f} s, {len(waits)} changes, {ends} run ends"
    measurements.record("latency", round(p95, 2), note)


def run_ends(installation: Installation, since: datetime) -> int:
    """How many runs of the live stream ended since then."""
    runs = until("runs", lambda: installation.airflow.runs(LIVE.dag_id), seconds=30)
    ends = [datetime.fromisoformat(run["end_date"]) for run in runs if run["end_date"]]
    return sum(end > since for end in ends)
