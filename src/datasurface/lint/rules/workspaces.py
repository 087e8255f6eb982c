"""Workspaces and platforms: a group is served by a platform that can, and its views have names of their own."""

from collections.abc import Iterator
from typing import Final

from datasurface.lint.context import LintContext, Served, mapping_path
from datasurface.lint.report import Severity
from datasurface.lint.rule import Problem, rule
from datasurface.model.mapping import DeprecationsAllowed
from datasurface.model.platforms import MilestoneStrategy

#: What a history view adds to the dataset's columns.
HISTORY_COLUMNS: Final = frozenset({"valid_from_batch", "valid_to_batch", "valid_from", "valid_to"})


@rule("DS701")
def platform_keeps_history(context: LintContext) -> Iterator[Problem]:
    """A group that needs history is on a platform that keeps it."""
    for served in context.served:
        if _is_forensic(served) and served.platform.milestone_strategy is not MilestoneStrategy.BATCH_MILESTONED:
            yield Problem(
                served.path,
                f"needs every version (BATCH_MILESTONED), but {mapping_path(served.assignment.line)} puts it on"
                f" {served.platform.name}, which is {served.platform.milestone_strategy.name}",
                "assign a platform with MilestoneStrategy.BATCH_MILESTONED, or require LIVE_ONLY",
            )


@rule("DS702")
def deprecated_sink(context: LintContext) -> Iterator[Problem]:
    """A group uses deprecated data only where its assignment allows it."""
    for served in context.served:
        if served.assignment.deprecations_allowed is DeprecationsAllowed.ALLOWED:
            continue
        for sink, store, dataset in context.known_sinks(served.group):
            reason = dataset.deprecated if store.deprecated is None else store.deprecated
            if reason is not None:
                yield Problem(
                    served.path,
                    f"uses {sink.store}/{sink.dataset}, which is deprecated: {reason[:200]}",
                    f'use another dataset, or set "deprecationsAllowed": "ALLOWED" for {served.platform.name}',
                )


@rule("DS703")
def one_view_per_name(context: LintContext) -> Iterator[Problem]:
    """No two sinks of a workspace give views of the same name."""
    first: dict[str, str] = {}
    for served in context.served:
        for sink, _, _ in context.known_sinks(served.group):
            source = f"{served.group.name}: {sink.store}/{sink.dataset}"
            for view in _views(served, sink.dataset):
                known = first.setdefault(view, source)
                if known != source:
                    yield Problem(
                        served.path,
                        f'the view "{view}" would show both {known} and {source}',
                        "rename a group or a dataset, or put the sinks into groups of different names",
                    )


@rule("DS704")
def history_columns(context: LintContext) -> Iterator[Problem]:
    """No column of a dataset with a history has the name of a column that history views add."""
    told: set[tuple[str, str, str]] = set()
    for served in context.served:
        if not _is_forensic(served):
            continue
        for sink, _, dataset in context.known_sinks(served.group):
            for column in dataset.schema.columns:
                key = (sink.store, sink.dataset, column.name)
                if column.name in HISTORY_COLUMNS and key not in told:
                    told.add(key)
                    yield Problem(
                        served.path,
                        f"needs the history of {sink.store}/{sink.dataset}, whose column {column.name} has the name"
                        " of a column that history views add",
                        "rename the column, or require LIVE_ONLY",
                    )


@rule("DS705")
def one_merge_database(context: LintContext) -> Iterator[Problem]:
    """All platforms write to one merge database."""
    first = next(iter(context.ecosystem.data_platforms), None)
    for platform in context.ecosystem.data_platforms:
        if first is not None and platform.merge_container.name != first.merge_container.name:
            yield Problem(
                f"{context.ecosystem.name}/{platform.name}",
                f'merges into "{platform.merge_container.name}", {first.name} into "{first.merge_container.name}"',
                "an installation has one merge database: give all platforms the same merge_container",
            )


@rule("DS706", severity=Severity.WARNING)
def empty_object(context: LintContext) -> Iterator[Problem]:
    """Stores have datasets and groups have sinks."""
    for path, store in context.ecosystem.stores():
        if not store.datasets:
            yield Problem(path, "the store has no datasets: nothing is captured", "declare datasets, or remove it")
    for path, _, group in context.ecosystem.groups():
        if not group.sinks:
            yield Problem(path, "the group has no sinks: it shows nothing", "add sinks, or remove it")


def _is_forensic(served: Served) -> bool:
    return served.group.requirements.milestone_strategy is MilestoneStrategy.BATCH_MILESTONED


def _views(served: Served, dataset: str) -> tuple[str, ...]:
    """What the names of the views are made of; names that are cut or changed afterwards are the plan's to compare."""
    start = f"{served.platform.name}_{served.workspace}_{served.group.name}_{dataset}".lower()
    return (f"{start}_view", f"{start}_history_view") if _is_forensic(served) else (f"{start}_view",)
