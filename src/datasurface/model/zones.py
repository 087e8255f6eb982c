"""Governance zones and teams: who owns what."""

from collections.abc import Sequence
from dataclasses import dataclass

from datasurface.model.datastores import Datastore
from datasurface.model.records import check_name, check_type, freeze_list
from datasurface.model.repositories import GitRepository
from datasurface.model.workspaces import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Owner of datastores and workspaces; `owning_repo` is where they may be changed from."""

    name: str
    owning_repo: GitRepository
    datastores: Sequence[Datastore] = ()
    workspaces: Sequence[Workspace] = ()
    documentation: str = ""

    def __post_init__(self) -> None:
        check_name(self)
        check_type(self, "owning_repo", GitRepository)
        freeze_list(self, "datastores", Datastore)
        freeze_list(self, "workspaces", Workspace)
        check_type(self, "documentation", str)


@dataclass(frozen=True, slots=True, kw_only=True)
class GovernanceZone:
    """A part of the company with rules of its own; declares its teams."""

    name: str
    owning_repo: GitRepository
    teams: Sequence[Team] = ()
    documentation: str = ""

    def __post_init__(self) -> None:
        check_name(self)
        check_type(self, "owning_repo", GitRepository)
        freeze_list(self, "teams", Team)
        check_type(self, "documentation", str)
