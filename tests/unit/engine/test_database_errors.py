"""Errors that the driver reports without SQLSTATE: failed connections, and misuse."""

import psycopg2
import pytest

from datasurface.errors import DatasurfaceError, ModelError, TransientError
from datasurface.yellow.engine.database_errors import from_database

AT = 'connection to server at "db" (10.0.0.1), port 5432 failed: '
#: What libpq says, and the family and SQLSTATE that it stands for.
REFUSALS = {
    'FATAL:  password authentication failed for user "u"': (ModelError, "28P01"),
    'FATAL:  PAM authentication failed for user "u"': (ModelError, "28000"),
    'FATAL:  no pg_hba.conf entry for host "h", user "u", database "d", no encryption': (ModelError, "28000"),
    'FATAL:  role "u" is not permitted to log in': (ModelError, "28000"),
    'FATAL:  role "u" does not exist': (ModelError, "28000"),
    'FATAL:  permission denied for database "d"': (ModelError, "42501"),
    'FATAL:  database "d" does not exist': (TransientError, "3D000"),
    "FATAL:  sorry, too many clients already": (TransientError, "53300"),
    "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute": (TransientError, "53300"),
    "FATAL:  the database system is starting up": (TransientError, "57P03"),
}


@pytest.mark.parametrize("text", REFUSALS)
def test_a_refused_connection_is_told_by_its_text(text: str) -> None:
    """The driver has no SQLSTATE of a failed connection; the server's words give family and condition."""
    family, sqlstate = REFUSALS[text]

    error = from_database(psycopg2.OperationalError(f"{AT}{text}\n"), "connecting")

    assert type(error) is family
    assert error.message.startswith(f"connecting: {AT}{text} ({sqlstate} ")


def test_of_several_addresses_the_one_that_decides_is_shown() -> None:
    """An address that is down comes first in the driver's text; what the other one said is the reason."""
    text = (
        f'{AT}Connection refused\n\tIs the server running?\n{AT}FATAL:  password authentication failed for user "u"\n'
    )

    error = from_database(psycopg2.OperationalError(text), "connecting")

    assert isinstance(error, ModelError)
    assert "password authentication failed" in error.message
    assert "Connection refused" not in error.message


@pytest.mark.parametrize(
    "error",
    [
        psycopg2.OperationalError("could not translate host name"),
        psycopg2.OperationalError("server closed the connection unexpectedly\n\tThis probably means"),
        psycopg2.InterfaceError("connection already closed"),
        psycopg2.DatabaseError("error with status PGRES_TUPLES_OK and no message from the libpq"),
        psycopg2.OperationalError(""),
    ],
    ids=lambda error: str(error)[:20] or "nothing",
)
def test_a_lost_connection_is_transient_and_one_line(error: psycopg2.Error) -> None:
    """Whatever the driver calls it; its hints on further lines are left out."""
    found = from_database(error, "copying")

    assert type(found) is TransientError
    assert "\n" not in found.message


@pytest.mark.parametrize("kind", [psycopg2.ProgrammingError, psycopg2.NotSupportedError, psycopg2.DataError])
def test_a_misuse_of_the_driver_is_no_family(kind: type[psycopg2.Error]) -> None:
    """Its text may quote what was passed in, so only its kind is told."""
    found = from_database(kind("can't adapt 'Zx9-secret'"), "writing")

    assert type(found) is DatasurfaceError
    assert found.message == f"writing: {kind.__name__} of the driver"
