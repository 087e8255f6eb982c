"""How the streams are: how fresh against what was promised, what the last batch did, what failed and what goes on.

Reads the control tables alone, as the monitor may. Nothing here judges the data; `audit` does.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from psycopg2 import sql

from datasurface.errors import StateError
from datasurface.yellow.engine import database_errors, queries
from datasurface.yellow.engine.batch.batch_state import BatchStatus
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.control import plan_store
from datasurface.yellow.engine.difference.delta import Counts
from datasurface.yellow.plan import names
from datasurface.yellow.plan.platforms import control_tables

_STATEMENTS: Final = queries.load("status.sql")
#: A promise is broken when the age exceeds it by more than this, or by more than a tenth.
GRACE_SECONDS: Final = 30
GRACE_SHARE: Final = 0.1
_COMMAND: Final = re.compile(r"`(datasurface (?:job|reset-batch-state|audit) [^`]+)`")


class StreamState(StrEnum):
    """Where a stream is."""

    #: It has no batch yet.
    NEW = "new"
    #: Its last batch is committed and none is open.
    OK = "ok"
    #: A batch is open: a job works on it, or was killed and the next one goes on.
    STARTED = "started"
    INGESTED = "ingested"
    #: Its open batch failed.
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamStatus:
    """One stream. `batch_id`, `committed_at`, `rows` and `counts` are of its last committed batch, None before that.

    `age_seconds` is since it was last looked at, or since it was planned if it never was; None where that is unknown.
    `open_batch_id` is the batch that began and did not commit, `failure` why it failed. `is_suspended` where the site's
    installation file lets it run nowhere; false also where the login may not see that.
    """

    platform: str
    stream_key: str
    store: str
    dataset: str | None
    latency_seconds: int
    batch_id: int | None
    committed_at: datetime | None
    checked_at: datetime | None
    age_seconds: float | None
    rows: int | None
    counts: Counts | None
    state: StreamState
    open_batch_id: int | None
    failure: str | None
    is_suspended: bool

    @property
    def is_late(self) -> bool:
        """Whether the promise made to consumers is broken now. What a site suspends promises nothing meanwhile."""
        if self.age_seconds is None or self.is_suspended:
            return False
        return self.age_seconds > self.latency_seconds + max(GRACE_SECONDS, GRACE_SHARE * self.latency_seconds)

    @property
    def command(self) -> str | None:
        """The command by which a failed stream goes on: the one that its error names, else another run."""
        if self.state is not StreamState.FAILED:
            return None
        named = _COMMAND.search(self.failure or "")
        return run_command(self) if named is None else named[1]


def run_command(stream: StreamStatus) -> str:
    """The command that runs a stream."""
    dataset = f" --dataset {stream.dataset}" if stream.dataset else ""
    return f"datasurface job snapshot-merge --platform {stream.platform} --store {stream.store}{dataset}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionStatus:
    """A revision of the model and what became of it."""

    revision: str
    outcome: str
    decided_at: datetime
    findings: int

    @property
    def is_deployed(self) -> bool:
        """Whether it is the one that streams follow."""
        return self.outcome in ("applied", "rolled back")


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationStatus:
    """All streams, by platform and key; the deployed revision and, if it is none of those, the latest one."""

    streams: Sequence[StreamStatus]
    revisions: Sequence[RevisionStatus]

    @property
    def is_ok(self) -> bool:
        """Whether every promise is kept now."""
        return not any(stream.is_late for stream in self.streams)


def read(session: Session, schema: str, platform: str | None = None) -> InstallationStatus:
    """The status of all streams, or of those of one platform by either of its names, in the caller's transaction.

    Raises StateError if the merge database was never initialised.
    """
    with database_errors.reporting(f"reading the streams' status in {session.endpoint}"):
        refuse_uninitialised(session, schema)
        wanted = None if platform is None else names.platform_name(platform)
        streams: list[StreamStatus] = []
        for deployed in plan_store.platforms(session, schema):
            if wanted in (None, deployed.platform_name):
                streams += _streams(session, schema, deployed.platform)
        rows = _rows(session, "read_revisions", revision=sql.Identifier(schema, names.REVISION_TABLE))
    revisions = [
        RevisionStatus(revision=revision, outcome=outcome, decided_at=at, findings=findings)
        for revision, outcome, at, findings in rows
    ]
    return InstallationStatus(streams=tuple(streams), revisions=tuple(revisions))


def refuse_uninitialised(session: Session, schema: str) -> None:
    """Raise StateError if the control tables are not there. Any login of the merge database may ask."""
    table = sql.Identifier(schema, names.PLATFORM_TABLE).as_string(session.raw)
    with session.raw.cursor() as cursor:
        cursor.execute(_STATEMENTS["is_installed"], {"table": table})
        if cursor.fetchone() != (True,):
            raise StateError(
                f"{session.endpoint} holds no installation in schema {schema}",
                fix="`datasurface init` makes its tables, `datasurface model apply` its streams",
            )


def _streams(session: Session, schema: str, platform: str) -> list[StreamStatus]:
    control = control_tables(platform)
    rows = _rows(
        session,
        "read_streams",
        stream_plan=sql.Identifier(schema, control.stream_plan),
        counter=sql.Identifier(schema, control.batch_counter),
        metrics=sql.Identifier(schema, control.batch_metrics),
        revision=sql.Identifier(schema, names.REVISION_TABLE),
    )
    suspended = _suspended(session, schema, control.airflow_dsg)
    return [_stream(platform, row, suspended) for row in rows]


def _suspended(session: Session, schema: str, airflow_dsg: str) -> frozenset[str]:
    """Keys of the streams that are suspended, as far as the login may see that."""
    place = sql.Identifier(schema, airflow_dsg)
    with session.raw.cursor() as cursor:
        cursor.execute(_STATEMENTS["may_read_dags"], {"table": place.as_string(session.raw)})
        if cursor.fetchone() != (True,):
            return frozenset()
    return frozenset(key for (key,) in _rows(session, "read_suspended", airflow_dsg=place))


def _stream(platform: str, row: Sequence[Any], suspended: frozenset[str]) -> StreamStatus:
    key, store, dataset, latency, batch_id, committed_at, inserted, updated, deleted, total = row[:10]
    checked_at, age, open_batch_id, open_status, failure = row[10:]
    counts = None
    if batch_id is not None:
        counts = Counts(inserted=inserted, updated=updated, deleted=deleted, total=total)
    return StreamStatus(
        platform=platform,
        stream_key=key,
        store=store,
        dataset=dataset,
        latency_seconds=latency,
        batch_id=batch_id,
        committed_at=committed_at,
        checked_at=checked_at,
        age_seconds=age,
        rows=total,
        counts=counts,
        state=_state(batch_id, open_status),
        open_batch_id=open_batch_id,
        failure=failure,
        is_suspended=key in suspended,
    )


def _state(batch_id: int | None, open_status: str | None) -> StreamState:
    if open_status is not None:
        return StreamState(BatchStatus(open_status).value)
    return StreamState.NEW if batch_id is None else StreamState.OK


def _rows(session: Session, statement: str, **places: sql.Composable) -> list[tuple[Any, ...]]:
    with session.raw.cursor() as cursor:
        cursor.execute(_STATEMENTS[statement].format(**places))
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
