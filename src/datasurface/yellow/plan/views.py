"""The views of a workspace."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from datasurface.model.platforms import MilestoneStrategy
from datasurface.yellow.plan import names
from datasurface.yellow.plan.placements import Placement
from datasurface.yellow.plan.tables import ColumnPlan


class ViewKind(StrEnum):
    """What a view shows: the rows as of the last batch, or every version with its validity."""

    CURRENT = "current"
    HISTORY = "history"


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewColumn:
    """A column of a view: the dataset's name and type."""

    name: str
    sql_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewPlan:
    """One view: which table it shows to whom.

    `is_forensic` says whether the merge table keeps versions. `batch_metrics` and `stream_key` give a history its
    times. `consumer_database` is where the workspace also wants to see it, or None.
    """

    name: str
    kind: ViewKind
    platform: str
    workspace: str
    group: str
    store: str
    dataset: str
    is_forensic: bool
    merge_table: str
    batch_metrics: str
    stream_key: str
    columns: Sequence[ViewColumn]
    consumer_database: str | None = None


#: What a history view shows beside the dataset's columns.
HISTORY_COLUMNS = ("valid_from_batch", "valid_to_batch", "valid_from", "valid_to")


def view_columns(columns: Sequence[ColumnPlan]) -> tuple[ViewColumn, ...]:
    """The columns that a view shows of a dataset; views of one dataset share them."""
    return tuple(ViewColumn(name=column.name, sql_type=column.sql_type) for column in columns)


def view_plans(
    placements: Iterable[Placement], columns: Mapping[tuple[str, str], Sequence[ViewColumn]]
) -> tuple[ViewPlan, ...]:
    """A current view per placement, and a history where group and platform both keep versions; sorted by name."""
    views = [
        _view_plan(placement, kind, columns[placement.store.name, placement.dataset.name])
        for placement in placements
        for kind in view_kinds(placement)
    ]
    return tuple(sorted(views, key=lambda view: (view.name, view.store)))


def view_kinds(placement: Placement) -> tuple[ViewKind, ...]:
    """Which views a placement gives."""
    strategies = {placement.platform.milestone_strategy, placement.group.requirements.milestone_strategy}
    is_forensic = strategies == {MilestoneStrategy.BATCH_MILESTONED}
    return (ViewKind.CURRENT, ViewKind.HISTORY) if is_forensic else (ViewKind.CURRENT,)


def view_name(placement: Placement, kind: ViewKind) -> str:
    """The physical name of the view of `kind` that a placement gives."""
    name_of = {ViewKind.CURRENT: names.view, ViewKind.HISTORY: names.history_view}[kind]
    return name_of(placement.platform.name, placement.workspace.name, placement.group.name, placement.dataset.name)


def _view_plan(placement: Placement, kind: ViewKind, columns: Sequence[ViewColumn]) -> ViewPlan:
    platform = placement.platform
    return ViewPlan(
        name=view_name(placement, kind),
        kind=kind,
        platform=platform.name,
        workspace=placement.workspace.name,
        group=placement.group.name,
        store=placement.store.name,
        dataset=placement.dataset.name,
        is_forensic=platform.milestone_strategy is MilestoneStrategy.BATCH_MILESTONED,
        merge_table=names.merge_table(platform.name, placement.store.name, placement.dataset.name),
        batch_metrics=names.batch_metrics(platform.name),
        stream_key=placement.stream_key,
        columns=columns,
        consumer_database=placement.workspace.consumer_database,
    )
