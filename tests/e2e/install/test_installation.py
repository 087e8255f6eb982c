"""Each part of an installation says that it is well, and is what it is called."""

from __future__ import annotations

import pytest

from tests.e2e.harness.installation import Installation
from tests.e2e.harness.secrets import secret_values
from tests.e2e.harness.sql import AIRFLOW, CONSUMER, MERGE, SOURCE
from tests.e2e.harness.streams import PLATFORMS
from tests.e2e.harness.waiting import until

TASKS = {"snapshot_merge_job", "reschedule_immediately", "wait_for_trigger"}


@pytest.mark.row("K06", "D08")
def test_airflow_is_healthy_by_its_own_account(installation: Installation) -> None:
    """Its database, scheduler and dag processor say `healthy`, and no DAG file is broken."""
    health = installation.airflow.health()
    assert {part: health[part]["status"] for part in ("metadatabase", "scheduler", "dag_processor")} == {
        "metadatabase": "healthy",
        "scheduler": "healthy",
        "dag_processor": "healthy",
    }
    assert installation.airflow.import_errors() == []


@pytest.mark.row("K06", kind="refusal")
def test_airflow_knows_no_password_that_was_not_generated(installation: Installation) -> None:
    """The passwords that installations are famous for are refused."""
    until("the API answers", lambda: installation.airflow.dags() is not None, seconds=60)
    for password in ("admin", "admin123", "airflow", "password", ""):
        assert installation.airflow.token_status("admin", password) in {400, 401, 422}


@pytest.mark.row("D01", "D02", "D11", "D17")
def test_streams_and_platforms_have_their_dags(installation: Installation) -> None:
    """An ingestion DAG per stream, an infrastructure DAG per platform, from the files that the bundle writes."""
    wanted = {name for platform in PLATFORMS for name in (platform.dag_id, platform.infrastructure_dag_id)}
    wanted.add("datasurface_housekeeping")
    dags = until(
        "the DAGs of the model",
        lambda: found if wanted <= (found := installation.airflow.dags()).keys() else None,
        seconds=90,
    )
    assert dags.keys() == wanted
    for platform in PLATFORMS:
        file = dags[platform.dag_id]["relative_fileloc"]
        assert file.startswith(f"{platform.name}_factory_dag"), file


@pytest.mark.row("D03")
def test_an_ingestion_dag_has_its_three_tasks(installation: Installation) -> None:
    """The job, and the two ways on."""
    for platform in PLATFORMS:
        listed = installation.airflow.request("GET", f"dags/{platform.dag_id}/tasks").json()["tasks"]
        assert {task["task_id"] for task in listed} == TASKS


@pytest.mark.row("K02")
def test_one_server_has_the_four_databases(installation: Installation) -> None:
    """Source, merge, Airflow's and the consumers' database stand side by side."""
    databases = {row[0] for row in installation.sql.rows("postgres", "postgres", "SELECT datname FROM pg_database")}
    assert {SOURCE, MERGE, AIRFLOW, CONSUMER} <= databases


@pytest.mark.row("K03")
def test_each_secret_opens_what_it_is_for(installation: Installation) -> None:
    """The credential of every Secret logs in to its database."""
    places = {
        "ds_job": MERGE,
        "ds_merge": MERGE,
        "ds_monitor": MERGE,
        "ds_dags": MERGE,
        "ds_link": MERGE,
        "consumer1": MERGE,
        "customer_reader": SOURCE,
        "customer_writer": SOURCE,
        "airflow": AIRFLOW,
    }
    for login, database in places.items():
        assert installation.sql.value(login, database, "SELECT current_user") == installation.sql.login(login)[0]


@pytest.mark.row("K03", kind="refusal")
def test_generated_secrets_are_long_and_differ(installation: Installation) -> None:
    """No two passwords are equal, none is short, and none ends in a line feed."""
    passwords = [installation.sql.login(login)[1] for login in ("postgres", "ds_job", "ds_merge", "consumer1")]
    release = installation.release
    airflow = secret_values(installation.cluster, installation.namespace, release.object_name("airflow"))
    passwords += [airflow["admin_password"], airflow["jwt_secret"], airflow["fernet_key"], airflow["secret_key"]]
    assert len(set(passwords)) == len(passwords)
    assert all(len(password) >= 16 and password == password.strip() for password in passwords)


@pytest.mark.row("V05")
def test_the_view_job_ended_well(installation: Installation) -> None:
    """The Job that reconciles the views waited for the first revision and saw every view answer its reader."""
    release = installation.release
    jobs = [
        each["metadata"]["name"]
        for each in release.manifests()
        if each["kind"] == "Job" and each["metadata"]["name"].startswith(release.object_name("views"))
    ]
    assert len(jobs) == 1
    status = installation.cluster.batch.read_namespaced_job_status(jobs[0], installation.namespace).status
    assert status.succeeded == 1


def test_helm_test_passes(installation: Installation) -> None:
    """`helm test` finds nothing that keeps the installation from working."""
    said = installation.cluster.helm("test", installation.release.name, "-n", installation.namespace, "--logs")
    assert "Succeeded" in said
