"""The DAGs themselves: what is in them, that they come out the same each time, and that any good row has one."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.models.serialized_dag import SerializedDagModel
from airflow.sdk import DAG, AssetOrTimeSchedule
from airflow.serialization.serialized_objects import DagSerialization
from airflow.timetables.base import TimeRestriction

from datasurface.model import codec
from datasurface.runtime.dags import builder, dag_files, housekeeping, infrastructure, row_check
from datasurface.runtime.dags.platform_config import platform_config
from datasurface.yellow.engine.control.dag_rows import ActiveRow, PlatformFacts
from datasurface.yellow.plan.installation import Installation
from tests.airflow.bundle_files import WANTED_DAG
from tests.airflow.merge_database import INSTALLATION, config

FACTS = PlatformFacts(
    platform_name="yellowlive",
    original_platform_name="YellowLive",
    generation=1,
    stream_count=1,
    infrastructure_schedule="@daily",
)


def dags_of(code: str) -> list[DAG]:
    """What Airflow finds in a file."""
    variables: dict[str, Any] = {}
    exec(compile(code, "dag_file.py", "exec"), variables)
    return [value for value in variables.values() if isinstance(value, DAG)]


def serialized(dag: DAG) -> dict[str, Any]:
    """The form that Airflow stores."""
    form: dict[str, Any] = DagSerialization.to_dict(dag)
    return form


def pod_of(dag: DAG, task: str = builder.JOB_TASK) -> dict[str, Any]:
    """The pod that a task asks for, as Kubernetes gets it; nobody is asked there."""
    operator = dag.get_task(task)
    operator.hook = SimpleNamespace(is_in_cluster=True)
    manifest: dict[str, Any] = operator.build_pod_request_obj().to_dict()
    return manifest


@pytest.mark.row("D01", "D03", "D07", "D18")
def test_a_stream_has_one_task_and_two_endings() -> None:
    """Names, owner, tags and words are the row's; one run at a time, no runs of the past."""
    dag = builder.stream_dag(config("Store1"))

    assert dag.dag_id == "yellowlive__Store1_ingestion"
    assert dag.get_task("snapshot_merge_job").downstream_task_ids == {"reschedule_immediately", "wait_for_trigger"}
    assert (dag.max_active_runs, dag.catchup) == (1, False)
    assert dag.tags == {"platform:YellowLive", "store:Store1", "team:team1"}
    assert dag.get_task("snapshot_merge_job").owner == "team1"
    assert dag.doc_md.startswith("Customers and their addresses.\n- Platform: YellowLive\n")


@pytest.mark.row("D06", "D07", "M14")
def test_the_job_is_called_by_the_models_names() -> None:
    """Platform and store in their own spelling, the dataset only where it is a stream of its own; no repository."""
    several = builder.stream_dag(config("Store1")).get_task(builder.JOB_TASK)
    single = builder.stream_dag(config("Store1#customers")).get_task(builder.JOB_TASK)

    job = ["datasurface", "job", "snapshot-merge", "--platform", "YellowLive", "--store", "Store1"]
    assert several.arguments[:-2] == job
    assert single.arguments[:-2] == [*job, "--dataset", "customers"]
    assert several.arguments[-2:] == ["--run-id", "{{ ti.dag_id }}/{{ run_id }}"]


@pytest.mark.row("M14")
def test_the_repository_is_told_where_people_look() -> None:
    """It comes from the model by the stored plan; the DAG's words name it."""
    words = builder.stream_dag(
        config(git_repo_url="https://git.acme.com/data/model.git", git_repo_branch="trunk")
    ).doc_md

    assert "- Model: https://git.acme.com/data/model.git, branch trunk" in words


