"""Connecting to the source database, at first and again after it went away."""

import logging
from dataclasses import dataclass, field

import psycopg2
from psycopg2 import extensions

from data_change_simulator.errors import ConnectionFailed, reason
from data_change_simulator.stop_switch import StopSwitch

_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 15.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionParameters:
    """Where the source database is and who logs in.

    `user` None: the operating system's user name. `password` None: libpq looks into PGPASSWORD, then into the file
    that PGPASSFILE names. The password does not show in the repr.
    """

    host: str = "localhost"
    port: int = 5432
    database: str = "customer_db"
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        who = f" as {self.user}" if self.user else ""
        return f"database {self.database} on {self.host}:{self.port}{who}"

    def connect(self) -> extensions.connection:
        """One new connection, transactions begun implicitly; raises psycopg2.OperationalError."""
        return psycopg2.connect(
            host=self.host,
            port=self.port,
            dbname=self.database,
            user=self.user,
            password=self.password,
            application_name="data-change-simulator",
            connect_timeout=10,
            keepalives=1,
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=3,
            tcp_user_timeout=30_000,
        )


class Link:
    """The one connection of a run, made again whenever it was lost."""

    def __init__(self, parameters: ConnectionParameters, switch: StopSwitch) -> None:
        self._parameters = parameters
        self._switch = switch
        self._connection: extensions.connection | None = None
        self.reconnects = 0

    def open(self) -> None:
        """Connect for the first time; raises ConnectionFailed."""
        self._connection = connect_or_fail(self._parameters)

    def connected(self) -> extensions.connection | None:
        """The connection, waited for with growing pauses if it was lost; None if the switch was pulled meanwhile."""
        if self._connection is None:
            self._connection = self._reconnected()
        return self._connection

    def drop(self) -> None:
        """Give up a connection that is lost."""
        _close(self._connection)
        self._connection = None

    close = drop

    def _reconnected(self) -> extensions.connection | None:
        pause_seconds = _FIRST_PAUSE_SECONDS
        told: str | None = None
        while not self._switch.wait(pause_seconds):
            try:
                connection = self._parameters.connect()
            except psycopg2.OperationalError as error:
                pause_seconds = min(pause_seconds * 2, _LONGEST_PAUSE_SECONDS)
                if reason(error) != told:
                    told = reason(error)
                    _log.warning("no connection yet, tried again every few seconds: %s", told)
            else:
                self.reconnects += 1
                _log.warning("connected again")
                return connection
        return None


def connect_or_fail(parameters: ConnectionParameters) -> extensions.connection:
    """A new connection; raises ConnectionFailed with what was tried and why it failed."""
    try:
        return parameters.connect()
    except psycopg2.OperationalError as error:
        raise ConnectionFailed(f"cannot connect to {parameters}: {reason(error)}") from error


def _close(connection: extensions.connection | None) -> None:
    if connection is not None and not connection.closed:
        connection.close()
