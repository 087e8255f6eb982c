"""The audit: are the merge tables what the recorded batches say they are?

Of each stream everything is read in one snapshot of the merge database, under locks that keep its tables from being
altered and no batch from committing. The source is not asked. The verdict goes into `ds_audit`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from psycopg2 import sql
from psycopg2.extras import Json

from datasurface.errors import ModelError
from datasurface.model.platforms import MilestoneStrategy
from datasurface.yellow.engine import columns, database_errors, queries
from datasurface.yellow.engine.audit import audit_invariants, audit_snapshots
from datasurface.yellow.engine.audit.audit_invariants import Numbers
from datasurface.yellow.engine.audit.audit_snapshots import AuditedTable, Ledger, NotComparable, ShapeRun
from datasurface.yellow.engine.audit.audit_verdict import AuditFinding, Check, StreamAudit
from datasurface.yellow.engine.batch import applied
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.control import plan_store
from datasurface.yellow.engine.difference import checksums
from datasurface.yellow.engine.links import Links
from datasurface.yellow.plan import names
from datasurface.yellow.plan.streams import StreamPlan

_STATEMENTS: Final = queries.load("audit.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRequest:
    """What to audit: all streams, those of a platform (by either name), of a store.

    `batch_id` None: a live stream as of its last batch, a forensic one as of every batch. Else both as of that one.
    """

    platform: str | None = None
    store: str | None = None
    batch_id: int | None = None


def audit(links: Links, request: AuditRequest) -> Iterator[StreamAudit]:
    """Audit stream by stream, in the order of platforms and keys, and record each verdict.

    Raises ModelError if no stream is meant, TransientError if a table is being altered for longer than 30 s.
    """
    with links.merge() as session, database_errors.reporting("looking for the streams to audit"):
        streams = _streams(session, links.schema, request)
        session.rollback()
    if not streams:
        raise ModelError(
            "no stream of that platform and store is planned", fix="`datasurface status` lists the streams"
        )
    for stream in streams:
        yield _of_stream(links, stream, request.batch_id)


def _streams(session: Session, schema: str, request: AuditRequest) -> tuple[StreamPlan, ...]:
    if request.platform is not None:
        platforms: Sequence[str] = [request.platform]
    else:
        platforms = [each.platform_name for each in plan_store.platforms(session, schema)]
    planned = (stream for platform in platforms for stream in plan_store.of_platform(session, schema, platform))
    return tuple(stream for stream in planned if request.store in (None, stream.store))


def _of_stream(links: Links, stream: StreamPlan, batch_id: int | None) -> StreamAudit:
    where = f"auditing {stream.platform}/{stream.stream_key}"
    with links.merge(stream.job_credential) as session, database_errors.reporting(where):
        verdict = _Audit(session, links.schema, stream, batch_id).verdict()
        _record(session, links.schema, verdict)
        session.commit()
    return verdict


class _Audit:
    """One stream, in one snapshot."""

    def __init__(self, session: Session, schema: str, stream: StreamPlan, batch_id: int | None) -> None:
        self._session = session
        self._schema = schema
        self._stream = stream
        self._asked = batch_id
        self._is_forensic = stream.strategy is MilestoneStrategy.BATCH_MILESTONED
        self._ledger = Ledger(
            key=stream.stream_key,
            metrics=sql.Identifier(schema, stream.control.batch_metrics),
            counter=sql.Identifier(schema, stream.control.batch_counter),
        )
        self._findings: list[AuditFinding] = []
        self._notes: list[str] = []
        #: Batches of which some dataset could not be computed again.
        self._skipped: set[int] = set()
        self._rows = 0

    def verdict(self) -> StreamAudit:
        """Check everything."""
        self._begin()
        tables = self._tables()
        found = audit_invariants.numbers(self._session, self._ledger)
        self._findings += audit_invariants.of_stream(self._session, self._ledger, found)
        batches = self._batches(found)
        after = 0
        for table in tables:
            after = max(after, self._of_table(table, found, batches))
        if self._is_forensic and after < found.last:
            existing = [table for table in tables if table.exists]
            self._findings += audit_invariants.of_counts(self._session, self._ledger, existing, after)
        compared_batch, compared_at = self._compared()
        self._session.rollback()
        return StreamAudit(
            platform=self._stream.platform,
            platform_name=self._stream.platform_name,
            stream_key=self._stream.stream_key,
            batch_id=batches[-1] if batches else found.last,
            batches=len(set(batches) - self._skipped),
            rows=self._rows,
            findings=tuple(self._findings),
            notes=tuple(self._notes),
            compared_in_full_batch=compared_batch,
            compared_in_full_at=compared_at,
        )

    def _tables(self) -> Sequence[AuditedTable]:
        """The merge tables of every dataset that the plan has or a batch recorded."""
        stream = self._stream
        planned = {table.dataset: table for table in stream.tables}
        with self._session.raw.cursor() as cursor:
            cursor.execute(_STATEMENTS["read_datasets"].format(metrics=self._ledger.metrics), {"key": self._ledger.key})
            recorded = {dataset for (dataset,) in cursor.fetchall()}
        physical = {
            dataset: planned[dataset].merge_table
            if dataset in planned
            else names.merge_table(stream.platform, stream.store, dataset)
            for dataset in sorted(recorded | planned.keys())
        }
        facts = columns.read(self._session, self._schema, list(physical.values()))
        return [
            AuditedTable(
                dataset=dataset,
                merge=sql.Identifier(self._schema, table),
                is_forensic=self._is_forensic,
                columns=facts.get(table, {}),
                plan=planned.get(dataset),
            )
            for dataset, table in physical.items()
        ]

    def _begin(self) -> None:
        """Lock the tables, then let the next statement take the snapshot."""
        tables = self._tables()
        self._session.rollback()
        applied.run(self._session, _STATEMENTS["begin_audit"])
        applied.run(self._session, _STATEMENTS["prepare_audit"])
        for table in tables:
            if table.exists:
                applied.run(self._session, _STATEMENTS["lock_for_reading"].format(merge=table.merge))

    def _batches(self, found: Numbers) -> range:
        """The batches to be computed again; empty if there is none, or not the one that was asked for."""
        if self._asked is None:
            first = 1 if self._is_forensic else max(found.last, 1)
            return range(first, found.last + 1)
        if not 1 <= self._asked <= found.last:
            self._cannot(None, f"there is no committed batch {self._asked}; the last one is {found.last}")
            return range(0)
        if not self._is_forensic and self._asked != found.last:
            self._cannot(None, f"batch {self._asked}: a live merge table is as of the last batch, {found.last}, alone")
            return range(0)
        return range(self._asked, self._asked + 1)

    def _of_table(self, table: AuditedTable, found: Numbers, batches: range) -> int:
        """Check one table; returns the last batch whose versions it no longer has."""
        last = found.last
        every = audit_snapshots.runs(self._session, self._ledger, table.dataset, first=1, last=last) if last else ()
        if table.exists:
            self._findings += audit_invariants.of_table(self._session, table, every, last)
        forgotten = self._forgotten(table, every)
        for run in self._asked_runs(every, batches):
            reason = self._obstacle(table, run, forgotten)
            if reason is None:
                self._compare(table, run, batches)
            else:
                self._skip(table, run, reason, batches)
        return forgotten

    def _asked_runs(self, every: Sequence[ShapeRun], batches: range) -> list[ShapeRun]:
        if not batches:
            return []
        first, last = batches[0], batches[-1]
        return [
            ShapeRun(first=max(run.first, first), last=min(run.last, last), shape=run.shape)
            for run in every
            if run.first <= last and run.last >= first
        ]

    def _forgotten(self, table: AuditedTable, runs: Sequence[ShapeRun]) -> int:
        """The last batch whose versions went with a table that was dropped after the retention, 0 for none.

        A dataset that left the stream for some batches and came back may have a new table, without the old versions.
        """
        if not self._is_forensic or not runs:
            return 0
        if not table.exists:
            return 0 if table.plan is not None else runs[-1].last
        ended = [run.last for run, later in pairwise(runs) if later.first > run.last + 1]
        if not ended:
            return 0
        oldest: Any = applied.first_value(self._session, _STATEMENTS["first_version"].format(merge=table.merge))
        return max((last for last in ended if oldest is None or oldest > last), default=0)

    def _obstacle(self, table: AuditedTable, run: ShapeRun, forgotten: int) -> str | None:
        """Why a run cannot be computed again, or None."""
        if run.shape.algorithm != checksums.ALGORITHM:
            return f"its checksums are of the method {run.shape.algorithm}"
        if run.last <= forgotten or not table.exists:
            return "its merge table was dropped"
        missing = table.missing(run.shape.columns)
        return f"{', '.join(missing)} was dropped from the merge table" if missing else None

    def _compare(self, table: AuditedTable, run: ShapeRun, batches: range) -> None:
        try:
            given = audit_snapshots.recomputed(self._session, self._ledger, table, run)
        except NotComparable as error:
            message = f"{run}: a value of the merge table is none of the recorded types ({error})"
            self._findings.append(AuditFinding(check=Check.SNAPSHOT, dataset=table.dataset, message=message))
            return
        if run.last == batches[-1]:
            self._rows += given.rows
        if given.mismatch is not None:
            self._findings.append(
                AuditFinding(check=Check.SNAPSHOT, dataset=table.dataset, message=str(given.mismatch))
            )

    def _skip(self, table: AuditedTable, run: ShapeRun, reason: str, batches: range) -> None:
        """A batch that was asked for, the last one, or a column that should be there: a finding. Else it is history."""
        self._skipped.update(range(run.first, run.last + 1))
        message = f"{run} cannot be audited: {reason}"
        is_damage = table.plan is not None and (
            not table.exists or any(map(table.is_planned, table.missing(run.shape.columns)))
        )
        if is_damage or run.last == batches[-1]:
            self._cannot(table.dataset, message)
        else:
            self._notes.append(f"{table.dataset}: {message}")

    def _cannot(self, dataset: str | None, message: str) -> None:
        self._findings.append(AuditFinding(check=Check.NOT_AUDITABLE, dataset=dataset, message=message))

    def _compared(self) -> tuple[int | None, datetime | None]:
        with self._session.raw.cursor() as cursor:
            cursor.execute(_STATEMENTS["read_compared"].format(metrics=self._ledger.metrics), {"key": self._ledger.key})
            row = cursor.fetchone()
        return (None, None) if row is None else row


def _record(session: Session, schema: str, verdict: StreamAudit) -> None:
    parameters: Mapping[str, Any] = {
        "platform": verdict.platform_name,
        "stream_key": verdict.stream_key,
        "batch_id": verdict.batch_id or None,
        "ok": verdict.is_ok,
        "findings": Json([_document(finding) for finding in verdict.findings]),
        "rows": verdict.rows,
        "compared_in_full_batch": verdict.compared_in_full_batch,
        "compared_in_full_at": verdict.compared_in_full_at,
    }
    statement = _STATEMENTS["record_audit"].format(audit=sql.Identifier(schema, names.AUDIT_TABLE))
    with session.raw.cursor() as cursor:
        cursor.execute(statement, parameters)


def _document(finding: AuditFinding) -> dict[str, str | None]:
    return {"check": finding.check.value, "dataset": finding.dataset, "message": finding.message}
