"""A release whose PostgreSQL comes two minutes late: the end."""

from __future__ import annotations

import pytest

from tests.e2e.harness.neighbour import Neighbour
from tests.e2e.harness.streams import PLATFORMS, SEED_ROWS, view_counts
from tests.e2e.harness.waiting import until

AWAY_SECONDS = 120


@pytest.mark.row("K06", kind="refusal")
@pytest.mark.row("K02", kind="refusal")
@pytest.mark.timeout(500)
def test_nothing_crashed_while_the_database_was_away(neighbour: Neighbour) -> None:
    """After two minutes every pod still waits in its first life; with the database all of it comes up."""
    release = neighbour.installation.release
    neighbour.wait_away(AWAY_SECONDS)
    assert release.pods("postgres")[0].status.phase == "Pending"
    assert release.restarts() == {}
    neighbour.provide_storage()
    release.wait_ready(seconds=240)
    assert release.restarts() == {}


def test_the_second_release_works_beside_the_first(neighbour: Neighbour) -> None:
    """Its own consumer sees its own rows."""
    sql = neighbour.installation.sql
    until(
        "13 rows in both",
        lambda: all(view_counts(sql, platform) == SEED_ROWS for platform in PLATFORMS),
        seconds=150,
        passing=(Exception,),
    )
