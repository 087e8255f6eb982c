"""Whether a stream is what it has to be: after every run its batch, and when all is quiet everything.

All is read straight from the servers, never through the proxies.
"""

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from psycopg2 import extensions, sql

from datasurface.yellow.plan.streams import StreamPlan
from tests.chaos.landscape import FORENSIC, TABLES, Site, view_name
from tests.chaos.oracle import KEYS, Expected
from tests.chaos.source_writer import Writer, rows_of
from tests.db.streams import SCHEMA

OPEN: Final = 2147483647
_SESSIONS_END_SECONDS: Final = 5
_STAMPS = {
    "accounts": "(SELECT name FROM {} WHERE id = 0)",
    "entries": "(SELECT note FROM {} WHERE id = 0)",
    "notes": "(SELECT content FROM {} WHERE kind = 'version')",
}


class Violation(Exception):
    """Something is lost, doubled, half-applied, or needs a hand."""


class StreamCheck:
    """One stream of a site against the oracle."""

    def __init__(self, site: Site, stream: StreamPlan, writer: Writer) -> None:
        self.site = site
        self.stream = stream
        self.writer = writer
        self.name = f"{stream.platform}/{stream.stream_key}"
        self.expected = Expected(datasets=[each.dataset for each in stream.tables], states=writer.states)
        self.is_forensic = stream.strategy is FORENSIC

    @property
    def arguments(self) -> tuple[str, ...]:
        """How the command line names the stream."""
        dataset = ("--dataset", self.stream.dataset) if self.stream.dataset else ()
        return ("--platform", self.stream.platform, "--store", self.stream.store, *dataset)

    def observe(self, *, may_go_back: bool = False) -> None:
        """Look which batch the stream is at, after a run: the last known one, or the next."""
        batch_id, versions = self._present()
        known = self.expected.batch_id
        if may_go_back and batch_id < known:
            self.expected.rewind(batch_id)
            known = batch_id
        if batch_id not in (known, known + 1):
            raise Violation(f"{self.name} is at batch {batch_id} after batch {known}")
        if batch_id and len(versions) != 1:
            raise Violation(f"{self.name} batch {batch_id} mixes versions of the source: {versions}")
        version = next(iter(versions)) if batch_id else None
        if batch_id == 0:
            if versions - {None}:
                raise Violation(f"{self.name} has no batch, but rows of version {versions}")
        elif batch_id == known:
            if version != self.expected.taken[-1]:
                raise Violation(f"{self.name} batch {batch_id} was version {self.expected.taken[-1]}, is {version}")
        elif version not in self.writer.states:
            raise Violation(f"{self.name} batch {batch_id} holds version {version}, which never was in the source")
        else:
            self.expected.take(version)

    def _present(self) -> tuple[int, set[Any]]:
        """The counter's batch, and the stamps that the tables of the stream have, all of one moment."""
        stamps = sql.SQL(", ").join(
            sql.SQL(_STAMPS[each.dataset]).format(sql.Identifier(SCHEMA, view_name(self.stream, each.dataset)))
            for each in self.stream.tables
        )
        query = sql.SQL("SELECT (SELECT batch_id FROM {} WHERE key = {}), {}").format(
            sql.Identifier(SCHEMA, self.stream.control.batch_counter), sql.Literal(self.stream.stream_key), stamps
        )
        with self.site.merge.connected("chaos_merge") as session, session.cursor() as cursor:
            cursor.execute(query)
            batch_id, *found = cursor.fetchone() or (0,)
        return batch_id or 0, {None if text is None else int(text) for text in found}

    def recorded(self) -> None:
        """The merge tables hold what the last committed batch recorded, whatever the source holds."""
        with self.site.merge.connected("chaos_merge") as merge:
            for each in self.stream.tables:
                self._versions(merge, each.dataset, each.merge_table)
            self._batches(merge, at_rest=False)

    def settled(self) -> None:
        """Everything, when the source is at rest and the last look found nothing."""
        now = self.writer.state
        if not self.expected.taken or self.expected.taken[-1] != now.version:
            at = self.expected.taken[-1:] or "no version"
            raise Violation(f"{self.name} is at rest with version {at}, the source has {now.version}")
        with (
            self.site.source.connected("chaos_source") as source,
            self.site.merge.connected("chaos_merge") as merge,
        ):
            for each in self.stream.tables:
                self._equality(source, merge, each.dataset)
                self._versions(merge, each.dataset, each.merge_table)
            self._batches(merge, at_rest=True)
            for server in (source, merge):
                self._no_sessions(server)

    def _equality(self, source: Any, merge: Any, dataset: str) -> None:
        """View and source hold the same rows, each as often: EXCEPT ALL both ways, on two servers."""
        names = _columns(dataset)
        in_source = rows_of(source, sql.SQL("SELECT {} FROM {}").format(names, sql.Identifier(SCHEMA, dataset)))
        view = sql.Identifier(SCHEMA, view_name(self.stream, dataset))
        in_view = rows_of(merge, sql.SQL("SELECT {} FROM {}").format(names, view))
        self._same(in_source, self.writer.state.rows(dataset), f"the oracle itself is wrong of {dataset}")
        self._same(in_view, in_source, f"{dataset} is not the source's")

    def _versions(self, merge: Any, dataset: str, merge_table: str) -> None:
        """Every row of the merge table, with its batches, is what the snapshots of the source make it."""
        names = _columns(dataset)
        versions = self.expected.tables[dataset]
        table = sql.Identifier(SCHEMA, merge_table)
        if not self.is_forensic:
            rows = rows_of(merge, sql.SQL("SELECT ds_surf_batch_id, {} FROM {}").format(names, table))
            if KEYS[dataset]:
                self._same(rows, _flat(versions.present()), f"{dataset}: batch ids of rows")
            return
        query = sql.SQL("SELECT ds_surf_batch_in, ds_surf_batch_out, {} FROM {}").format(names, table)
        wanted = Counter({(since, OPEN, *row): n for (since, row), n in versions.present().items()})
        wanted.update({(since, until, *row): n for (since, until, row), n in versions.closed.items()})
        found = rows_of(merge, query)
        if KEYS[dataset]:
            self._same(found, wanted, f"{dataset}: the history")
            return
        # Which of equal rows leaves is nobody's matter: when how many came and went is.
        for column, what in ((0, "beginnings"), (1, "ends")):
            self._same(_by(found, column), _by(wanted, column), f"{dataset}: {what} in the history")
        if any(since > until for since, until, *_ in found):
            raise Violation(f"{self.name}: {dataset} has a version that ends before it begins")

    def _same(self, found: Counter[Any], wanted: Counter[Any], what: str) -> None:
        if found != wanted:
            surplus, missing = found - wanted, wanted - found
            raise Violation(
                f"{self.name} batch {self.expected.batch_id}: {what}: {surplus.total()} too many "
                f"({list(surplus)[:3]}), {missing.total()} missing ({list(missing)[:3]})"
            )

    def _batches(self, merge: Any, *, at_rest: bool) -> None:
        """Every batch is there once, committed, with true counts and sane times; at rest none is unfinished."""
        query = sql.SQL(
            "SELECT batch_id, batch_status, records_inserted, records_updated, records_deleted, total_records,"
            " batch_start_time <= batch_end_time AND batch_end_time >= coalesce(lag(batch_end_time) OVER by_id,"
            " batch_end_time) FROM {} WHERE key = {} WINDOW by_id AS (ORDER BY batch_id) ORDER BY batch_id"
        ).format(sql.Identifier(SCHEMA, self.stream.control.batch_metrics), sql.Literal(self.stream.stream_key))
        found = [row for row in _fetched(merge, query) if at_rest or row[1] == "committed"]
        wanted = []
        for batch_id in range(1, self.expected.batch_id + 1):
            counts = self.expected.counts(batch_id)
            wanted.append((batch_id, "committed", counts.inserted, counts.updated, counts.deleted, counts.total, True))
        if found != wanted:
            different = [pair for pair in zip(found, wanted, strict=False) if pair[0] != pair[1]][:3]
            raise Violation(
                f"{self.name}: batches (found, wanted) {different}, "
                f"{len(found)} of {len(wanted)}: {found[len(wanted) :]}{wanted[len(found) :]}"
            )

        query = sql.SQL("SELECT checked_at <= clock_timestamp() FROM {} WHERE key = {}").format(
            sql.Identifier(SCHEMA, self.stream.control.batch_counter), sql.Literal(self.stream.stream_key)
        )
        if at_rest and _fetched(merge, query) != [(True,)]:
            raise Violation(f"{self.name}: checked_at is later than the server's clock")

    def _no_sessions(self, server: Any) -> None:
        """No session of a job outlives it for long."""
        query = sql.SQL("SELECT pid, state, query FROM pg_stat_activity WHERE application_name = 'datasurface job'")
        deadline = time.monotonic() + _SESSIONS_END_SECONDS
        while left := _fetched(server, query):
            if time.monotonic() > deadline:
                raise Violation(f"{self.name}: sessions of dead jobs stay: {left}")
            time.sleep(0.05)


def _columns(dataset: str) -> sql.Composed:
    names = [each.name for table in TABLES if table.dataset == dataset for each in table.columns]
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _fetched(connection: extensions.connection, query: sql.Composable) -> Sequence[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def _flat(rows: Counter[Any]) -> Counter[Any]:
    return Counter({(since, *row): times for (since, row), times in rows.items()})


def _by(versions: Counter[Any], column: int) -> Counter[Any]:
    """How often a row has a batch in one of the two columns."""
    found: Counter[Any] = Counter()
    for version, times in versions.items():
        found[version[column], version[2:]] += times
    return found
