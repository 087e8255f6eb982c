"""What tests of the bundle ask of its folder."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from datasurface.runtime.dags.bundle import StreamBundle
from datasurface.yellow.plan import names

ROWS = names.airflow_dsg("YellowLive")
STORE_FILE = "yellowlive_factory_dag__Store1.py"
FIXED = {"yellowlive_infrastructure_dag.py", "datasurface_housekeeping_dag.py"}
#: How Airflow tells a parse that a task wants one DAG. Its own way of setting it leaves it set.
WANTED_DAG = "_AIRFLOW_PARSING_CONTEXT_DAG_ID"
MakeBundle = Callable[..., StreamBundle]


def files(bundle: StreamBundle) -> set[str]:
    """The names of the files that Airflow finds."""
    return {path.name for path in bundle.path.glob("*.py")}


def held(bundle: StreamBundle, name: str = STORE_FILE) -> dict[str, Any]:
    """The configs that a file holds, by DAG id."""
    tree = ast.parse((bundle.path / name).read_text())
    literal = next(each.value for each in tree.body if isinstance(each, ast.Assign))
    found: dict[str, Any] = ast.literal_eval(literal)
    return found
