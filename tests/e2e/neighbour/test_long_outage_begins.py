"""A merge database that goes away for two minutes: the beginning."""

from __future__ import annotations

import time

from tests.e2e.harness.neighbour import Neighbour


def test_the_database_goes_away(neighbour: Neighbour) -> None:
    """Airflow shows its DAGs; then PostgreSQL is gone."""
    release = neighbour.installation.release
    neighbour.dags = set(neighbour.installation.airflow.dags())
    neighbour.restarts = release.restarts()
    assert neighbour.dags
    release.scale("statefulset", "postgres", 0)
    release.wait_gone("postgres", seconds=90)
    neighbour.away_since = time.monotonic()
