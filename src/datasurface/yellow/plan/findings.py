"""What only the plan can see: names that differ in the model and would be one in a database, in Airflow or Kubernetes.

A finding stands at the later of two objects, in the order of their names, and says what has the name already. The rules
are declared in `datasurface.lint.rules.physical_names`, so that docs/lint.md has a row for each.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Final

from datasurface.lint.report import Finding
from datasurface.lint.rules import physical_names
from datasurface.model.ecosystem import Ecosystem
from datasurface.model.mapping import PlatformMapping
from datasurface.yellow.plan import claims, names
from datasurface.yellow.plan.claims import Claim, Paths
from datasurface.yellow.plan.placements import Placement, placements
from datasurface.yellow.plan.views import HISTORY_COLUMNS, ViewKind, view_kinds

#: PostgreSQL makes no role whose name begins so.
RESERVED_PREFIX: Final = "pg_"
#: Roles of every installation that a reader could be taken for.
INSTALLATION_ROLES: Final = ("customer_reader",)


def findings(ecosystem: Ecosystem, mapping: PlatformMapping) -> list[Finding]:
    """Every finding about physical names, in a fixed order; empty where no two things would be one."""
    paths = claims.paths_of(ecosystem)
    platforms = sorted({platform.name for platform in ecosystem.data_platforms})
    workspaces = sorted(paths.workspaces)
    # Of two platforms or workspaces that would be one everything else would be one, too, which need not be said again.
    apart = _first_of(platforms, names.platform_name)
    consumers = _first_of(workspaces, lambda workspace: names.reader_role("", workspace))
    placed = [
        each
        for each in placements(ecosystem, mapping)
        if each.platform.name in apart and each.workspace.name in consumers
    ]
    found = [
        *_clashes(claims.platforms(platforms, paths)),
        *_clashes(claims.readers(workspaces, paths)),
        *_reserved_roles(platforms, workspaces, paths),
        *_clashes(_relations(apart, placed, paths)),
        *_clashes(claims.dags(apart, placed, paths)),
        *_covered_columns(placed, paths),
    ]
    return list(dict.fromkeys(found))


def _first_of(of: Iterable[str], physical: Callable[[str], str]) -> Collection[str]:
    """The names without those that give the physical name of an earlier one."""
    first: dict[str, str] = {}
    for name in of:
        first.setdefault(physical(name), name)
    return dict.fromkeys(first.values())


def _relations(platforms: Iterable[str], placed: Sequence[Placement], paths: Paths) -> Iterator[Claim]:
    """Tables and views share one space of names."""
    yield from claims.control(platforms, paths)
    yield from claims.tables(placed, paths)
    yield from claims.views(placed, paths)


def _clashes(claimed: Iterable[Claim]) -> Iterator[Finding]:
    first: dict[str, Claim] = {}
    for claim in claimed:
        holder = first.setdefault(claim.name, claim)
        if holder.owner != claim.owner:
            yield claim.rule.finding(
                claim.path,
                f"{claim.owner} would have the name {claim.name}, which {holder.owner} has",
                "rename one of the two",
            )


def _reserved_roles(platforms: Iterable[str], workspaces: Iterable[str], paths: Paths) -> Iterator[Finding]:
    """Roles that PostgreSQL refuses, or that mean something else; a prefix of the installation's would hide both."""
    for platform in platforms:
        role = names.tables_role("", platform)
        if role.startswith(RESERVED_PREFIX):
            yield physical_names.ROLES.finding(
                paths.platform(platform),
                f"the role {role} of platform {platform} begins with {RESERVED_PREFIX}, as only PostgreSQL's own may",
                "rename the platform",
            )
    for workspace in workspaces:
        role = names.reader_role("", workspace)
        if role.startswith(RESERVED_PREFIX) or role in INSTALLATION_ROLES:
            yield physical_names.ROLES.finding(
                paths.workspaces[workspace],
                f"the role {role} of workspace {workspace} is PostgreSQL's or the installation's own",
                "rename the workspace",
            )


def _covered_columns(placed: Iterable[Placement], paths: Paths) -> Iterator[Finding]:
    """Columns of a dataset that are named like one that its history view adds."""
    for each in placed:
        if ViewKind.HISTORY not in view_kinds(each):
            continue
        for column in each.dataset.schema.columns:
            if column.name in HISTORY_COLUMNS:
                yield physical_names.HISTORY.finding(
                    f"{paths.dataset(each)}/{column.name}",
                    f"the history view of {each.workspace.name}/{each.group.name} adds a column of the same name",
                    "rename the column, or ask for the dataset in a group without history",
                )
