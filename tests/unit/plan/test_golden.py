"""One golden file per kind of thing planned; `make golden` writes them anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from datasurface.dsl import Consistency
from datasurface.loader import load
from datasurface.model import codec
from datasurface.yellow.plan.change_summary import summary
from datasurface.yellow.plan.changes import compare
from datasurface.yellow.plan.ecosystem_plan import EcosystemPlan, plan_ecosystem
from tests.conftest import Golden
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


@pytest.fixture(scope="module")
def demo(pytestconfig: pytest.Config) -> EcosystemPlan:
    """The plan of the demo's model."""
    return planned(pytestconfig.rootpath / "models" / "demo")


def planned(model: Path) -> EcosystemPlan:
    """The plan of the model in a directory."""
    loaded = load(model)
    return plan_ecosystem(loaded.ecosystem, loaded.mapping)


@pytest.mark.row("M01", "M10", "I05", "V01")
def test_the_demo_is_planned_as_its_golden_file_says(demo: EcosystemPlan, golden: Golden) -> None:
    """The whole JSON form of the demo's plan, its hash included."""
    golden("demo_plan.json", codec.dumps(demo, indent=2) + "\n")


@pytest.mark.row("M06", "I17")
def test_the_demos_schema_change_is_told_as_its_golden_file_says(
    demo: EcosystemPlan, golden: Golden, pytestconfig: pytest.Config
) -> None:
    """Customers and addresses gain their columns on both platforms, and all views change with them."""
    evolved = planned(pytestconfig.rootpath / "models" / "demo-evolved")

    golden("demo_schema_change.txt", "\n".join(summary(compare(demo, evolved))) + "\n")
