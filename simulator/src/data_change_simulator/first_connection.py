"""The first connection of a run, and waiting for a source that somebody is about to make. Later ones: connection.py.

A pod may start before its server does, and before login, database and tables are made; which of them is missing cannot
always be told (a server says of an unknown login that its password is wrong), so all of it is waited for alike.
"""

import logging
import time
from contextlib import closing
from typing import Final

from psycopg2 import extensions

from data_change_simulator.connection import ConnectionParameters, connect_or_fail
from data_change_simulator.errors import ConnectionFailed, TablesUnfit
from data_change_simulator.source import Source
from data_change_simulator.stop_switch import StopSwitch

_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 5.0

_log = logging.getLogger(__name__)


def wait_for_source(
    parameters: ConnectionParameters, switch: StopSwitch, *, wait_seconds: float, with_tables: bool
) -> bool:
    """Whether the source is there; False if the switch was pulled before. Looks at the tables only `with_tables`.

    Waits at most `wait_seconds`, logging a line whenever what is missing changes; then raises ConnectionFailed or
    TablesUnfit.
    """
    began = time.monotonic()
    pause_seconds = _FIRST_PAUSE_SECONDS
    told: str | None = None
    while not switch.is_pulled:
        try:
            _look(parameters, with_tables=with_tables)
        except (ConnectionFailed, TablesUnfit) as error:
            left_seconds = began + wait_seconds - time.monotonic()
            if left_seconds <= 0:
                raise
            if str(error) != told:
                told = str(error)
                _log.warning("waiting for at most %.0f s: %s", left_seconds, told)
            switch.wait(min(pause_seconds, left_seconds))
            pause_seconds = min(pause_seconds * 2, _LONGEST_PAUSE_SECONDS)
        else:
            if told is not None:
                _log.warning("the source is there, after %.0f s", time.monotonic() - began)
            return True
    return False


def _look(parameters: ConnectionParameters, *, with_tables: bool) -> None:
    connection: extensions.connection = connect_or_fail(parameters)
    with closing(connection):
        if with_tables:
            with connection.cursor() as cursor:
                Source(cursor).columns()
