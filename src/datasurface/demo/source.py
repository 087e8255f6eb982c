"""What the tour needs of a source: tables, rows, changes whose result is known, and perhaps a change of the schema."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from datasurface.demo.installation import Installation
from datasurface.yellow.engine.difference.delta import Counts
from datasurface.yellow.engine.init.init_plan import DemoSource

#: Called with the number of steps done of how many.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceChanges:
    """What happened to the source between two batches.

    `counts` has the net change per table: keys that appeared, changed and left, which the next batch must find again.
    Their totals are 0: a source does not say how many rows it has.
    """

    text: str
    counts: Mapping[str, Counts]


class ChangingSource(Protocol):
    """A source of the tour. It changes only when asked to, so that whatever is found can be compared with it."""

    @property
    def tables(self) -> DemoSource:
        """The scripts by which `init` makes its tables and first rows."""
        ...

    @property
    def story_dataset(self) -> str:
        """The dataset of which one row's history is worth telling."""
        ...

    def fill(self, installation: Installation, progress: Progress) -> None:
        """Load the rows that are too many for a script; does nothing where the script has them all."""
        ...

    def change(self, installation: Installation, progress: Progress) -> SourceChanges:
        """Change rows, and say how."""
        ...

    def evolve(self, installation: Installation, progress: Progress) -> SourceChanges:
        """Change the schema in place, then change rows that use it. Called only if the model has a later form."""
        ...

    def further_changes(self, installation: Installation) -> Sequence[str]:
        """Arguments of the simulator by which a person makes more changes, a line each; empty where it cannot."""
        ...
