"""What the Airflow image can do."""

from __future__ import annotations

import pytest

NAME = "datasurface-airflow"
IMPORTS = """
import asyncpg, jinja2, psycopg2
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.fab.auth_manager.fab_auth_manager import FabAuthManager
print(KubernetesPodOperator.__name__, FabAuthManager.__name__)
"""


@pytest.mark.row("K06")
def test_airflow_starts_on_a_read_only_root(run_in):
    """Airflow does not try to write a configuration file, and is the version that is locked."""
    assert run_in(NAME, "airflow", "version").splitlines()[-1] == "3.3.2"


@pytest.mark.row("K06")
def test_operator_login_and_drivers_can_be_imported(run_in):
    """The operator of job pods, the login with users and roles, and both drivers of its database are inside."""
    assert run_in(NAME, "python", "-c", IMPORTS).splitlines()[-1] == "KubernetesPodOperator FabAuthManager"


def test_bundle_and_operator_of_datasurface_can_be_imported(run_in):
    """Every module of the DAG part finds what it imports."""
    assert int(run_in(NAME, "datasurface.runtime.dags", script="import_all.py").splitlines()[-1]) > 0


def test_airflow_finds_its_local_settings(run_in):
    """Airflow imports airflow_local_settings by this name, from the path."""
    find = "import importlib.util; print(importlib.util.find_spec('airflow_local_settings') is not None)"

    assert run_in(NAME, "python", "-c", find).splitlines()[-1] == "True"
