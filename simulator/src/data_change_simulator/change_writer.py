"""Commits changes one at a time, each exactly once, whatever happens to the connection. Pace: simulator.py.

A connection lost before COMMIT was sent: nothing was written, the change is planned again. Lost after: the change may
have been committed or not; the server is asked for the fate of its transaction after reconnecting.
"""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from random import Random

import psycopg2
from psycopg2 import extensions

from data_change_simulator import operations
from data_change_simulator.changes import PlannedChange, RowChange, RowKey
from data_change_simulator.connection import Link
from data_change_simulator.errors import ChangeRefused, reason
from data_change_simulator.people import People
from data_change_simulator.queries import QUERIES
from data_change_simulator.situation import Ids, Situation
from data_change_simulator.source import Source
from data_change_simulator.stop_switch import StopSwitch

_MOST_CONFLICTS = 20
_PAUSE_AFTER_CONFLICT_SECONDS = 0.05
_PAUSE_WHILE_BLOCKED_SECONDS = 1.0

# SQLSTATEs by their beginning.
_CONNECTION_LOST = ("08", "57P")
#: A lock or a resource that somebody else holds: it is waited for as long as it takes.
_BLOCKED = ("53", "55P03", "57014")
#: Another writer came first (serialization, deadlock, unique and foreign keys): planned anew, some times.
_CONFLICT = ("40", "23505", "23503")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenChange:
    """A change whose statements have run; `transaction_id` is the server's 64-bit one."""

    planned: PlannedChange
    rows: tuple[RowChange, ...]
    transaction_id: str


class Fate(Enum):
    """What became of a transaction whose COMMIT got no answer."""

    COMMITTED = auto()
    NOT_COMMITTED = auto()
    STILL_RUNNING = auto()


class NothingChanged(Exception):
    """The statements left every row as it was: another writer came first."""


class ChangeWriter:
    """Plans and commits changes over one link; the ids it gave out are remembered."""

    def __init__(self, *, seed: int, link: Link, switch: StopSwitch, ids: Ids, people: People) -> None:
        self._seed = seed
        self._link = link
        self._switch = switch
        self._ids = ids
        self._people = people
        self._in_doubt: WrittenChange | None = None
        self._conflicts = 0

    @property
    def is_in_doubt(self) -> bool:
        """Whether the run was stopped while it was unknown if the last change had been committed."""
        return self._in_doubt is not None

    def commit_change(self, n: int) -> WrittenChange | None:
        """Commit the change number `n`; None if the switch was pulled before one was committed.

        Raises TablesUnfit or ChangeRefused, with nothing written.
        """
        self._conflicts = 0
        while (connection := self._link.connected()) is not None and not self._switch.is_pulled:
            try:
                written = self._settled(connection) or self._committed(connection, n)
            except (psycopg2.Error, NothingChanged) as error:
                self._recover(connection, error)
                continue
            if written is not None:
                for row in written.planned.keys:
                    self._ids.keep(row.table, row.key)
                return written
        return None

    def _committed(self, connection: extensions.connection, n: int) -> WrittenChange | None:
        """One attempt; None while the fate of the attempt before is open."""
        if self._in_doubt is not None:
            return None
        written = self._written(connection, n)
        self._in_doubt = written
        try:
            connection.commit()
        except psycopg2.Error as error:
            if not is_connection_lost(connection, error):
                self._in_doubt = None
            raise
        self._in_doubt = None
        return written

    def _written(self, connection: extensions.connection, n: int) -> WrittenChange:
        with connection.cursor() as cursor:
            cursor.execute(QUERIES["limit_waiting"])
            source = Source(cursor)
            planned = operations.choose(self._situation(source, n))
            before = source.locked_hashes(planned.keys)
            for statement in planned.statements:
                cursor.execute(statement.text, statement.parameters)
            rows = row_changes(planned.keys, before, source.locked_hashes(planned.keys))
            if not rows:
                raise NothingChanged
            return WrittenChange(planned=planned, rows=rows, transaction_id=_transaction_id(cursor))

    def _situation(self, source: Source, n: int) -> Situation:
        # Every change has random numbers of its own, so that one tried again after a failure comes out the same.
        rng = Random(f"{self._seed}:{n}")
        self._people.reseed(rng)
        return Situation(
            source=source,
            columns=source.columns(),
            ids=self._ids,
            rng=rng,
            people=self._people,
            now=datetime.now(UTC).replace(tzinfo=None),
        )

    def _settled(self, connection: extensions.connection) -> WrittenChange | None:
        """The change in doubt, if it turns out to be committed; forgets it if not; waits a moment while it runs."""
        if self._in_doubt is None:
            return None
        fate = transaction_fate(connection, self._in_doubt)
        _log.warning("the change whose commit got no answer: %s", fate.name.replace("_", " ").lower())
        if fate is Fate.STILL_RUNNING:
            self._switch.wait(0.5)
            return None
        settled, self._in_doubt = self._in_doubt, None
        return settled if fate is Fate.COMMITTED else None

    def _recover(self, connection: extensions.connection, error: psycopg2.Error | NothingChanged) -> None:
        """Make the link usable for another attempt, or raise ChangeRefused where none can help."""
        if isinstance(error, psycopg2.Error) and is_connection_lost(connection, error):
            _log.warning("connection lost: %s", reason(error))
            self._link.drop()
            return
        try:
            connection.rollback()
        except psycopg2.Error:
            self._link.drop()
        why, state = "another writer changed the same rows", _CONFLICT[0]
        if isinstance(error, psycopg2.Error):
            why, state = reason(error), error.pgcode or ""
        if state.startswith(_BLOCKED):
            _log.warning("blocked, tried again in %g s: %s", _PAUSE_WHILE_BLOCKED_SECONDS, why)
            self._switch.wait(_PAUSE_WHILE_BLOCKED_SECONDS)
            return
        self._conflicts += 1
        if self._conflicts >= _MOST_CONFLICTS or not state.startswith(_CONFLICT):
            # Not chained: the driver's error quotes the row.
            raise ChangeRefused(f"the database refused a change: {why}") from None
        self._switch.wait(_PAUSE_AFTER_CONFLICT_SECONDS * self._conflicts)


