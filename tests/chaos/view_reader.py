"""A consumer that reads the views all the time, also while faults strike: it may only ever see recorded batches."""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

import psycopg2
from psycopg2 import extensions, sql

from datasurface.yellow.plan.streams import StreamPlan
from tests.chaos.landscape import Site, view_name
from tests.chaos.source_writer import FINGERPRINT, Writer
from tests.db.streams import SCHEMA

_PAUSE_SECONDS: Final = 0.02
#: One statement, so one moment: the batch, the version in each view, and what holds in every version of the source.
_LOOK: Final = (
    "SELECT (SELECT batch_id FROM {counter} WHERE key = {key}),"
    " (SELECT name FROM {accounts} WHERE id = 0), (SELECT note FROM {entries} WHERE id = 0),"
    " (SELECT content FROM {notes} WHERE kind = 'version'), {fingerprint},"
    " (SELECT count(*) FROM {entries} AS e WHERE NOT EXISTS (SELECT FROM {accounts} AS a WHERE a.id = e.account)),"
    " (SELECT count(*) FROM {accounts} AS a LEFT JOIN"
    " (SELECT account, sum(amount) AS amount FROM {entries} GROUP BY account) AS e ON e.account = a.id"
    " WHERE a.balance <> coalesce(e.amount, 0))"
)


class ViewReader:
    """A thread that looks at the streams whose datasets are read together; `error` says what should never be seen."""

    def __init__(self, site: Site, writer: Writer, streams: Sequence[StreamPlan]) -> None:
        self._site = site
        self._writer = writer
        self._looks = [(each, _statement(each)) for each in streams]
        self._seen: dict[tuple[str, int], int] = {}
        self._last: Counter[str] = Counter()
        self._connection: extensions.connection | None = None
        self._guard = threading.Lock()
        self._may_read = threading.Event()
        self._is_closing = False
        self.looks = 0
        self.error: str | None = None
        self._thread = threading.Thread(target=self._run, name="reader", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._is_closing = True
        self._may_read.set()
        self._thread.join()
        self._leave()

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Read all through the block."""
        self._may_read.set()
        try:
            yield
        finally:
            self._may_read.clear()
            with self._guard:
                pass

    def forget(self) -> None:
        """The merge database is another one, or went back: batches begin anew."""
        with self._guard:
            self._leave()
            self._seen.clear()
            self._last.clear()
            self.error = None

    def _run(self) -> None:
        while not self._is_closing:
            self._may_read.wait()
            with self._guard, contextlib.suppress(psycopg2.Error):
                if self._connection is None:
                    self._connection = self._site.merge.connection("chaos_merge", "chaos reader")
                    self._connection.autocommit = True
                try:
                    for stream, statement in self._looks:
                        self._look(stream, statement)
                except psycopg2.Error:
                    self._leave()
            time.sleep(_PAUSE_SECONDS)

    def _leave(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _look(self, stream: StreamPlan, statement: sql.Composed) -> None:
        assert self._connection is not None
        with self._connection.cursor() as cursor:
            cursor.execute(statement)
            row = cursor.fetchone() or ()
        self.looks += 1
        batch_id, *found = row
        problem = self._problem(stream.platform, batch_id or 0, found)
        if problem is not None and self.error is None:
            self.error = f"a reader of {stream.platform} in batch {batch_id}: {problem}; it saw {row}"

    def _problem(self, platform: str, batch_id: int, found: list[Any]) -> str | None:
        *stamps, fingerprint, orphans, imbalances = found
        if batch_id == 0:
            return None if set(stamps) == {None} else "rows without a batch"
        if len(set(stamps)) != 1 or None in stamps or orphans or imbalances:
            return "rows that do not fit together"
        version = int(stamps[0])
        state = self._writer.states.get(version)
        if state is None or state.fingerprint != str(fingerprint):
            return "rows that the source never had together"
        return self._order(platform, batch_id, version)

    def _order(self, platform: str, batch_id: int, version: int) -> str | None:
        if self._seen.setdefault((platform, batch_id), version) != version:
            return f"a batch that was version {self._seen[platform, batch_id]} before"
        if batch_id < self._last[platform]:
            return f"a batch after batch {self._last[platform]}"
        self._last[platform] = batch_id
        return None


def _statement(stream: StreamPlan) -> sql.Composed:
    views = {each.dataset: sql.Identifier(SCHEMA, view_name(stream, each.dataset)) for each in stream.tables}
    return sql.SQL(_LOOK).format(
        fingerprint=sql.SQL("({})").format(sql.SQL(FINGERPRINT).format(**views)),
        counter=sql.Identifier(SCHEMA, stream.control.batch_counter),
        key=sql.Literal(stream.stream_key),
        **views,
    )
