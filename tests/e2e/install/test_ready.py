"""`helm install` brings everything up in time, and without restarts."""

from __future__ import annotations

import pytest

from tests.e2e.harness.installation import Installation, wait_ready
from tests.e2e.harness.measurements import Measurements


@pytest.mark.row("K02")
def test_ready_in_time_without_restarts(started: Installation, measurements: Measurements) -> None:
    """Everything stands within the promised time, and next to nothing was started twice."""
    seconds = wait_ready(started)
    if started.began_at is None:
        pytest.skip("the installation is an earlier run's")
    restarts = started.release.restarts()
    measurements.record("ready", seconds)
    measurements.record("restarts", sum(restarts.values()), ", ".join(restarts))
