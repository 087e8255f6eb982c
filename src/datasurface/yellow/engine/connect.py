"""Opening connections: every database is reached through here, with the same settings on both sides.

Rows are compared as the text that COPY prints, so a setting that changes that text must be equal everywhere. What is
read or written with a session is its caller's; errors of an open session go through `database_errors`.
"""

import contextlib
from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType, TracebackType
from typing import Any, Final, Self

import psycopg2
from psycopg2 import extensions, sql

from datasurface.connections import Endpoint, Login
from datasurface.yellow.engine import database_errors
from datasurface.yellow.engine.cancelling import Canceller
from datasurface.yellow.engine.login_connection import connected


class Purpose(StrEnum):
    """What a session is for; a source can only be read."""

    SOURCE = "source"
    MERGE = "merge"
    CONTROL = "control"


#: Set on every session. The first block decides what a value looks like as text; the second what a server's, a
#: database's or a role's own defaults could otherwise change behind our back.
CANONICAL_SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "DateStyle": "ISO, YMD",
        "TimeZone": "UTC",
        "IntervalStyle": "postgres",
        # Any value above 0 prints the shortest text that reads back as the same float.
        "extra_float_digits": "1",
        "bytea_output": "hex",
        "xmlbinary": "base64",
        "lc_monetary": "C",
        "lc_numeric": "C",
        "standard_conforming_strings": "on",
        "quote_all_identifiers": "off",
        # Nothing is found by accident: names carry their schema. Temporary tables need none.
        "search_path": "pg_catalog",
        # A row policy raises an error instead of silently hiding rows.
        "row_security": "off",
        "jit": "off",
        "default_transaction_isolation": "read committed",
        "default_transaction_deferrable": "off",
        "statement_timeout": "0",
        "lock_timeout": "0",
        "idle_in_transaction_session_timeout": "0",
        "synchronous_commit": "on",
        # A silent peer must not hold a stream's lock for hours; times are seconds, the last one milliseconds.
        "tcp_keepalives_idle": "10",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "3",
        "tcp_user_timeout": "30000",
    }
)

#: By the first version (as libpq counts) that knows them.
_NEWER_SETTINGS: Final = {140000: {"idle_session_timeout": "0"}, 170000: {"transaction_timeout": "0"}}

#: How often a busy server looks whether its client is still there. Not every operating system can.
_CONNECTION_CHECK_MILLISECONDS: Final = "10000"

#: A table of the source that somebody has locked away is waited for so long; then the run is tried again later.
_SNAPSHOT_LOCK_TIMEOUT: Final = "30s"

_NONE: Final[Mapping[str, str]] = MappingProxyType({})

_PARAMETERS: Final[Mapping[str, Any]] = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    # The driver decodes by what was agreed here; a later SET would not reach it.
    "client_encoding": "UTF8",
}


