"""Airflow's database as its environment names it, and the release that its tables have to be at.

Read without loading Airflow, which takes seconds. The URL holds a password: it goes into no message.
"""

import importlib.metadata
import os
import shlex
import subprocess
from typing import Final

from datasurface.errors import ModelError

VARIABLE: Final = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
_PACKAGES: Final = ("apache-airflow", "apache-airflow-providers-fab")


def database_url() -> str:
    """The URL, from the variable or from the command that the variable with `_CMD` names. Raises ModelError."""
    given = os.environ.get(VARIABLE)
    if given:
        return given
    command = os.environ.get(f"{VARIABLE}_CMD")
    if not command:
        raise ModelError("the address of Airflow's database is not known", fix=f"set {VARIABLE}_CMD")
    finished = subprocess.run(shlex.split(command), capture_output=True, encoding="utf-8", check=False)
    if finished.returncode != 0 or not finished.stdout:
        raise ModelError(f"the command of {VARIABLE}_CMD gives no address", fix="mount the file that it reads")
    return finished.stdout


def release() -> str:
    """What the installed Airflow's tables look like: its version, and that of the package with its users' tables."""
    return " ".join(f"{package.rpartition('-')[2]} {importlib.metadata.version(package)}" for package in _PACKAGES)
