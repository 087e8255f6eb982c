"""What one look at a stream works with, and what comes out of it. No SQL, no steps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from datasurface.yellow.engine.batch.batches import BatchTables, Mark
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.difference.comparison import Verdict
from datasurface.yellow.engine.difference.delta import Counts
from datasurface.yellow.engine.links import Links
from datasurface.yellow.engine.source.readings import Reading
from datasurface.yellow.engine.tables.merge_tables import MergeTables
from datasurface.yellow.plan.streams import StreamPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class LookOutcome:
    """What a look did. `batch_id` None: nothing had changed and no batch was made.

    `counts` are of the look, their total the rows of the snapshot; `datasets` the same per dataset. `note` is what a
    person should know besides.
    """

    batch_id: int | None
    counts: Counts
    datasets: Mapping[str, Counts]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """One look. `merge` holds the stream's look lock and is outside of a transaction, as is `source`.

    With `in_full` every checksum is computed from every row and compared with the recorded one. `difference_bytes` is
    what the differences of all datasets together may take in memory. `record` makes of the outcome the JSON that the
    stream's counter keeps with the run.
    """

    links: Links
    merge: Session
    source: Session
    stream: StreamPlan
    batches: BatchTables
    run_id: str | None
    in_full: bool
    difference_bytes: int
    record: Callable[[LookOutcome], dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """One dataset of the look: how it is read, where it goes, what is to be done.

    `carries_checksum`: the verdict's checksum goes on from the last recorded one instead of from every line.
    """

    reading: Reading
    tables: MergeTables
    verdict: Verdict
    carries_checksum: bool

    @property
    def name(self) -> str:
        """The dataset's name in the model."""
        return self.tables.plan.dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What a look found: the datasets, and the time of the merge database's clock right before the source was read.

    `mark` is what the stream's counter keeps of it, None if that has no room. `repeats_sign`: the source's server says
    that nothing was written since the snapshot before.
    """

    datasets: tuple[Dataset, ...]
    taken_at: datetime
    mark: Mark | None = None
    repeats_sign: bool = False
