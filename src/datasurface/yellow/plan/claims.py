"""Who asks for which physical name: the tables, views, DAGs, platforms and roles of a model, with their paths.

It only lists; what two claims to one name mean is `findings`' matter.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields

from datasurface.lint.rule import Rule
from datasurface.lint.rules import physical_names
from datasurface.model.ecosystem import Ecosystem
from datasurface.yellow.plan import names
from datasurface.yellow.plan.placements import Placement
from datasurface.yellow.plan.platforms import control_tables
from datasurface.yellow.plan.views import ViewKind, view_kinds, view_name


@dataclass(frozen=True, slots=True)
class Claim:
    """A physical name, whose it would be, the path of the object that asks for it, and the rule that it may break."""

    name: str
    owner: str
    path: str
    rule: Rule


@dataclass(frozen=True, slots=True)
class Paths:
    """Where things stand in the model: stores and workspaces by name, groups by the names of workspace and group."""

    ecosystem: str
    stores: Mapping[str, str]
    workspaces: Mapping[str, str]
    groups: Mapping[tuple[str, str], str]

    def platform(self, name: str) -> str:
        """The path of a platform."""
        return f"{self.ecosystem}/{name}"

    def dataset(self, placement: Placement) -> str:
        """The path of a dataset."""
        return f"{self.stores[placement.store.name]}/{placement.dataset.name}"

    def sink(self, placement: Placement) -> str:
        """The path of the group that asks for a dataset."""
        return self.groups[placement.workspace.name, placement.group.name]


def paths_of(ecosystem: Ecosystem) -> Paths:
    """The paths of a model; of two objects of one name the first, as it is planned."""
    return Paths(
        ecosystem.name,
        {store.name: path for path, store in reversed(list(ecosystem.stores()))},
        {workspace.name: path for path, workspace in reversed(list(ecosystem.workspaces()))},
        {(workspace.name, group.name): path for path, workspace, group in reversed(list(ecosystem.groups()))},
    )


def platforms(of: Iterable[str], paths: Paths) -> Iterator[Claim]:
    """The labels of platforms."""
    for platform in of:
        yield Claim(
            names.platform_name(platform), f"platform {platform}", paths.platform(platform), physical_names.PLATFORMS
        )


def readers(of: Iterable[str], paths: Paths) -> Iterator[Claim]:
    """The roles of workspaces, in an installation without a prefix."""
    for workspace in of:
        role = names.reader_role("", workspace)
        yield Claim(role, f"the reader of workspace {workspace}", paths.workspaces[workspace], physical_names.READERS)


def control(of: Iterable[str], paths: Paths) -> Iterator[Claim]:
    """The tables that all platforms share, and those that each has for itself."""
    for table in names.COMMON_TABLES:
        yield Claim(table, "a table of every installation", paths.ecosystem, physical_names.TABLES)
    for platform in of:
        tables = control_tables(platform)
        for field in fields(tables):
            owner = f"the table {field.name} of {platform}"
            yield Claim(getattr(tables, field.name), owner, paths.platform(platform), physical_names.TABLES)


def tables(placed: Iterable[Placement], paths: Paths) -> Iterator[Claim]:
    """The merge and staging tables of datasets."""
    for each in placed:
        key = (each.platform.name, each.store.name, each.dataset.name)
        subject = f"table of {each.store.name}/{each.dataset.name} on {each.platform.name}"
        path = paths.dataset(each)
        yield Claim(names.merge_table(*key), f"the merge {subject}", path, physical_names.TABLES)
        yield Claim(names.staging_table(*key), f"the staging {subject}", path, physical_names.TABLES)


def views(placed: Iterable[Placement], paths: Paths) -> Iterator[Claim]:
    """The views of sinks."""
    for each in placed:
        for kind in view_kinds(each):
            word = "history view" if kind is ViewKind.HISTORY else "view"
            owner = (
                f"the {word} of {each.store.name}/{each.dataset.name} for {each.workspace.name}/{each.group.name}"
                f" on {each.platform.name}"
            )
            yield Claim(view_name(each, kind), owner, paths.sink(each), physical_names.VIEWS)


def dags(of: Iterable[str], placed: Iterable[Placement], paths: Paths) -> Iterator[Claim]:
    """The DAGs of platforms and streams. Streams of one key have one DAG id, so that this finds them, too."""
    for platform in of:
        owner = f"the infrastructure DAG of {platform}"
        yield Claim(names.infrastructure_dag_id(platform), owner, paths.platform(platform), physical_names.STREAMS)
    for each in placed:
        subject = f"{each.store.name}/{each.dataset.name}" if each.is_alone else each.store.name
        path = paths.dataset(each) if each.is_alone else paths.stores[each.store.name]
        owner = f"the stream {subject} on {each.platform.name}"
        yield Claim(names.dag_id(each.platform.name, each.stream_key), owner, path, physical_names.STREAMS)
