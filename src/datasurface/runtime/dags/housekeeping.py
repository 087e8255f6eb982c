"""The DAG that clears Airflow's own past: rows of its metadata database and logs, both older than the retention.

It touches nothing of the platform's data: batches, plans and views belong to the platforms' infrastructure DAGs.
"""

import logging
import os
import subprocess
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from airflow.configuration import conf
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, CronTriggerTimetable

from datasurface.errors import TransientError
from datasurface.yellow.plan import names

DAY_SECONDS: Final = 86_400
#: A task process is cut off from the metadata database by these; the program that clears it needs the way back.
BLOCKING_VARIABLES: Final = frozenset(
    {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "AIRFLOW__CORE__SQL_ALCHEMY_CONN", "_AIRFLOW_PROCESS_CONTEXT"}
)
_LOG: Final = logging.getLogger(__name__)


def housekeeping_dag(document: Mapping[str, Any]) -> DAG:
    """The DAG, with `schedule` (cron, UTC) and `retention_days` of the document."""
    with DAG(
        dag_id=names.HOUSEKEEPING_DAG,
        description="Clears Airflow's metadata database and logs",
        schedule=CronTriggerTimetable(document["schedule"], timezone="UTC"),
        catchup=False,
        max_active_runs=1,
        tags=["housekeeping"],
        default_args={"retries": 2, "retry_delay": timedelta(minutes=5)},
    ) as dag:
        days = {"retention_days": document["retention_days"]}
        PythonOperator(task_id="clean_metadata", python_callable=clean_metadata, op_kwargs=days)
        PythonOperator(task_id="prune_logs", python_callable=prune_logs, op_kwargs=days)
    return dag


def clean_metadata(retention_days: int) -> None:
    """Delete rows of runs that ended before the retention, by Airflow's own command. Raises TransientError."""
    before = datetime.now(UTC) - timedelta(days=retention_days)
    environment = {name: value for name, value in os.environ.items() if name not in BLOCKING_VARIABLES}
    command = ["airflow", "db", "clean", "--clean-before-timestamp", before.isoformat(timespec="seconds")]
    finished = subprocess.run(
        [*command, "--skip-archive", "--yes", "--error-on-cleanup-failure"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    for line in finished.stdout.splitlines():
        _LOG.info("%s", line)
    if finished.returncode != 0:
        raise TransientError(f"`airflow db clean` ended with status {finished.returncode}; its last lines are above")


def prune_logs(retention_days: int) -> int:
    """Delete log files older than the retention, and folders that have been empty for a day; how many files went."""
    folder = Path(conf.get("logging", "base_log_folder"))
    count = pruned(folder, older_than=time.time() - retention_days * DAY_SECONDS)
    _LOG.info("%d log files older than %d days deleted from %s", count, retention_days, folder)
    return count


def pruned(folder: Path, *, older_than: float) -> int:
    """Delete files last written before the moment `older_than`; links are left alone and not followed."""
    count = 0
    empty_since = time.time() - DAY_SECONDS
    for parent, folders, files in os.walk(folder, topdown=False):
        for name in files:
            count += _deleted(Path(parent, name), older_than)
        for name in folders:
            _remove_if_empty(Path(parent, name), empty_since)
    return count


def _deleted(file: Path, older_than: float) -> bool:
    """A file that somebody else deletes meanwhile is gone just as well."""
    try:
        if file.is_symlink() or file.stat().st_mtime >= older_than:
            return False
        file.unlink()
    except FileNotFoundError:
        return False
    return True


def _remove_if_empty(folder: Path, empty_since: float) -> None:
    """A folder made a moment ago may be about to get its first log."""
    try:
        if not folder.is_symlink() and folder.stat().st_mtime < empty_since and not any(folder.iterdir()):
            folder.rmdir()
    except OSError:
        _LOG.debug("%s stays", folder)
