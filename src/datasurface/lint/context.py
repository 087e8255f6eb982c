"""What rules look at: the model with its indexes, built once, so that a rule is one pass however large the model is."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import Final, TypeVar

from datasurface.model.containers import PostgresDatabase
from datasurface.model.credentials import Credential
from datasurface.model.datastores import Dataset, Datastore
from datasurface.model.ecosystem import Ecosystem
from datasurface.model.mapping import Assignment, GroupAssignments, PlatformMapping
from datasurface.model.platforms import YellowDataPlatform
from datasurface.model.workspaces import DatasetGroup, DatasetSink

MAPPING_FILE: Final = "dsg_platform_mapping.json"
K = TypeVar("K")
V = TypeVar("V")
#: A search for what was meant looks at every name; a model with thousands of wrong ones gets the first answers only.
MAX_SUGGESTIONS: Final = 100


@dataclass(frozen=True)
class Served:
    """A group as one platform serves it: an assignment that is present, of a platform that exists."""

    path: str
    workspace: str
    group: DatasetGroup
    assignment: Assignment
    platform: YellowDataPlatform


@dataclass
class LintContext:
    """The model, its mapping and what rules look up in them.

    Where a name occurs twice its first bearer counts; that there are two is a finding of its own. `mapping_is_whole` is
    False where parts of the mapping file could not be read.
    """

    ecosystem: Ecosystem
    mapping: PlatformMapping
    mapping_is_whole: bool = True
    _suggestions_left: int = field(default=MAX_SUGGESTIONS, repr=False)

    @cached_property
    def stores(self) -> Mapping[str, Datastore]:
        """Stores by name."""
        return _first((store.name, store) for _, store in self.ecosystem.stores())

    @cached_property
    def datasets(self) -> Mapping[tuple[str, str], Dataset]:
        """Datasets by the names of their store and their own."""
        return _first(((store.name, dataset.name), dataset) for _, store, dataset in self.ecosystem.datasets())

    @cached_property
    def platforms(self) -> Mapping[str, YellowDataPlatform]:
        """Platforms by name."""
        return _first((platform.name, platform) for platform in self.ecosystem.data_platforms)

    @cached_property
    def groups(self) -> Mapping[tuple[str, str], DatasetGroup]:
        """Groups by the names of their workspace and their own."""
        return _first(((workspace.name, group.name), group) for _, workspace, group in self.ecosystem.groups())

    @cached_property
    def locations(self) -> frozenset[str]:
        """Every place as containers name it: `MyCorp:USA/NY_1`."""
        return frozenset(path for vendor in self.ecosystem.vendors for path in vendor.paths())

    @cached_property
    def containers(self) -> tuple[tuple[str, PostgresDatabase], ...]:
        """Every use of a container, with the path of its user."""
        of_platforms = ((self._path(platform), platform.merge_container) for platform in self.ecosystem.data_platforms)
        of_stores = ((path, store.capture.container) for path, store in self.ecosystem.stores())
        return (*of_platforms, *of_stores)

    @cached_property
    def credentials(self) -> tuple[tuple[str, Credential], ...]:
        """Every use of a credential, with the path of its user."""
        of_platforms = (
            (self._path(platform), platform.credential)
            for platform in self.ecosystem.data_platforms
            if platform.credential is not None
        )
        of_stores = ((path, store.capture.credential) for path, store in self.ecosystem.stores())
        return (*of_platforms, *of_stores)

    @cached_property
    def assigned(self) -> Mapping[tuple[str, str], tuple[GroupAssignments, ...]]:
        """Entries of the mapping file by workspace and group."""
        entries: dict[tuple[str, str], tuple[GroupAssignments, ...]] = {}
        for entry in self.mapping.groups:
            key = (entry.workspace, entry.group)
            entries[key] = (*entries.get(key, ()), entry)
        return entries

    @cached_property
    def served(self) -> tuple[Served, ...]:
        """Every group with each platform that shall serve it now."""
        return tuple(
            Served(path, workspace.name, group, assignment, self.platforms[assignment.data_platform])
            for path, workspace, group in self.ecosystem.groups()
            for entry in self.assigned.get((workspace.name, group.name), ())
            for assignment in entry.assignments
            if assignment.status.is_present and assignment.data_platform in self.platforms
        )

    def known_sinks(self, group: DatasetGroup) -> Iterator[tuple[DatasetSink, Datastore, Dataset]]:
        """The group's sinks whose store and dataset exist."""
        for sink in group.sinks:
            store, dataset = self.stores.get(sink.store), self.datasets.get((sink.store, sink.dataset))
            if store is not None and dataset is not None:
                yield sink, store, dataset

    def suggestion(self, name: str, candidates: Iterable[str]) -> str:
        """`; did you mean "YellowLive"?`, or nothing where no candidate is like `name`."""
        if self._suggestions_left == 0:
            return ""
        self._suggestions_left -= 1
        close = get_close_matches(name, candidates, n=1)
        return f'; did you mean "{close[0]}"?' if close else ""

    def _path(self, platform: YellowDataPlatform) -> str:
        return f"{self.ecosystem.name}/{platform.name}"


def mapping_path(line: int | None) -> str:
    """Path of a finding in the mapping file."""
    return MAPPING_FILE if line is None else f"{MAPPING_FILE}:{line}"


def _first(pairs: Iterable[tuple[K, V]]) -> Mapping[K, V]:
    found: dict[K, V] = {}
    for key, value in pairs:
        found.setdefault(key, value)
    return found
