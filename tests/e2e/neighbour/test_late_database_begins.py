"""A release whose PostgreSQL does not start, because its volume has no class of storage: the beginning."""

from __future__ import annotations

from tests.e2e.harness.neighbour import Neighbour
from tests.e2e.harness.waiting import until


def test_a_second_release_waits_for_its_database(neighbour: Neighbour) -> None:
    """PostgreSQL stays pending; the other pods run and wait for it."""
    release = neighbour.installation.release
    until("pods", lambda: release.pods("airflow") and release.pods("postgres"), seconds=30)
    assert release.pods("postgres")[0].status.phase == "Pending"
