"""Starts one of Airflow's processes once its database is there and migrated, in place of this one.

Airflow's processes end when their database is away; started again at once they would end again, with growing pauses
between. This one waits instead. `exec` keeps the process id: Airflow gets the signals itself.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Final, NoReturn

from datasurface.errors import DatasurfaceError, ExitStatus
from datasurface.runtime import logs, waiting
from datasurface.runtime.dags import airflow_url
from datasurface.runtime.settings import read_settings
from datasurface.yellow.engine import airflow_database

WAIT_SECONDS: Final = 900.0
BUNDLES_VARIABLE: Final = "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"
PROCESSOR: Final = "dag-processor"
_LOG: Final = logs.logger("start")


def main(arguments: list[str]) -> NoReturn:
    """Wait, then become `airflow` with these arguments; exit status 75 if the database does not come in time."""
    # A first process of a container takes only signals that it asked for.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(128 + signal.SIGTERM))
    if not arguments:
        sys.exit(ExitStatus.USAGE)
    try:
        settings = read_settings()
        logs.configure(settings.log_format, settings.log_level)
        wait_for_database(_alive_file() if arguments[0] == PROCESSOR else None)
    except DatasurfaceError as error:
        _LOG.error(str(error))
        sys.exit(error.exit_status)
    os.execvp("airflow", ["airflow", *arguments])


def wait_for_database(alive_file: Path | None) -> None:
    """Come back once the tables are at the installed release; the `alive_file` is kept young meanwhile.

    Raises NewerTables at once where they are at a newer one.
    """
    url, release = airflow_url.database_url(), airflow_url.release()

    def attempt() -> None:
        if alive_file is not None:
            alive_file.touch()
        airflow_database.require_migrated(url, release)

    waiting.until_it_works(attempt, seconds=WAIT_SECONDS, log=_LOG, is_worth_waiting=_comes_by_itself)


def _comes_by_itself(error: DatasurfaceError) -> bool:
    return waiting.comes_with_init(error) and not isinstance(error, airflow_database.NewerTables)


def _alive_file() -> Path | None:
    """The file that the bundle touches, as the bundle's own configuration names it."""
    try:
        bundles = json.loads(os.environ.get(BUNDLES_VARIABLE, "[]"))
        found = [bundle.get("kwargs", {}).get("alive_file") for bundle in bundles]
    except (ValueError, AttributeError):
        return None
    return next((Path(path) for path in found if path), None)


if __name__ == "__main__":
    main(sys.argv[1:])
