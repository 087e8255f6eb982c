"""Brings Airflow's own database to the installed release and makes its administrator, in one process.

Name and password come from files: no argument, environment or log holds them. It can be run again at any time; a
changed password file changes the password.
"""

import signal
import sys
from pathlib import Path
from typing import Final

from datasurface.connections import read_password
from datasurface.errors import DatasurfaceError, ExitStatus, StateError, UsageError
from datasurface.runtime import logs, waiting
from datasurface.runtime.dags import airflow_url
from datasurface.runtime.settings import read_settings
from datasurface.yellow.engine import airflow_database

WAIT_SECONDS: Final = 600.0
SECRETS: Final = Path("/etc/datasurface/airflow")
ADMIN_ROLE: Final = "Admin"
#: FAB wants one; nothing is sent there.
_MAIL: Final = "admin@localhost"
_LOG: Final = logs.logger("migrate")


def main(arguments: list[str]) -> int:
    """`migrate [DIRECTORY]`: the directory holds admin_username and admin_password. The exit status is the family's."""
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(128 + signal.SIGTERM))
    try:
        settings = read_settings()
        logs.configure(settings.log_format, settings.log_level)
        if arguments[:1] != ["migrate"] or len(arguments) > len(("migrate", "directory")):
            raise UsageError("usage: python -m datasurface.runtime.dags.metadata_database migrate [DIRECTORY]")
        migrate(Path(arguments[1]) if arguments[1:] else SECRETS)
    except DatasurfaceError as error:
        _LOG.error(str(error))
        return error.exit_status
    return ExitStatus.DONE


def migrate(secrets: Path) -> None:
    """Wait for the database, upgrade its tables, make or change the administrator, then say that all is done.

    Raises NewerTables, before anything is touched, where a newer release has upgraded them already.
    """
    username = read_password(secrets / "admin_username", option="the directory of secrets")
    password = read_password(secrets / "admin_password", option="the directory of secrets")
    url = airflow_url.database_url()
    waiting.until_it_works(
        lambda: airflow_database.require_database(url),
        seconds=WAIT_SECONDS,
        log=_LOG,
        is_worth_waiting=waiting.comes_with_init,
    )
    airflow_database.require_not_newer(url, airflow_url.release())
    upgrade()
    make_administrator(username, password)
    airflow_database.record_migrated(url, airflow_url.release())
    _LOG.info("Airflow's database is ready", release=airflow_url.release())


def upgrade() -> None:
    """Bring every table to the installed release; Airflow's own lock lets one process at a time do so."""
    from airflow.utils import db  # noqa: PLC0415 (it connects; waited for above)

    db.upgradedb()


def make_administrator(username: str, password: str) -> None:
    """Make the user with all rights, or give it this password. Raises StateError if neither can be done."""
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder  # noqa: PLC0415

    with get_application_builder() as application:
        users = application.sm
        users.sync_roles()
        user = users.find_user(username)
        if user is not None:
            users.reset_password(user.id, password)
        elif not users.add_user(username, "Platform", "Administrator", _MAIL, users.find_role(ADMIN_ROLE), password):
            raise StateError(f"the administrator {username!r} cannot be made in Airflow's database")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
