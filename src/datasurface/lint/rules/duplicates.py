"""Names that occur twice, also where only the case differs: tables, views and DAGs are named in lower case."""

from collections.abc import Iterable, Iterator

from datasurface.lint.context import LintContext
from datasurface.lint.rule import Problem, rule
from datasurface.model.locations import Location


@rule("DS121")
def unique_name(context: LintContext) -> Iterator[Problem]:
    """No two objects of a kind have names that are equal but for their case.

    Stores, workspaces and platforms are unique in the ecosystem, teams in their zone, datasets in their store and
    groups in their workspace.
    """
    ecosystem = context.ecosystem
    root = ecosystem.name
    yield from _repeated("platform", ((f"{root}/{p.name}", p.name) for p in ecosystem.data_platforms))
    yield from _repeated("zone", ((f"{root}/{zone.name}", zone.name) for zone in ecosystem.zones))
    yield from _repeated("store", ((path, store.name) for path, store in ecosystem.stores()))
    yield from _repeated("workspace", ((path, workspace.name) for path, workspace in ecosystem.workspaces()))
    for zone in ecosystem.zones:
        yield from _repeated("team", ((f"{root}/{zone.name}/{team.name}", team.name) for team in zone.teams))
    for path, store in ecosystem.stores():
        yield from _repeated("dataset", ((f"{path}/{dataset.name}", dataset.name) for dataset in store.datasets))
    for path, workspace in ecosystem.workspaces():
        yield from _repeated("group", ((f"{path}/{group.name}", group.name) for group in workspace.groups))


@rule("DS122")
def unique_location(context: LintContext) -> Iterator[Problem]:
    """No vendor and no place is declared twice."""
    root = context.ecosystem.name
    yield from _repeated("vendor", ((f"{root}/{v.name}", v.name) for v in context.ecosystem.vendors))
    for vendor in context.ecosystem.vendors:
        yield from _repeated_locations(f"{root}/{vendor.name}", vendor.locations)


@rule("DS123")
def unique_column(context: LintContext) -> Iterator[Problem]:
    """No two columns of a dataset have names that are equal but for their case."""
    for path, _, dataset in context.ecosystem.datasets():
        columns = dataset.schema.columns
        if len({column.name.lower() for column in columns}) < len(columns):
            yield from _repeated("column", ((f"{path}/{column.name}", column.name) for column in columns))


@rule("DS124")
def unique_sink(context: LintContext) -> Iterator[Problem]:
    """A group asks for each dataset once."""
    for path, _, group in context.ecosystem.groups():
        seen: set[tuple[str, str]] = set()
        for sink in group.sinks:
            if (sink.store, sink.dataset) in seen:
                yield Problem(path, f"asks twice for {sink.store}/{sink.dataset}", "remove one of the two sinks")
            seen.add((sink.store, sink.dataset))


def _repeated(kind: str, named: Iterable[tuple[str, str]]) -> Iterator[Problem]:
    seen: dict[str, tuple[str, str]] = {}
    for path, name in named:
        first_path, first_name = seen.setdefault(name.lower(), (path, name))
        if first_path is path:
            continue
        if name == first_name:
            where = "" if path == first_path else f", the other is {first_path}"
            yield Problem(path, f"two {kind}s have this name{where}", f"rename one {kind}")
        else:
            yield Problem(
                path,
                f'the {kind}s "{first_name}" and "{name}" differ in case alone',
                f"rename one {kind}: physical names are lower case",
            )


def _repeated_locations(parent: str, locations: Iterable[Location]) -> Iterator[Problem]:
    paths = [(f"{parent}/{location.name}", location) for location in locations]
    yield from _repeated("place", ((path, location.name) for path, location in paths))
    for path, location in paths:
        yield from _repeated_locations(path, location.locations)