@pytest.mark.row("D10", "D14")
def test_the_pod_is_the_rows() -> None:
    """Image, namespace, account, secrets by credential, connections and resources, as the row names them."""
    pod = pod_of(builder.stream_dag(config(image_pull_secrets=["registry"])))
    spec, (container,) = pod["spec"], pod["spec"]["containers"]

    assert (container["image"], pod["metadata"]["namespace"]) == ("datasurface:0.1.0", "jobs")
    assert spec["service_account_name"] == "datasurface-job"
    assert [each["name"] for each in spec["image_pull_secrets"]] == ["registry"]
    assert container["resources"]["limits"] == {"memory": "512Mi"}
    volumes = {each["name"]: each for each in spec["volumes"]}
    secrets = {
        mount["mount_path"]: volumes[mount["name"]]["secret"]["secret_name"]
        for mount in container["volume_mounts"]
        if volumes[mount["name"]]["secret"]
    }
    assert secrets == {
        "/etc/datasurface/credentials/ds_job": "datasurface-ds-job",
        "/etc/datasurface/credentials/customer_reader": "datasurface-customer-reader",
    }
    assert "nowhere" not in json.dumps(pod, default=str)


@pytest.mark.row("D03")
def test_the_first_run_is_due_at_once() -> None:
    """Also where the next slot is months away; after a run the next one is due at its slot, not before."""
    dag = DagSerialization.from_dict(serialized(builder.stream_dag(config(schedule="0 0 1 1 *"))))
    now = datetime.now(UTC)
    first = dag.timetable.next_dagrun_info(
        last_automated_data_interval=None, restriction=TimeRestriction(earliest=None, latest=None, catchup=False)
    )
    after = dag.timetable.next_dagrun_info(
        last_automated_data_interval=first.data_interval,
        restriction=TimeRestriction(earliest=None, latest=None, catchup=False),
    )

    assert first.run_after <= now
    assert after.run_after > now


@pytest.mark.row("D03", kind="refusal")
def test_a_stream_without_a_schedule_has_no_clock() -> None:
    """Only its own event starts it, or a person."""
    dag = builder.stream_dag(config(schedule=None))

    assert not isinstance(dag.schedule, AssetOrTimeSchedule)
    assert DagSerialization.from_dict(serialized(dag)).next_dagrun_info(last_automated_run_info=None) is None


@pytest.mark.row("D18")
@pytest.mark.parametrize("changes", [{}, {"schedule": None}, {"stream_key": "Store1#a", "single_dataset": True}])
def test_a_dag_comes_out_the_same_each_time(changes: dict[str, Any]) -> None:
    """Equal hashes: no run of the DAG processor makes a new version of it."""
    hashes = {SerializedDagModel.hash(serialized(builder.stream_dag(config(**changes)))) for _ in range(3)}

    assert len(hashes) == 1


@pytest.mark.row("D18", kind="refusal")
def test_a_change_of_what_runs_changes_the_dag() -> None:
    """An image, a schedule or a budget that changed is a new version, so that a run tells with what it ran."""
    variants = [
        config(),
        config(datasurface_docker_image="datasurface:0.2.0"),
        config(schedule="*/5 * * * *"),
        config(run_budget_seconds=55),
    ]

    assert len({SerializedDagModel.hash(serialized(builder.stream_dag(each))) for each in variants}) == len(variants)


