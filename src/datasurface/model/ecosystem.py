"""The root of the model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from datasurface.model.datastores import Dataset, Datastore
from datasurface.model.locations import InfrastructureVendor
from datasurface.model.platforms import YellowDataPlatform
from datasurface.model.records import check_name, check_type, freeze_list
from datasurface.model.repositories import GitRepository
from datasurface.model.workspaces import DatasetGroup, Workspace
from datasurface.model.zones import GovernanceZone, Team


@dataclass(frozen=True, slots=True, kw_only=True)
class Ecosystem:
    """The whole landscape: zones, vendors and platforms. `owning_repo` may also change the platform mapping."""

    name: str
    owning_repo: GitRepository
    data_platforms: Sequence[YellowDataPlatform] = ()
    zones: Sequence[GovernanceZone] = ()
    vendors: Sequence[InfrastructureVendor] = ()
    documentation: str = ""

    def __post_init__(self) -> None:
        check_name(self)
        check_type(self, "owning_repo", GitRepository)
        freeze_list(self, "data_platforms", YellowDataPlatform)
        freeze_list(self, "zones", GovernanceZone)
        freeze_list(self, "vendors", InfrastructureVendor)
        check_type(self, "documentation", str)

    def teams(self) -> Iterator[tuple[GovernanceZone, Team]]:
        """Every team with its zone, in the order of the model."""
        for zone in self.zones:
            for team in zone.teams:
                yield zone, team

    def stores(self) -> Iterator[tuple[str, Datastore]]:
        """Every store with its path `Test/USA/team1/Store1`."""
        for zone, team in self.teams():
            for store in team.datastores:
                yield f"{self.name}/{zone.name}/{team.name}/{store.name}", store

    def datasets(self) -> Iterator[tuple[str, Datastore, Dataset]]:
        """Every dataset with its path and its store."""
        for path, store in self.stores():
            for dataset in store.datasets:
                yield f"{path}/{dataset.name}", store, dataset

    def workspaces(self) -> Iterator[tuple[str, Workspace]]:
        """Every workspace with its path `Test/USA/team1/Consumer1`."""
        for zone, team in self.teams():
            for workspace in team.workspaces:
                yield f"{self.name}/{zone.name}/{team.name}/{workspace.name}", workspace

    def groups(self) -> Iterator[tuple[str, Workspace, DatasetGroup]]:
        """Every group of datasets with its path and its workspace."""
        for path, workspace in self.workspaces():
            for group in workspace.groups:
                yield f"{path}/{group.name}", workspace, group
