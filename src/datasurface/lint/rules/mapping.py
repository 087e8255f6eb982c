"""The platform mapping: it names what exists, each thing once, and leaves no group out.

The file itself is read by the loader, which makes the findings of the rules declared here.
"""

from collections.abc import Iterator
from typing import Final

from datasurface.lint.context import MAPPING_FILE, LintContext, mapping_path
from datasurface.lint.rule import Problem, declare, rule

MISSING: Final = declare("DS306", "mapping-file", f"The model has a {MAPPING_FILE} beside its eco.py.")
NO_JSON: Final = declare("DS307", "mapping-json", f"{MAPPING_FILE} is JSON in UTF-8.")
SHAPE: Final = declare("DS308", "mapping-shape", f"{MAPPING_FILE} is a list of groups with their assignments.")
VALUE: Final = declare("DS309", "mapping-value", "Fields of the mapping file have one of their values.")


@rule("DS301")
def mapped_platform(context: LintContext) -> Iterator[Problem]:
    """The mapping names platforms of the model."""
    for entry in context.mapping.groups:
        for assignment in entry.assignments:
            if assignment.data_platform not in context.platforms:
                hint = context.suggestion(assignment.data_platform, context.platforms)
                yield Problem(
                    mapping_path(assignment.line or entry.line),
                    f'names platform "{assignment.data_platform}", which does not exist{hint}',
                    "correct dataPlatform, or declare the platform",
                )


@rule("DS302")
def mapped_group(context: LintContext) -> Iterator[Problem]:
    """The mapping names workspaces and groups of the model."""
    workspaces = {workspace: [g for w, g in context.groups if w == workspace] for workspace in _mapped(context)}
    for entry in context.mapping.groups:
        if (entry.workspace, entry.group) in context.groups:
            continue
        groups = workspaces.get(entry.workspace, [])
        if groups:
            hint = context.suggestion(entry.group, groups)
            message = f'names group "{entry.group}", which workspace {entry.workspace} does not have{hint}'
        else:
            hint = context.suggestion(entry.workspace, {workspace for workspace, _ in context.groups})
            message = f'names workspace "{entry.workspace}", which does not exist or has no groups{hint}'
        yield Problem(mapping_path(entry.line), message, "correct the entry or remove it")


@rule("DS303")
def mapped_once(context: LintContext) -> Iterator[Problem]:
    """The mapping has one entry per group."""
    for (workspace, group), entries in context.assigned.items():
        for entry in entries[1:]:
            yield Problem(
                mapping_path(entry.line),
                f"is another entry for {workspace}/{group}, after {mapping_path(entries[0].line)}",
                "put all assignments of the group into one entry",
            )


@rule("DS304")
def assigned_once(context: LintContext) -> Iterator[Problem]:
    """A group is assigned to a platform once."""
    for entry in context.mapping.groups:
        seen: set[str] = set()
        for assignment in entry.assignments:
            if assignment.data_platform in seen:
                yield Problem(
                    mapping_path(assignment.line or entry.line),
                    f"assigns {entry.workspace}/{entry.group} to {assignment.data_platform} once more",
                    "keep one assignment with the status that holds",
                )
            seen.add(assignment.data_platform)


@rule("DS305")
def group_is_mapped(context: LintContext) -> Iterator[Problem]:
    """Every group has an assignment."""
    if not context.mapping.groups and not context.mapping_is_whole:
        return
    for path, workspace, group in context.ecosystem.groups():
        entries = context.assigned.get((workspace.name, group.name), ())
        is_empty = context.mapping_is_whole and not any(entry.assignments for entry in entries)
        if not entries or is_empty:
            yield Problem(
                path,
                f"no platform serves the group: {MAPPING_FILE} has no assignment for it",
                f'add an entry with "workspace": "{workspace.name}", "dsgName": "{group.name}" and a platform',
            )


def _mapped(context: LintContext) -> set[str]:
    return {entry.workspace for entry in context.mapping.groups if (entry.workspace, entry.group) not in context.groups}
