"""What must be true: the source at every moment, and what each stream has to have made of it. Pure.

The source's writer stamps every transaction with a version, into a row of each table. So whoever reads a table, or a
merge table as of a batch, knows of which moment it is, and everything else follows from the snapshots of the source.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from datasurface.yellow.engine.difference.delta import Counts

Row = tuple[Any, ...]
#: The tables of the source with the number of their key's columns; 0: rows are counted.
KEYS: Final[Mapping[str, int]] = {"accounts": 1, "entries": 1, "notes": 0}
#: Key of the rows that carry the version.
STAMP: Final = 0


@dataclass(frozen=True, slots=True)
class State:
    """The source at one moment: rows by key, and how often each row stands in the table without a key."""

    version: int
    accounts: Mapping[int, Row]
    entries: Mapping[int, Row]
    notes: Mapping[Row, int]
    fingerprint: str = ""

    def rows(self, dataset: str) -> Counter[Row]:
        """The rows of a table."""
        found: Mapping[Any, Any] = getattr(self, dataset)
        return Counter(found) if dataset == "notes" else Counter(found.values())


def net_change(dataset: str, before: Counter[Row], now: Counter[Row]) -> Counts:
    """The counts of the batch that leads from one snapshot of a table to another."""
    came, left = now - before, before - now
    updated = 0
    if keys := KEYS[dataset]:
        updated = len({row[:keys] for row in came} & {row[:keys] for row in left})
    return Counts(inserted=came.total() - updated, updated=updated, deleted=left.total() - updated, total=now.total())


@dataclass
class Versions:
    """Every version that a merge table must hold: batch in, batch out (None: open) and the row."""

    open: dict[Row, list[int]] = field(default_factory=dict)
    closed: Counter[tuple[int, int, Row]] = field(default_factory=Counter)

    def apply(self, batch_id: int, now: Counter[Row]) -> None:
        """Bring the table to a snapshot. Of equal rows the youngest ones go."""
        for row in list(self.open):
            wanted = now[row]
            batches = self.open[row]
            for since in batches[wanted:]:
                self.closed[since, batch_id - 1, row] += 1
            del batches[wanted:]
            if not batches:
                del self.open[row]
        for row, wanted in now.items():
            batches = self.open.setdefault(row, [])
            batches += [batch_id] * (wanted - len(batches))

    def present(self) -> Counter[tuple[int, Row]]:
        """The open versions: batch in and row."""
        return Counter((since, row) for row, batches in self.open.items() for since in batches)


@dataclass(kw_only=True)
class Expected:
    """What a stream has to hold: the versions of the source that its batches took, and all that follows from them."""

    datasets: Sequence[str]
    states: Mapping[int, State]
    taken: list[int] = field(default_factory=list)
    tables: dict[str, Versions] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rewind(0)

    @property
    def batch_id(self) -> int:
        """The last committed batch."""
        return len(self.taken)

    def take(self, version: int) -> None:
        """A batch was committed that holds this version of the source."""
        self.taken.append(version)
        for dataset in self.datasets:
            self.tables[dataset].apply(self.batch_id, self.states[version].rows(dataset))

    def rewind(self, batch_id: int) -> None:
        """The merge database went back to an earlier batch."""
        kept, self.taken = self.taken[:batch_id], []
        self.tables = {dataset: Versions() for dataset in self.datasets}
        for version in kept:
            self.take(version)

    def counts(self, batch_id: int) -> Counts:
        """The counts of a batch: the net change of the snapshots before and after it."""
        total = Counts()
        for dataset in self.datasets:
            now = self.states[self.taken[batch_id - 1]].rows(dataset)
            before = self.states[self.taken[batch_id - 2]].rows(dataset) if batch_id > 1 else Counter()
            total += net_change(dataset, before, now)
        return total
