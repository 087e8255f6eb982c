"""The whole plan of an ecosystem: what the databases shall hold, as data."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from datasurface.model import codec
from datasurface.model.collection_pause import without_collection
from datasurface.model.ecosystem import Ecosystem
from datasurface.model.mapping import PlatformMapping
from datasurface.yellow.plan.dag_config import DagRow, dag_rows
from datasurface.yellow.plan.fingerprint import fingerprint
from datasurface.yellow.plan.installation import Installation
from datasurface.yellow.plan.placements import placements
from datasurface.yellow.plan.platforms import PlatformPlan, platform_plans
from datasurface.yellow.plan.streams import StreamPlan, stream_plans
from datasurface.yellow.plan.tables import column_plans
from datasurface.yellow.plan.views import ViewPlan, view_columns, view_plans

__all__ = ["DagRow", "EcosystemPlan", "plan_document", "plan_ecosystem", "plan_from_document"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EcosystemPlan:
    """Everything that a model asks for, sorted by name, so that equal models give equal plans.

    `workspaces` are all of the model's, also those without a view yet: each has a reader role. `plan_hash` is of
    everything else.
    """

    ecosystem: str
    platforms: Sequence[PlatformPlan]
    streams: Sequence[StreamPlan]
    views: Sequence[ViewPlan]
    workspaces: Sequence[str]
    dags: Sequence[DagRow]
    plan_hash: str
    v: int = 1


def plan_ecosystem(
    ecosystem: Ecosystem, mapping: PlatformMapping, installation: Installation | None = None
) -> EcosystemPlan:
    """What the model asks for, where the mapping puts it, as the installation runs it.

    Without an installation no row becomes a DAG. A model that lint refuses is planned as far as it makes sense.
    """
    with without_collection():
        return _planned(ecosystem, mapping, installation)


def _planned(ecosystem: Ecosystem, mapping: PlatformMapping, installation: Installation | None) -> EcosystemPlan:
    placed = placements(ecosystem, mapping)
    datasets = {(each.store.name, each.dataset.name): each.dataset for each in placed}
    columns = {names: column_plans(dataset) for names, dataset in datasets.items()}
    shown = {names: view_columns(kept) for names, kept in columns.items()}
    streams = stream_plans(placed, columns)
    plan = EcosystemPlan(
        ecosystem=ecosystem.name,
        platforms=platform_plans(ecosystem),
        streams=streams,
        views=view_plans(placed, shown),
        workspaces=tuple(sorted({workspace.name for _, workspace in ecosystem.workspaces()})),
        dags=dag_rows(ecosystem, streams, installation),
        plan_hash="",
    )
    return replace(plan, plan_hash=fingerprint(plan))


def plan_document(plan: EcosystemPlan) -> dict[str, Any]:
    """The JSON form of a plan."""
    document: dict[str, Any] = codec.encode(plan)
    return document


def plan_from_document(document: object) -> EcosystemPlan:
    """The plan that plan_document wrote. Raises codec.InvalidDocument."""
    return codec.decode(EcosystemPlan, document)