class Session:
    """One open connection; `raw` is the driver's.

    The first statement begins a transaction, `commit` and `rollback` end it. Leaving the `with` block closes the
    connection, which rolls back what was not committed. No thread may use it beside another one, except for `cancel`.
    """

    def __init__(
        self,
        *,
        raw: extensions.connection,
        endpoint: Endpoint,
        username: str,
        snapshot_settings: Mapping[str, str] = _NONE,
    ) -> None:
        self.raw = raw
        self.endpoint = endpoint
        self.username = username
        self._canceller = Canceller(raw)
        self._snapshot_settings = snapshot_settings

    def __repr__(self) -> str:
        return f"Session({self.endpoint} as {self.username})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open on the server, also one that failed."""
        return self.raw.info.transaction_status != extensions.TRANSACTION_STATUS_IDLE

    def begin_snapshot(self, lock: Callable[[], None] | None = None) -> None:
        """Begin a REPEATABLE READ READ ONLY transaction and take its snapshot; it ends with commit or rollback.

        The session must be outside of a transaction. `lock` may lock tables before the snapshot is taken; it must not
        read, because the first statement that does takes the snapshot.
        """
        if self.in_transaction:
            raise RuntimeError(f"{self!r} is in a transaction already; a snapshot needs one of its own")
        with database_errors.reporting(f"beginning a snapshot of {self.endpoint}"), self.raw.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            if self._snapshot_settings:
                cursor.execute(_local(self._snapshot_settings))
            cursor.execute("SET LOCAL lock_timeout = %s", [_SNAPSHOT_LOCK_TIMEOUT])
            if lock is not None:
                lock()
            cursor.execute("SELECT 1")

    def commit(self) -> None:
        """Commit the open transaction, if there is one."""
        with database_errors.reporting(f"committing on {self.endpoint}"):
            self.raw.commit()

    def rollback(self) -> None:
        """Roll the open transaction back, if there is one; never fails, for a connection that is gone has none."""
        with contextlib.suppress(psycopg2.OperationalError, psycopg2.InterfaceError):
            if not self.raw.closed:
                self.raw.rollback()

    def cancel(self) -> None:
        """Ask the server to stop the running statement; safe from another thread and in a signal's handler."""
        self._canceller.cancel()

    def close(self) -> None:
        """Close, which rolls back; never fails, and a second call does nothing."""
        self.raw.close()


def open_session(endpoint: Endpoint, login: Login, *, application_name: str, purpose: Purpose) -> Session:
    """Connect, put `CANONICAL_SETTINGS` in place and return the session, outside of any transaction.

    A pooler may hand a source's connection to other clients after each transaction: there the settings are those of
    snapshots alone. `application_name` is what pg_stat_activity shows. Raises TransientError if the server cannot be
    reached, ModelError if it refuses the login.
    """
    with database_errors.reporting(f"connecting to {endpoint} as {login.username}"):
        raw = connected(endpoint, login, application_name=application_name, parameters=_PARAMETERS)
        try:
            raw.autocommit = True
            settings = _settings(raw, purpose)
            is_shared = purpose is Purpose.SOURCE and _is_pooled(raw)
            if not is_shared:
                _put_settings(raw, settings)
            raw.autocommit = False
        except BaseException:
            raw.close()
            raise
    return Session(
        raw=raw, endpoint=endpoint, username=login.username, snapshot_settings=settings if is_shared else _NONE
    )


def _settings(raw: extensions.connection, purpose: Purpose) -> Mapping[str, str]:
    settings = dict(CANONICAL_SETTINGS)
    for version, newer in _NEWER_SETTINGS.items():
        if raw.server_version >= version:
            settings |= newer
    settings["default_transaction_read_only"] = "on" if purpose is Purpose.SOURCE else "off"
    return settings


def _is_pooled(raw: extensions.connection) -> bool:
    """Whether somebody sits between: a pooler tells its clients a process id of its own making."""
    with raw.cursor() as cursor:
        cursor.execute("SELECT pg_catalog.pg_backend_pid()")
        return bool(cursor.fetchone() != (raw.info.backend_pid,))


def _put_settings(raw: extensions.connection, settings: Mapping[str, str]) -> None:
    calls = sql.SQL(", ").join([sql.SQL("pg_catalog.set_config(%s, %s, false)")] * len(settings))
    with raw.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT {}").format(calls), [text for pair in settings.items() for text in pair])
        with contextlib.suppress(psycopg2.errors.UndefinedObject, psycopg2.errors.InvalidParameterValue):
            cursor.execute("SET client_connection_check_interval = %s", [_CONNECTION_CHECK_MILLISECONDS])


def _local(settings: Mapping[str, str]) -> sql.Composed:
    """Statements that hold until the transaction ends; none of them takes its snapshot, as a SELECT would."""
    return sql.SQL("; ").join(
        sql.SQL("SET LOCAL {} = {}").format(sql.Identifier(name), sql.Literal(text)) for name, text in settings.items()
    )
