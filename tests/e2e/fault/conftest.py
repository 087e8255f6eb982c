"""Both streams stand well before each fault."""

from __future__ import annotations

import pytest

from tests.e2e.harness.installation import Installation
from tests.e2e.harness.proofs import caught_up
from tests.e2e.harness.streams import LIVE, PLATFORMS


@pytest.fixture(autouse=True)
def sound(installation: Installation) -> None:
    """Both streams stand well before a fault."""
    for platform in PLATFORMS:
        installation.airflow.pause(platform.dag_id, is_paused=False)
    caught_up(installation, LIVE, seconds=150)
