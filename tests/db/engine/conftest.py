"""Streams for the engine's tests."""

from collections.abc import Callable

import pytest

from datasurface.dsl import MilestoneStrategy
from datasurface.yellow.plan.streams import StreamPlan
from tests.db.streams import Stream, deploy

LIVE = MilestoneStrategy.LIVE_ONLY
FORENSIC = MilestoneStrategy.BATCH_MILESTONED


@pytest.fixture
def deployed(installation) -> Callable[..., Stream]:
    """Deploy a stream: `deployed(plan, "CREATE TABLE …", …)` with the source's statements."""

    def make(plan: StreamPlan, *source: str) -> Stream:
        return deploy(installation, plan, *source)

    return make


@pytest.fixture(params=[LIVE, FORENSIC], ids=["live", "forensic"])
def strategy(request) -> MilestoneStrategy:
    """Both ways of keeping rows."""
    strategy: MilestoneStrategy = request.param
    return strategy
