"""References: what one part of the model names in another has to exist, and addresses have to be addresses."""

import re
from collections.abc import Iterator
from typing import Final

from datasurface.lint.context import LintContext
from datasurface.lint.rule import Problem, rule
from datasurface.model.containers import PostgresDatabase
from datasurface.model.repositories import GitRepository

#: A name, an IPv4 or IPv6 address, or the directory of a server's socket.
_HOST: Final = re.compile(r"/[\w./@-]+|[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?|[0-9A-Fa-f:.]+")
_REPOSITORY: Final = re.compile(r"[A-Za-z0-9_.][\w.-]*(?:/[A-Za-z0-9_.][\w.-]*)+")
_BRANCH: Final = re.compile(r"[A-Za-z0-9_.][\w./+@-]*")
_GIT_HOST: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*(?::\d{1,5})?")


@rule("DS111")
def host_name(context: LintContext) -> Iterator[Problem]:
    """The host of a container is a host name or an address, and nothing else."""
    for path, container in context.containers:
        if not _HOST.fullmatch(container.host):
            yield Problem(
                path,
                f'the host of container "{container.name}" is neither a host name nor an address',
                "write the host alone: port, database and login have fields of their own",
            )


@rule("DS112")
def known_location(context: LintContext) -> Iterator[Problem]:
    """The locations of a container are declared by a vendor."""
    for path, container in context.containers:
        for location in container.locations:
            if location not in context.locations:
                hint = context.suggestion(location, context.locations)
                yield Problem(
                    path,
                    f'container "{container.name}" is in "{location}", which no vendor declares{hint}',
                    'name a declared place as "Vendor:Location/Sublocation", or declare it',
                )


@rule("DS113")
def one_container_per_name(context: LintContext) -> Iterator[Problem]:
    """Containers of one name are one container: an installation replaces their address by it."""
    first: dict[str, tuple[str, PostgresDatabase]] = {}
    for path, container in context.containers:
        first_path, known = first.setdefault(container.name, (path, container))
        if known != container:
            yield Problem(
                path,
                f'container "{container.name}" is another one than that of {first_path}',
                "give both the same address and locations, or different names",
            )


@rule("DS114")
def repository_name(context: LintContext) -> Iterator[Problem]:
    """Repositories are `owner/name` on a host, with a branch, as git can take them."""
    for path, repository in _repositories(context):
        wrong = [
            field
            for field, pattern in (("name", _REPOSITORY), ("branch", _BRANCH), ("host", _GIT_HOST))
            if not pattern.fullmatch(getattr(repository, field)) or ".." in getattr(repository, field)
        ]
        if wrong:
            yield Problem(
                path,
                f"the {' and '.join(wrong)} of the owning repository cannot be right",
                'write GitRepository("owner/name", branch="main", host="github.com"), without https:// and .git',
            )


@rule("DS115")
def table_of_known_dataset(context: LintContext) -> Iterator[Problem]:
    """The tables of a capture belong to datasets of its store."""
    for path, store in context.ecosystem.stores():
        names = {dataset.name for dataset in store.datasets}
        for dataset in store.capture.tables:
            if dataset not in names:
                hint = context.suggestion(dataset, names)
                yield Problem(
                    path,
                    f'capture.tables names dataset "{dataset}", which the store does not have{hint}',
                    "correct the name or remove the entry",
                )


@rule("DS116")
def known_sink(context: LintContext) -> Iterator[Problem]:
    """The store and the dataset of a sink exist."""
    for path, _, group in context.ecosystem.groups():
        for sink in group.sinks:
            store = context.stores.get(sink.store)
            if store is None:
                hint = context.suggestion(sink.store, context.stores)
                yield Problem(
                    path, f'asks for store "{sink.store}", which does not exist{hint}', "correct the sink or remove it"
                )
            elif (sink.store, sink.dataset) not in context.datasets:
                hint = context.suggestion(sink.dataset, [dataset.name for dataset in store.datasets])
                yield Problem(
                    path,
                    f'asks for dataset "{sink.dataset}", which {sink.store} does not have{hint}',
                    "correct the sink or remove it",
                )


def _repositories(context: LintContext) -> Iterator[tuple[str, GitRepository]]:
    ecosystem = context.ecosystem
    yield ecosystem.name, ecosystem.owning_repo
    for zone in ecosystem.zones:
        yield f"{ecosystem.name}/{zone.name}", zone.owning_repo
        for team in zone.teams:
            yield f"{ecosystem.name}/{zone.name}/{team.name}", team.owning_repo
