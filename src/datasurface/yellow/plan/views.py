"""The views of a workspace."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class ViewKind(StrEnum):
    """What a view shows: the rows as of the last batch, or every version with its validity."""

    CURRENT = "current"
    HISTORY = "history"


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewColumn:
    """A column of a view: the dataset's name and type."""

    name: str
    sql_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewPlan:
    """One view: which table it shows to whom.

    `is_forensic` says whether the merge table keeps versions. `batch_metrics` and `stream_key` give a history its times.
    `consumer_database` is where the workspace also wants to see it, or None.
    """

    name: str
    kind: ViewKind
    platform: str
    workspace: str
    group: str
    store: str
    dataset: str
    is_forensic: bool
    merge_table: str
    batch_metrics: str
    stream_key: str
    columns: Sequence[ViewColumn]
    consumer_database: str | None = None
