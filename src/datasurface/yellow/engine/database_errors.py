"""What a database said, as an error of one of the three families, without any of its data.

SQLSTATE decides the family. Messages of PostgreSQL may quote rows ("Key (id)=(7) already exists"), so only those that
can name nothing but objects are passed on; of the others the error has SQLSTATE, condition and names of objects.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import psycopg2
from psycopg2 import errorcodes

from datasurface.errors import DatasurfaceError, ModelError, TransientError

_TRANSIENT: Final = ("08", "40", "53", "55P03", "57P", "57014", "3D000")
_MODEL: Final = ("28", "42", "22")

#: Classes whose first line names objects, settings and limits, never a value of a row.
_NAMES_ONLY: Final = ("08", "0A", "25", "28", "3D", "3F", "40", "42", "53", "55", "57")

#: A failed connection has no SQLSTATE in the driver; these parts of the server's (English) text stand for one.
_REFUSALS: Final[Mapping[str, str]] = {
    "password authentication failed": "28P01",
    "authentication failed": "28000",
    "no pg_hba.conf entry": "28000",
    "pg_hba.conf rejects connection": "28000",
    "is not permitted to log in": "28000",
    'FATAL:  role "': "28000",
    "permission denied for database": "42501",
    'FATAL:  database "': "3D000",
    "too many clients": "53300",
    "too many connections": "53300",
    "remaining connection slots": "53300",
    "the database system is": "57P03",
}

_FIXES: Final[Mapping[str, str]] = {
    "22021": "Correct the text in the source: its bytes are not valid in its encoding",
    "22P05": "Correct the text in the source, or a name in the model: it has a character that the other encoding lacks",
    "28": "Check the files `username` and `password` of the credential, and the server's pg_hba.conf",
    "3D000": "`datasurface init` makes the databases",
    "42501": "`datasurface init` grants the rights of every role",
    "53300": "Raise max_connections, or run fewer jobs at once",
}

#: What the server says of the place of a value that COPY took in; the value behind it is not passed on.
_COPIED: Final = re.compile(
    r'^COPY (?P<table>.+?), line \d+(?:, column (?P<column>.+?): (?:"|null input))?', re.MULTILINE
)
_REFUSED_VALUE: Final = (
    "Change the value in the source, or let the PostgreSQL of the merge database be as new as the source's"
)


def from_database(error: psycopg2.Error, doing: str) -> DatasurfaceError:
    """The error to raise instead of the driver's; `doing` says what was being done to which object.

    Family: transient for a lost or refused connection and SQLSTATE 08*, 40*, 53*, 55P03, 57P*, 57014, 3D000; model for
    28*, 42*, 22*; for anything else a DatasurfaceError without a family. Raise it `from None`: the driver's error holds
    the row, and a printed chain of causes would show it.
    """
    sqlstate = error.pgcode or _inferred(error)
    if sqlstate is None:
        return _without_sqlstate(error, doing)
    fix = next((text for prefix, text in _FIXES.items() if sqlstate.startswith(prefix)), None)
    if fix is None and sqlstate.startswith("22") and _copied(error):
        fix = _REFUSED_VALUE
    return _family(sqlstate)(f"{doing}: {_description(error, sqlstate)}", fix=fix)


@contextmanager
def reporting(doing: str) -> Iterator[None]:
    """Turn a driver's error inside the block into `from_database`'s."""
    try:
        yield
    except psycopg2.Error as error:
        raise from_database(error, doing) from None


def _family(sqlstate: str) -> type[DatasurfaceError]:
    if sqlstate.startswith(_TRANSIENT):
        return TransientError
    return ModelError if sqlstate.startswith(_MODEL) else DatasurfaceError


def _inferred(error: psycopg2.Error) -> str | None:
    text = str(error)
    return next((sqlstate for part, sqlstate in _REFUSALS.items() if part in text), None)


def _without_sqlstate(error: psycopg2.Error, doing: str) -> DatasurfaceError:
    """The driver's own errors: of the connection, or of how it was called.

    A plain DatabaseError is what the driver makes of a COPY whose connection went away.
    """
    of_connection = isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError)
    if of_connection or type(error) is psycopg2.DatabaseError:
        return TransientError(f"{doing}: {_first_line(error)}")
    return DatasurfaceError(f"{doing}: {type(error).__name__} of the driver")


def _description(error: psycopg2.Error, sqlstate: str) -> str:
    diag = error.diag
    condition = f"{sqlstate} {_condition(sqlstate)}"
    if error.pgcode is None:
        return f"{_refusal_line(error)} ({condition})"
    if sqlstate.startswith(_NAMES_ONLY) and not (diag.message_detail or diag.context) and diag.message_primary:
        return f"{diag.message_primary.splitlines()[0]} ({condition})"
    table = ".".join(name for name in (diag.schema_name, diag.table_name) if name)
    objects: Mapping[str, str | None] = {"table": table, "column": diag.column_name, "constraint": diag.constraint_name}
    if not any(objects.values()):
        objects = _copied(error)
    named = ", ".join(f"{kind} {name}" for kind, name in objects.items() if name)
    return f"{condition} ({named})" if named else condition


def _copied(error: psycopg2.Error) -> Mapping[str, str | None]:
    """Table and column of a value that `COPY … FROM` could not take; empty for any other error."""
    found = _COPIED.search(error.diag.context or "")
    return {} if found is None else found.groupdict()


def _condition(sqlstate: str) -> str:
    try:
        return errorcodes.lookup(sqlstate).lower()
    except KeyError:
        return "unknown condition"


def _refusal_line(error: psycopg2.Error) -> str:
    """The line that decides: of a host with several addresses each has its own, and the first may just be down."""
    lines = str(error).splitlines()
    return next((line.strip() for line in lines if any(part in line for part in _REFUSALS)), _first_line(error))


def _first_line(error: psycopg2.Error) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
