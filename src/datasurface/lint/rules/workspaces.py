"""Workspaces and platforms: a group is served by a platform that can, and gets what it may use."""

from collections.abc import Iterator

from datasurface.lint.context import LintContext, Served, mapping_path
from datasurface.lint.report import Severity
from datasurface.lint.rule import Problem, rule
from datasurface.model.mapping import DeprecationsAllowed
from datasurface.model.platforms import MilestoneStrategy


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


@rule("DS704", severity=Severity.WARNING)
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
