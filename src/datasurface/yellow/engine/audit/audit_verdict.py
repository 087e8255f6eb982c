"""What an audit says: of a stream, of several, in words and as data. Pure.

The words are exact on purpose. An audit proves that the merge tables are what the batches recorded; that these were
what the source held was seen when a batch was last compared in full with it, and the audit only repeats when.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Check(StrEnum):
    """What can be found wrong."""

    #: Rows or checksum of a dataset are not what a batch recorded.
    SNAPSHOT = "snapshot"
    #: A batch cannot be computed again from the merge table.
    NOT_AUDITABLE = "not auditable"
    #: A key has more than one row of the present.
    ONE_OPEN_VERSION = "one open version per key"
    #: Two versions of a key are valid in one batch, or one ends before it begins.
    INTERVALS = "intervals"
    #: Batch ids have a gap, differ from the counter, or stand in a row without being a committed batch.
    BATCH_IDS = "batch ids"
    #: The counts of a batch are not those of what it did.
    COUNTS = "counts"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFinding:
    """One thing that does not hold. `dataset` None: it concerns the stream."""

    check: Check
    dataset: str | None
    message: str

    def __str__(self) -> str:
        return self.message if self.dataset is None else f"{self.dataset}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamAudit:
    """The verdict on one stream.

    `batch_id` is the batch as of which it was audited, 0 for a stream without one; `batches` how many recorded batches
    were computed again, `rows` the rows of `batch_id`. `notes` say which older batches can no longer be computed again
    and why. `compared_in_full_batch` and `_at` tell the last full comparison with the source, None: there was none.
    """

    platform: str
    platform_name: str
    stream_key: str
    batch_id: int
    batches: int
    rows: int
    findings: Sequence[AuditFinding]
    notes: Sequence[str]
    compared_in_full_batch: int | None
    compared_in_full_at: datetime | None

    @property
    def is_ok(self) -> bool:
        """Whether everything holds."""
        return not self.findings

    @property
    def sentence(self) -> str:
        """What was proven, in the exact words."""
        return summary([self])


def summary(audits: Iterable[StreamAudit]) -> str:
    """What the audits of several streams prove together."""
    seen = list(audits)
    differing = sum(not each.is_ok for each in seen)
    if differing:
        findings = sum(len(each.findings) for each in seen)
        of_them = "" if len(seen) == 1 else f" in {differing} of {len(seen)} streams"
        return f"merge tables are not what the batches recorded: {_counted(findings, 'finding')}{of_them}"
    batches = sum(each.batches for each in seen)
    if not batches:
        return "no batch was recorded yet"
    return f"merge tables equal {_named(batches, seen)}; {_compared(seen)}"


def _named(batches: int, audits: Sequence[StreamAudit]) -> str:
    if batches == 1:
        return f"the recorded batch {max(each.batch_id for each in audits)}"
    return f"the {batches} recorded batches"


def _compared(audits: Sequence[StreamAudit]) -> str:
    compared = {each.compared_in_full_batch or 0 for each in audits if each.batches}
    if 0 in compared:
        return "not yet compared in full with the source" if compared == {0} else "some never in full with the source"
    least, most = min(compared), max(compared)
    span = f"batch {least}" if least == most else f"batches {least} to {most}"
    return f"compared in full with the source: {span}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
