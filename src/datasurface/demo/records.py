"""What the tour found, step by step: facts for a person, for `--json` and for tests. No text, no databases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from datasurface.yellow.engine.difference.delta import Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStarted:
    """The embedded server; all that the tour writes is below `folder`."""

    version: str
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRead:
    """A model that has no findings that would stop it."""

    ecosystem: str
    stores: int
    datasets: int
    platforms: int
    workspaces: int
    findings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceMade:
    """The source's tables and how many rows each has."""

    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionApplied:
    """A revision of the model in the databases.

    `added_columns` has, per dataset that the revision before had too, what it gained.
    """

    revision: str
    added_columns: Mapping[str, Sequence[str]]
    tables_created: int
    tables_altered: int
    views_created: int
    views_updated: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceChanged:
    """What happened to the source, in its own words, and the net change per table."""

    text: str
    counts: Mapping[str, Counts]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRun:
    """One run of one stream; `batch_id` None: nothing had changed."""

    platform: str
    stream_key: str
    batch_id: int | None
    counts: Counts
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundRun:
    """One run of every stream; every count was compared with what happened to the source."""

    number: int
    runs: Sequence[StreamRun]


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A row as it was in the batches `valid_from` to `valid_to` (None: it still is so).

    `values` are the text of the columns shown; `changed` names those that differ from the version before, and is None
    for the first one and for one that follows a gap.
    """

    valid_from: int
    valid_to: int | None
    values: Sequence[str | None]
    changed: Sequence[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryTold:
    """All versions of one row, as the history view shows them to its workspace's own reader."""

    key: str
    view: str
    reader: str
    columns: Sequence[str]
    versions: Sequence[Version]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """What the audit says, in its own words."""

    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewCompared:
    """One view against its source table: rows that only one of the two has, duplicates counted."""

    view: str
    rows: int
    only_in_view: int
    only_in_source: int

    @property
    def is_equal(self) -> bool:
        """Whether both have the same rows."""
        return self.only_in_view == self.only_in_source == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewsCompared:
    """Every current view against the source, which nobody changes meanwhile."""

    views: Sequence[ViewCompared]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftRunning:
    """How to go on with the server that was left running; each line is a command of a shell."""

    psql: Sequence[str]
    queries: Sequence[str]
    commands: Sequence[str]
    stop: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The end of a tour; `removed` is the folder that is no longer there, None where it was left."""

    seconds: float
    removed: Path | None


Record = (
    ServerStarted
    | ModelRead
    | SourceMade
    | RevisionApplied
    | SourceChanged
    | RoundRun
    | HistoryTold
    | Audited
    | ViewsCompared
    | LeftRunning
    | Finished
)
