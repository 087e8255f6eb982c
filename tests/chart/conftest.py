"""Every test of renderings runs over all cells of values."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.chart import rendering
from tests.chart.cells import CELLS
from tests.chart.rendering import Rendering


@pytest.fixture(params=sorted(CELLS))
def rendered(request: pytest.FixtureRequest) -> Rendering:
    """The objects of one cell after the other."""
    return CELLS[request.param].render()


@pytest.fixture
def refusal() -> Callable[[dict[str, object]], str]:
    """Gives what Helm says to bad values, and fails where it takes them."""

    def refuse(values: dict[str, object]) -> str:
        with pytest.raises(rendering.Refused) as refused:
            rendering.render(values)
        return str(refused.value)

    return refuse
