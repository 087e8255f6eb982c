"""One golden file per kind of thing planned; `make golden` writes them anew."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from datasurface.dsl import Consistency
from datasurface.model import codec
from datasurface.yellow.plan.ecosystem_plan import EcosystemPlan
from tests.unit.conftest import Golden
from tests.unit.plan.landscapes import captured, ecosystem, installation, plan

SINGLE = ecosystem(stores=[captured(Consistency.SINGLE_DATASET)])

#: What each file holds, taken from the plan of the demo's landscape.
KINDS: dict[str, Callable[[], object]] = {
    "platform": lambda: plan().platforms[1],
    "table": lambda: plan().streams[1].tables[1],
    "stream_multi_dataset": lambda: plan().streams[1],
    "stream_single_dataset": lambda: plan(SINGLE).streams[3],
    "view_current": lambda: plan().views[5],
    "view_history": lambda: plan().views[2],
    "dag_row_active": lambda: plan(installed=installation()).dags[1],
    "dag_row_inactive": lambda: plan().dags[1],
}


@pytest.mark.row("D10")
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_thing_is_planned_as_its_golden_file_says(kind: str, golden: Golden) -> None:
    """The whole JSON form of one thing of each kind."""
    golden(f"{kind}.json", codec.dumps(KINDS[kind](), indent=2) + "\n")


def test_a_whole_landscape_is_planned_as_its_golden_file_says(golden: Golden) -> None:
    """The whole JSON form of a plan, its hash included."""
    whole: EcosystemPlan = plan(installed=installation())

    golden("ecosystem_plan.json", codec.dumps(whole, indent=2) + "\n")
