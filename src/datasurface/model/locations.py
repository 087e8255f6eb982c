"""Infrastructure vendors and their locations."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from datasurface.model.records import check_name, freeze_list


@dataclass(frozen=True, slots=True)
class Location:
    """A place, which may hold smaller ones."""

    name: str
    locations: Sequence["Location"] = ()

    def __post_init__(self) -> None:
        check_name(self)
        freeze_list(self, "locations", Location)

    def paths(self, prefix: str = "") -> Iterator[str]:
        """This place and all within it, as `USA`, `USA/NY_1` …"""
        path = f"{prefix}{self.name}"
        yield path
        for location in self.locations:
            yield from location.paths(f"{path}/")


@dataclass(frozen=True, slots=True)
class InfrastructureVendor:
    """Who runs the places: a cloud, or the company itself."""

    name: str
    locations: Sequence[Location] = ()

    def __post_init__(self) -> None:
        check_name(self)
        freeze_list(self, "locations", Location)

    def paths(self) -> Iterator[str]:
        """All its places as containers name them: `MyCorp:USA/NY_1`."""
        for location in self.locations:
            for path in location.paths():
                yield f"{self.name}:{path}"
