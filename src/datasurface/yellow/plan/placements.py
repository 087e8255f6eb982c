"""Which platform serves which sink: the mapping file laid over the model.

What the mapping or a sink names and the model does not have is left out here; lint reports it. Nothing here decides
what a table or a view looks like.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from datasurface.model.datastores import Consistency, Dataset, Datastore
from datasurface.model.ecosystem import Ecosystem
from datasurface.model.mapping import PlatformMapping
from datasurface.model.platforms import YellowDataPlatform
from datasurface.model.workspaces import DatasetGroup, Workspace
from datasurface.yellow.plan import names


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """One dataset in one group of a workspace, on one platform that is to serve it."""

    platform: YellowDataPlatform
    workspace: Workspace
    group: DatasetGroup
    store: Datastore
    dataset: Dataset

    @property
    def is_alone(self) -> bool:
        """True where the dataset is a stream of its own, False where its store's datasets are one stream."""
        return self.store.capture.consistency is Consistency.SINGLE_DATASET

    @property
    def stream_key(self) -> str:
        """The stream that brings the dataset."""
        return names.stream_key(self.store.name, self.dataset.name if self.is_alone else None)

    @property
    def _order(self) -> tuple[str, str, str, str, str]:
        return (self.platform.name, self.workspace.name, self.group.name, self.store.name, self.dataset.name)


def placements(ecosystem: Ecosystem, mapping: PlatformMapping) -> list[Placement]:
    """Every placement that a present assignment asks for, once each, sorted by its names."""
    platforms = {platform.name: platform for platform in reversed(ecosystem.data_platforms)}
    datasets = _datasets(ecosystem)
    serving = _serving(mapping)
    found: dict[tuple[str, str, str, str, str], Placement] = {}
    for _, workspace, group in ecosystem.groups():
        for platform in serving.get((workspace.name, group.name), ()):
            for sink in group.sinks:
                source = datasets.get((sink.store, sink.dataset))
                if source is None or platform not in platforms:
                    continue
                placement = Placement(
                    platform=platforms[platform],
                    workspace=workspace,
                    group=group,
                    store=source[0],
                    dataset=source[1],
                )
                found.setdefault(placement._order, placement)
    return [found[order] for order in sorted(found)]


def _datasets(ecosystem: Ecosystem) -> Mapping[tuple[str, str], tuple[Datastore, Dataset]]:
    """The datasets by the names of store and dataset; of two of one name the first, and lint refuses the second."""
    found: dict[tuple[str, str], tuple[Datastore, Dataset]] = {}
    for _, store, dataset in ecosystem.datasets():
        found.setdefault((store.name, dataset.name), (store, dataset))
    return found


def _serving(mapping: PlatformMapping) -> Mapping[tuple[str, str], Sequence[str]]:
    """Names of the platforms that serve a group, by workspace and group."""
    serving: dict[tuple[str, str], list[str]] = {}
    for entry in mapping.groups:
        present = [assignment.data_platform for assignment in entry.assignments if assignment.status.is_present]
        serving.setdefault((entry.workspace, entry.group), []).extend(present)
    return serving
