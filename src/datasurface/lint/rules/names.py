"""Names: what they may be made of, so that they can become tables, DAGs, Kubernetes objects and directories."""

import re
from collections.abc import Iterator
from typing import Final

from datasurface.lint.context import LintContext
from datasurface.lint.rule import Problem, rule
from datasurface.model.locations import Location

#: Identifiers that are longer are cut by PostgreSQL without a word.
MAX_COLUMN_BYTES: Final = 63
#: Two names and a separator make the key of a stream, which has 255 characters.
MAX_NAME_CHARACTERS: Final = 100
METADATA_PREFIX: Final = "ds_surf_"
SYSTEM_COLUMNS: Final = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})

_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_ -]*[A-Za-z0-9_-])?")
_INSTALLATION_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


@rule("DS101")
def object_name(context: LintContext) -> Iterator[Problem]:
    """Names of objects are letters, digits, `_`, `-` and spaces, and begin with a letter or digit."""
    for path, name in _object_names(context):
        if not _NAME.fullmatch(name):
            yield Problem(
                path,
                f'the name "{name[:MAX_NAME_CHARACTERS]}" has a character that tables and DAGs cannot carry',
                "use letters (A to Z), digits, _, - and spaces, beginning and ending with no space",
            )


@rule("DS102")
def name_length(context: LintContext) -> Iterator[Problem]:
    """Names of objects have at most 100 characters."""
    for path, name in _object_names(context):
        if len(name) > MAX_NAME_CHARACTERS:
            yield Problem(
                path,
                f"the name has {len(name)} characters",
                f"shorten it to {MAX_NAME_CHARACTERS} characters or fewer",
            )


@rule("DS103")
def column_name(context: LintContext) -> Iterator[Problem]:
    """Names of columns have at most 63 bytes, no control characters and are not taken by PostgreSQL or the platform."""
    for path, _, dataset in context.ecosystem.datasets():
        for column in dataset.schema.columns:
            problem = _column_problem(column.name)
            if problem is not None:
                yield Problem(f"{path}/{column.name}", *problem)


@rule("DS104")
def source_name(context: LintContext) -> Iterator[Problem]:
    """Names of source tables, schemas and databases have 1 to 63 bytes and no control characters."""
    for path, container in context.containers:
        yield from _source_problems(path, "database", container.database)
    for path, store in context.ecosystem.stores():
        yield from _source_problems(path, "schema", store.capture.schema)
        for dataset_name, table in store.capture.tables.items():
            yield from _source_problems(f"{path}/{dataset_name}", "table", table)
        for dataset in store.datasets:
            if dataset.name not in store.capture.tables:
                yield from _source_problems(f"{path}/{dataset.name}", "table", dataset.name)
    for path, workspace in context.ecosystem.workspaces():
        if workspace.consumer_database is not None:
            yield from _source_problems(path, "consumer_database", workspace.consumer_database)


@rule("DS105")
def installation_name(context: LintContext) -> Iterator[Problem]:
    """Names of containers and credentials can be file names: letters, digits, `_`, `-`, `.`, at most 63."""
    named = [(path, "container", container.name) for path, container in context.containers]
    named += [(path, "credential", credential.name) for path, credential in context.credentials]
    for path, kind, name in named:
        if not _INSTALLATION_NAME.fullmatch(name):
            yield Problem(
                path,
                f'the {kind} "{name[:MAX_NAME_CHARACTERS]}" cannot be the name of a directory or secret',
                "use letters (A to Z), digits, _, - and ., beginning with a letter or digit, at most 63",
            )


def _object_names(context: LintContext) -> Iterator[tuple[str, str]]:
    ecosystem = context.ecosystem
    yield ecosystem.name, ecosystem.name
    for vendor in ecosystem.vendors:
        yield f"{ecosystem.name}/{vendor.name}", vendor.name
        for location in vendor.locations:
            yield from _location_names(f"{ecosystem.name}/{vendor.name}", location)
    for platform in ecosystem.data_platforms:
        yield f"{ecosystem.name}/{platform.name}", platform.name
    for zone in ecosystem.zones:
        yield f"{ecosystem.name}/{zone.name}", zone.name
    for zone, team in ecosystem.teams():
        yield f"{ecosystem.name}/{zone.name}/{team.name}", team.name
    yield from ((path, store.name) for path, store in ecosystem.stores())
    yield from ((path, dataset.name) for path, _, dataset in ecosystem.datasets())
    yield from ((path, workspace.name) for path, workspace in ecosystem.workspaces())
    yield from ((path, group.name) for path, _, group in ecosystem.groups())


def _location_names(parent: str, location: Location) -> Iterator[tuple[str, str]]:
    path = f"{parent}/{location.name}"
    yield path, location.name
    for inner in location.locations:
        yield from _location_names(path, inner)


def _is_taken(name: str) -> bool:
    return name.lower().startswith(METADATA_PREFIX) or name in SYSTEM_COLUMNS


def _column_problem(name: str) -> tuple[str, str] | None:
    if len(name) <= MAX_COLUMN_BYTES and name.isascii() and name.isidentifier() and not _is_taken(name):
        return None  # nearly every column of a large model
    size = len(name.encode())
    if size > MAX_COLUMN_BYTES:
        return f"the name has {size} bytes, PostgreSQL keeps {MAX_COLUMN_BYTES}", "shorten it, in the source as well"
    if not _is_plain(name):
        return "the name has a control character", "rename the column"
    if name in SYSTEM_COLUMNS:
        return f'"{name}" is a system column of every PostgreSQL table', "rename the column"
    if _is_taken(name):
        return f"names that begin with {METADATA_PREFIX} are the platform's own", "rename the column"
    return None


def _source_problems(path: str, kind: str, name: str) -> Iterator[Problem]:
    if not name or len(name.encode()) > MAX_COLUMN_BYTES or not _is_plain(name):
        yield Problem(
            path,
            f"the {kind} has a name of {len(name.encode())} bytes"
            if _is_plain(name)
            else f"the name of the {kind} has a control character",
            f"write the {kind} as PostgreSQL names it: 1 to {MAX_COLUMN_BYTES} bytes, no control characters",
        )


def _is_plain(name: str) -> bool:
    return not any(character < " " or character == "\x7f" for character in name)