def row_changes(keys: tuple[RowKey, ...], before: dict[RowKey, str], after: dict[RowKey, str]) -> tuple[RowChange, ...]:
    """The rows of `keys` whose hashes differ, by table and key."""
    return tuple(
        RowChange(table=row.table, key=row.key, before=before.get(row), after=after.get(row))
        for row in sorted(set(keys))
        if before.get(row) != after.get(row)
    )


def is_connection_lost(connection: extensions.connection, error: psycopg2.Error) -> bool:
    """Whether the session is gone, as against a statement that failed in a session that goes on."""
    if connection.closed or (error.pgcode or "").startswith(_CONNECTION_LOST):
        return True
    is_of_the_session = isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError)
    return error.pgcode is None and (is_of_the_session or type(error) is psycopg2.DatabaseError)


def transaction_fate(connection: extensions.connection, written: WrittenChange) -> Fate:
    """What became of a transaction of an earlier session; ends the transaction it reads in.

    An id that was never written down may be given again after a crash, and then the status is another transaction's:
    so committed counts only if the rows are not all as before.
    """
    with connection.cursor() as cursor:
        cursor.execute(QUERIES["limit_waiting"])
        try:
            cursor.execute(QUERIES["transaction_status"], {"transaction_id": written.transaction_id})
            row = cursor.fetchone()
        except psycopg2.errors.InvalidParameterValue:
            # The server does not know the id: it crashed before the transaction reached its log.
            connection.rollback()
            return Fate.NOT_COMMITTED
        status = row[0] if row else None
        if status == "in progress":
            connection.rollback()
            return Fate.STILL_RUNNING
        now = Source(cursor).locked_hashes(RowKey(table=row.table, key=row.key) for row in written.rows)
    connection.rollback()
    is_as_before = all(now.get(RowKey(table=row.table, key=row.key)) == row.before for row in written.rows)
    return Fate.NOT_COMMITTED if status == "aborted" or is_as_before else Fate.COMMITTED


def _transaction_id(cursor: extensions.cursor) -> str:
    cursor.execute(QUERIES["current_transaction"])
    row = cursor.fetchone()
    if row is None:
        raise ChangeRefused("the database gave no transaction id")
    return str(row[0])
