"""What every command that works on the databases begins with: the settings and the connections file."""

from collections.abc import Iterator
from contextlib import contextmanager

from datasurface.connections import Connections, load_connections
from datasurface.runtime import logs
from datasurface.runtime.settings import read_settings
from datasurface.yellow.engine.connect import Purpose, Session, open_session
from datasurface.yellow.engine.links import Links


def connections() -> Connections:
    """The connections of this environment; also sets up the log. Raises ModelError."""
    settings = read_settings()
    logs.configure(settings.log_format, settings.log_level)
    return load_connections(settings.connections)


def connected(command: str) -> Links:
    """Sessions for a command that works as the jobs do; `command` is what pg_stat_activity shows."""
    return Links(connections(), application_name=f"datasurface {command}")


@contextmanager
def monitoring() -> Iterator[tuple[Session, str]]:
    """A session of the merge database that may read the control tables, and the schema they are in."""
    known = connections()
    endpoint, login = known.merge("monitor")
    with open_session(endpoint, login, application_name="datasurface status", purpose=Purpose.MERGE) as session:
        yield session, known.merge_schema
