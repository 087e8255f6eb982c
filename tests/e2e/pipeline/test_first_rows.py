"""The first rows reach the consumer's views by themselves, soon after the installation stands."""

from __future__ import annotations

import time

import pytest

from tests.e2e.harness.installation import Installation
from tests.e2e.harness.measurements import Measurements
from tests.e2e.harness.sql import SOURCE
from tests.e2e.harness.streams import (
    DATASETS,
    FORENSIC,
    LIVE,
    PLATFORMS,
    SEED_ROWS,
    SOURCE_ROWS,
    view_counts,
    view_rows,
)
from tests.e2e.harness.waiting import until


@pytest.mark.row("V06", "I16", "M02")
def test_the_seed_is_in_both_views_within_two_minutes_of_ready(
    installation: Installation, measurements: Measurements
) -> None:
    """13 rows in the live and in the forensic views, read with the consumer's own login: no stream waits for cron."""
    until(
        "13 rows in both",
        lambda: all(view_counts(installation.sql, platform) == SEED_ROWS for platform in PLATFORMS),
        seconds=150,
        every_seconds=0.5,
        passing=(Exception,),
    )
    assert installation.ready_at is not None
    if installation.began_at is None:
        pytest.skip("the installation is an earlier run's")
    measurements.record("first_rows", round(time.monotonic() - installation.ready_at, 1))


@pytest.mark.row("V06", "V07")
def test_views_equal_the_source(installation: Installation) -> None:
    """Row by row, with the names of live and forensic views apart."""
    for dataset in DATASETS:
        source = sorted(installation.sql.rows("customer_reader", SOURCE, SOURCE_ROWS[dataset]))
        for platform in PLATFORMS:
            assert sorted(view_rows(installation.sql, platform.view(dataset))) == source
    assert LIVE.view("customers") != FORENSIC.view("customers")
