"""Who may change what: every part of the model has a repository and branch that owns it.

The owner is the one that is deployed, so that nobody can give himself a part. A zone or team is declared, with its
owner, by what stands above it; what it holds is changed from its own repository. Removing one is part of declaring.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from datasurface.errors import UsageError
from datasurface.lint.context import MAPPING_FILE
from datasurface.lint.report import Finding
from datasurface.lint.rule import Rule, declare
from datasurface.model.ecosystem import Ecosystem
from datasurface.model.mapping import PlatformMapping
from datasurface.model.records import InvalidRecord
from datasurface.model.repositories import GitRepository
from datasurface.model.zones import GovernanceZone, Team

ECOSYSTEM: Final = declare("DS901", "ecosystem-authority", "The ecosystem is changed from its repository.")
ZONE: Final = declare("DS902", "zone-authority", "A zone is changed from its repository.")
TEAM: Final = declare("DS903", "team-authority", "A team, its stores and workspaces are changed from its repository.")
MAPPING: Final = declare(
    "DS904", "mapping-authority", "The platform mapping is changed from the ecosystem's repository."
)


def origin_of(repository: str, branch: str) -> GitRepository:
    """The identity behind `--from-repo` and `--from-branch`.

    `repository` is `owner/name`, `host/owner/name` or an address that git clones from; without a host it is on the one
    that GitRepository has by default. Raises UsageError for anything else.
    """
    address = repository.strip().removesuffix("/").removesuffix(".git")
    _, found, rest = address.partition("://")
    if found:
        address = rest
    elif "@" in address and ":" in address:
        address = address.replace(":", "/", 1)  # git@host:owner/name
    address = address.rpartition("@")[2]
    host, _, name = address.partition("/")
    try:
        if found or "@" in repository or "." in host or ":" in host or host == "localhost":
            return GitRepository(name, branch=branch, host=host)
        return GitRepository(address, branch=branch)
    except InvalidRecord:
        raise UsageError("the repository or branch is not named", fix="write owner/name or its address") from None


def findings(
    deployed: Ecosystem | None,
    new: Ecosystem,
    origin: GitRepository,
    *,
    deployed_mapping: PlatformMapping | None = None,
    new_mapping: PlatformMapping | None = None,
) -> list[Finding]:
    """Every part that differs between the two models and that `origin` does not own.

    `deployed` None: nothing is deployed yet, and the owners are those that `new` declares. A mapping of None is not
    compared.
    """
    found = [*_ecosystem(deployed, new, origin)]
    owner = (deployed or new).owning_repo
    before = PlatformMapping() if deployed_mapping is None and deployed is None else deployed_mapping
    if None not in (before, new_mapping) and before != new_mapping and owner != origin:
        found.append(_finding(MAPPING, MAPPING_FILE, origin, owner))
    return sorted(found, key=lambda finding: finding.rule)


def _ecosystem(deployed: Ecosystem | None, new: Ecosystem, origin: GitRepository) -> Iterator[Finding]:
    owner = (deployed or new).owning_repo
    if owner != origin and (deployed is None or _own_part(deployed) != _own_part(new)):
        yield _finding(ECOSYSTEM, new.name, origin, owner)
    known = {} if deployed is None else {zone.name: zone for zone in deployed.zones}
    for zone in new.zones:
        before = known.get(zone.name) or GovernanceZone(name=zone.name, owning_repo=zone.owning_repo)
        yield from _zone(new.name, before, zone, origin)


def _zone(parent: str, before: GovernanceZone, after: GovernanceZone, origin: GitRepository) -> Iterator[Finding]:
    path = f"{parent}/{after.name}"
    if before.owning_repo != origin and _own_part_of_zone(before) != _own_part_of_zone(after):
        yield _finding(ZONE, path, origin, before.owning_repo)
    known = {team.name: team for team in before.teams}
    for team in after.teams:
        team_before = known.get(team.name) or Team(name=team.name, owning_repo=team.owning_repo)
        owner = team_before.owning_repo
        if owner != origin and replace(team, owning_repo=owner) != team_before:
            yield _finding(TEAM, f"{path}/{team.name}", origin, owner)


def _own_part(ecosystem: Ecosystem) -> tuple[object, ...]:
    """What the ecosystem's repository decides: everything but what zones hold."""
    return replace(ecosystem, zones=()), [(zone.name, zone.owning_repo) for zone in ecosystem.zones]


def _own_part_of_zone(zone: GovernanceZone) -> tuple[object, ...]:
    """What the zone's repository decides: which teams there are and who owns them; not its own owner."""
    return zone.name, zone.documentation, [(team.name, team.owning_repo) for team in zone.teams]


def _finding(rule: Rule, path: str, origin: GitRepository, owner: GitRepository) -> Finding:
    return rule.finding(
        path,
        f"changed from {_shown(origin)}, but owned by {_shown(owner)}",
        "make the change in the owning repository and branch, or have its owner hand the part over first",
    )


def _shown(repository: GitRepository) -> str:
    return f"{repository.host}/{repository.name} ({repository.branch})"
