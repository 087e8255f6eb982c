"""The simulator is a value: on and off by `helm upgrade --set`, and nothing else of the release changes."""

from __future__ import annotations

import pytest

from tests.e2e.harness.installation import Installation
from tests.e2e.harness.sql import SOURCE
from tests.e2e.harness.waiting import until

STATE = (
    "SELECT md5(string_agg(t::text, ',' ORDER BY id)) FROM"
    " (SELECT id, customers::text AS t FROM customers UNION ALL SELECT id, addresses::text FROM addresses) AS every"
)
FAST = ("simulator.minIntervalSeconds=0.2", "simulator.maxIntervalSeconds=0.5")


def state(installation: Installation) -> str:
    """A digest of all rows of the source."""
    return str(installation.sql.value("customer_writer", SOURCE, STATE))


def is_the_simulators(name: str) -> bool:
    """Whether an object of a release, as Kind/name, belongs to the simulator."""
    return "simulator" in name


@pytest.mark.row("P08")
def test_on_and_off_by_a_value(installation: Installation) -> None:
    """On: the source changes. Off: it stands still. Both times exactly the simulator's objects come or go."""
    release = installation.release
    before = release.objects()
    assert not any(map(is_the_simulators, before))
    quiet = state(installation)

    release.upgrade("simulator.enabled=true", *FAST)
    try:
        release.wait_ready(seconds=90)
        on = release.objects()
        assert {name: each for name, each in on.items() if not is_the_simulators(name)} == before
        assert any(name.startswith("Deployment/") for name in on.keys() - before.keys())
        until("a change of the source", lambda: state(installation) != quiet, seconds=60)
    finally:
        release.upgrade("simulator.enabled=false")
    assert release.objects() == before
    release.wait_gone("simulator")


@pytest.mark.row("P08", kind="refusal")
def test_off_means_that_nothing_changes_the_source(installation: Installation) -> None:
    """Without a simulator no row moves."""
    assert installation.release.pods("simulator") == []
    first = state(installation)
    with pytest.raises(AssertionError):
        until("a change of the source", lambda: state(installation) != first, seconds=5)
