"""What the benchmark found: a record per measurement, per comparison and per target, as `latest.json` keeps them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from datasurface.yellow.engine.difference.delta import Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One contender in one phase of one round. `work_seconds` is the wall time without the vacuum after the commit.

    `problems` is empty where the contender is right; a wrong one keeps its time. Times that the server or the contender
    does not tell are None. `is_complete` is false where the contender gave up, so that its time says nothing.
    """

    contender: str
    phase: str
    round: int
    rows: int
    wall_seconds: float
    work_seconds: float
    start_seconds: float
    vacuum_seconds: float | None
    client_cpu_seconds: float
    server_cpu_seconds: float | None
    other_cpu_seconds: float | None
    largest_process_bytes: int
    tree_bytes: int
    wal_bytes: int
    temp_bytes: int
    table_bytes: int
    counts: Counts | None = None
    problems: Sequence[str] = ()
    is_complete: bool = True

    @property
    def cpu_seconds(self) -> float:
        """CPU of the contender on both sides, as far as it is known."""
        return self.client_cpu_seconds + (self.server_cpu_seconds or 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A median with its range."""

    median: float
    least: float
    most: float


class Verdict(StrEnum):
    """Whether a target is met; `not shown` where this run cannot tell."""

    MET = "met"
    MISSED = "missed"
    NOT_SHOWN = "not shown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One target of docs/performance.md. `measured` and `range` are None where nothing was measured for it.

    `reason` says why a target that has a figure is not judged by it.
    """

    name: str
    limit: str
    measured: float | None
    range: tuple[float, float] | None
    verdict: Verdict
    reason: str = ""
