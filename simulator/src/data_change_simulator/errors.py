"""What can stop the simulator for good. Messages carry no password and no value of a row."""

import psycopg2


class SimulatorError(Exception):
    """The simulator cannot go on; the message says why and what to do."""


class ConnectionFailed(SimulatorError):
    """The first connection could not be made: wrong address, server down, or login refused."""


class TablesUnfit(SimulatorError):
    """The tables customers and addresses are missing or lack columns."""


class ChangeRefused(SimulatorError):
    """The database refused a change for a reason that trying again does not cure."""


class LogUnusable(SimulatorError):
    """A line is not one that this simulator's JSON log holds."""


def reason(error: psycopg2.Error) -> str:
    """Why the database said no, in one line: its primary message and SQLSTATE.

    The detail is left out, since it may quote a row; so is the context, since it may quote a statement.
    """
    diagnostics = getattr(error, "diag", None)
    primary = (diagnostics.message_primary if diagnostics else None) or str(error)
    first_line = primary.strip().partition("\n")[0] or type(error).__name__
    return f"{first_line} (SQLSTATE {error.pgcode})" if error.pgcode else first_line