@pytest.mark.row("D08", "D11")
@pytest.mark.parametrize(
    "changes",
    [
        {"documentation": "</script> {{ ti }} {% raw %} \N{SNOWMAN} \x1b"},
        {"team": "Team, with, commas"},
        {"stream_key": "Ä store", "store_name": "Ä store"},
        {"stream_key": "s" * 255, "store_name": "s" * 255},
        {"stream_key": "a.b#c d", "store_name": "a.b", "single_dataset": True, "datasets": ["c d"]},
        {"schedule": "30 6 * * MON-FRI", "timezone": "Europe/Berlin"},
        {"schedule": "0 0 29 2 *"},
        {"schedule": "59 23 31 12 7"},
        {"resources": {}},
        {"service_account_name": None, "connections_config_map_name": None},
        {"source_credential_name": "credential with spaces"},
        {"instance_name": "Release_1.x"},
        {"grace_period_seconds": 0, "run_budget_seconds": 0},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_passes_the_check_becomes_a_dag(changes: dict[str, Any]) -> None:
    """A row that the bundle lets into a file never fails there, where it would take its neighbours with it."""
    key = changes.get("stream_key", "Store1")
    document = config(**changes)
    row = ActiveRow(platform_name="yellowlive", stream_key=key, config_json=json.dumps(document))

    encoded = codec.encode(row_check.checked(row))
    (code,) = dag_files.stream_files("yellowlive", {key: encoded}).values()
    (dag,) = dags_of(code)

    pod_of(dag)
    read = DagSerialization.from_dict(json.loads(json.dumps(serialized(dag))))
    assert read.dag_id == document["dag_id"]
    read.timetable.validate()


@pytest.fixture(scope="module")
def shards() -> dict[str, str]:
    """The files of a thousand streams."""
    configs = {f"Store{number:04}": config(f"Store{number:04}") for number in range(1000)}
    return dag_files.stream_files("yellowlive", configs)


@pytest.mark.row("D16")
def test_a_thousand_streams_are_parsed_within_seconds(shards: dict[str, str]) -> None:
    """Each file in far less than the time that Airflow gives it."""
    slowest, count = 0.0, 0
    for code in shards.values():
        began = time.monotonic()
        found = dags_of(code)
        for dag in found:
            serialized(dag)
        slowest = max(slowest, time.monotonic() - began)
        count += len(found)

    assert count == 1000
    assert slowest < 10


@pytest.mark.row("D16", "D17")
def test_a_task_builds_its_own_dag_alone(shards: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Out of a file with the DAGs of many streams."""
    code = next(code for code in shards.values() if "'yellowlive__Store0007_ingestion'" in code)
    monkeypatch.setenv(WANTED_DAG, "yellowlive__Store0007_ingestion")

    found = dags_of(code)

    assert [dag.dag_id for dag in found] == ["yellowlive__Store0007_ingestion"]


@pytest.mark.row("D02")
def test_the_infrastructure_runs_its_commands_with_the_least_login() -> None:
    """Audit as the jobs, reconcile as the model merge, one after the other, in the installation's pods."""
    document = codec.encode(platform_config(FACTS, Installation.model_validate(INSTALLATION)))
    dag = infrastructure.infrastructure_dag(document)

    assert (dag.dag_id, dag.max_active_tasks, dag.catchup) == ("yellowlive_infrastructure", 1, False)
    secrets = {}
    for task in dag.task_ids:
        pod = pod_of(dag, task)
        secrets[task] = [each["secret"]["secret_name"] for each in pod["spec"]["volumes"] if each["secret"]]
        assert pod["spec"]["service_account_name"] == "datasurface-job"
        assert pod["spec"]["containers"][0]["image"] == INSTALLATION["image"]
    assert secrets == {"audit": ["datasurface-ds-job"], "reconcile_views": ["datasurface-ds-merge"]}
    assert not dag.get_task("audit").downstream_task_ids


@pytest.mark.row("D02", kind="refusal")
def test_the_infrastructure_waits_for_its_slot() -> None:
    """A new installation is not audited before it has a batch."""
    document = codec.encode(platform_config(FACTS, Installation.model_validate(INSTALLATION)))
    dag = DagSerialization.from_dict(serialized(infrastructure.infrastructure_dag(document)))

    due = dag.next_dagrun_info(last_automated_run_info=None)

    assert due.run_after > datetime.now(UTC)


@pytest.fixture
def old_logs(tmp_path: Path) -> tuple[Path, float]:
    """A folder of logs, some of them forty days old."""
    folder, old = tmp_path / "logs", time.time() - timedelta(days=40).total_seconds()
    for name in ("dag_id=a/run_id=old/attempt=1.log", "dag_id=a/run_id=new/attempt=1.log", "dag_id=b/x.log"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    (tmp_path / "elsewhere.log").write_text("x")
    (folder / "link.log").symlink_to(tmp_path / "elsewhere.log")
    for name in ("dag_id=a/run_id=old/attempt=1.log", "dag_id=a/run_id=old", "dag_id=b/x.log"):
        os.utime(folder / name, (old, old))
    os.utime(tmp_path / "elsewhere.log", (old, old))
    return folder, time.time() - timedelta(days=30).total_seconds()


@pytest.mark.row("D02")
def test_only_old_logs_are_deleted(old_logs: tuple[Path, float]) -> None:
    """What is younger than the retention stays, and so does what a link leads to."""
    folder, older_than = old_logs

    assert housekeeping.pruned(folder, older_than=older_than) == 2

    left = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())
    assert left == ["dag_id=a/run_id=new/attempt=1.log", "link.log"]
    assert (folder.parent / "elsewhere.log").exists()
