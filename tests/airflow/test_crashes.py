"""Real processes of Airflow: what they make of a job's result, and that no effect comes twice.

Each process is started as the chart starts it; Kubernetes is the fake one, whose pods are processes too.
"""

from __future__ import annotations

import json
import urllib.parse
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.airflow.airflow_processes import Airflow
from tests.airflow.kubernetes_process import KubernetesProcess
from tests.airflow.merge_database import MergeDatabase, config

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

COMMITTED = {"rc": 0, "outcome": "committed", "batch_id": 7, "inserted": 2, "updated": 1, "total": 13}
RIGHTS = {"pods:create", "pods:get", "pods:list", "pods:patch", "pods:delete", "pods/log:get"}
JOB = "snapshot_merge_job"


@pytest.fixture
def stream(
    request: pytest.FixtureRequest, airflow: Airflow, merge_database: MergeDatabase, kubernetes: KubernetesProcess
) -> Iterator[Stream]:
    """A stream whose row comes with the test's `begin`."""
    made = Stream(f"Store{zlib.crc32(request.node.name.encode())}", airflow, merge_database, kubernetes)
    yield made
    if "scheduler" not in airflow.processes:
        airflow.start("scheduler")


class Stream:
    """A stream and its DAG, which begins a run as soon as it is there."""

    def __init__(self, key: str, airflow: Airflow, merge: MergeDatabase, kubernetes: KubernetesProcess) -> None:
        self.airflow = airflow
        self.kubernetes = kubernetes
        self._config = config(key)
        self._merge = merge
        self.dag_id: str = self._config["dag_id"]

    def begin(self, *jobs: dict[str, Any]) -> None:
        """Let its first run begin, with these jobs one after the other."""
        self.kubernetes.script(*jobs)
        self._merge.publish(self._config)

    def ended(self, count: int = 1, *, seconds: float = 120) -> list[dict[str, Any]]:
        """Its runs once so many have ended."""
        runs: list[dict[str, Any]] = self.airflow.until(
            lambda: self.airflow.finished_runs(self.dag_id, count), seconds=seconds
        )
        return runs

    def task(self, name: str = JOB) -> dict[str, Any]:
        """A task of its first run, as the API shows it."""
        task: dict[str, Any] = self.airflow.ask(f"{self.path}/taskInstances/{name}")
        return task

    def log(self) -> str:
        """The log of the last try of the job's task."""
        return json.dumps(self.airflow.ask(f"{self.path}/taskInstances/{JOB}/logs/{self.task()['try_number']}"))

    def decide(self, state: str) -> None:
        """Mark the job's task, as a person does on Airflow's page."""
        self.airflow.ask(f"{self.path}/taskInstances/{JOB}", {"new_state": state}, method="PATCH")

    @property
    def path(self) -> str:
        """Its first run in the API."""
        run_id = urllib.parse.quote(self.airflow.runs(self.dag_id)[0]["dag_run_id"], safe="")
        return f"/dags/{self.dag_id}/dagRuns/{run_id}"


@pytest.mark.row("D03", "D05")
def test_a_run_is_one_task_and_a_choice(stream: Stream) -> None:
    """The job's task alone has a process; what follows is chosen by it, its record is there, and the rights suffice."""
    stream.begin({"record": COMMITTED})

    [run] = stream.ended()

    assert run["state"] == "success"
    assert stream.airflow.tasks(stream.dag_id, run["dag_run_id"]) == {
        JOB: "success",
        "reschedule_immediately": "skipped",
        "wait_for_trigger": "success",
    }
    assert stream.task("wait_for_trigger")["pid"] is None
    record = stream.airflow.ask(f"{stream.path}/taskInstances/{JOB}/xcomEntries/result")["value"]
    assert {key: record[key] for key in COMMITTED} == COMMITTED
    assert record["run_id"] == f"{stream.dag_id}/{run['dag_run_id']}"
    assert set(stream.kubernetes.verbs) <= RIGHTS


@pytest.mark.row("D03", "I06", kind="refusal")
@pytest.mark.parametrize(("family", "status"), [("model", 1), ("state", 3)])
def test_an_error_that_no_retry_cures_fails_the_run(stream: Stream, family: str, status: int) -> None:
    """One try, and nothing of what follows runs."""
    record = {"rc": -1, "outcome": "failed", "family": family, "message": "customers.dob: not a date"}
    stream.begin({"record": record, "exit_status": status})

    [run] = stream.ended()

    assert run["state"] == "failed"
    assert stream.task()["try_number"] == 1
    assert set(stream.airflow.tasks(stream.dag_id, run["dag_run_id"]).values()) == {"failed", "upstream_failed"}


@pytest.mark.row("D03")
def test_a_transient_error_is_retried_under_the_same_run_id(stream: Stream) -> None:
    """The second try's job knows the run by the same name."""
    away = {"rc": -1, "outcome": "failed", "family": "transient", "message": "no connection"}
    stream.begin({"record": away, "exit_status": 75}, {"record": COMMITTED})

    [run] = stream.ended(seconds=90)

    assert run["state"] == "success"
    assert stream.task()["try_number"] == 2
    assert [call[-1] for call in stream.kubernetes.calls] == [f"{stream.dag_id}/{run['dag_run_id']}"] * 2


@pytest.mark.row("D03")
@pytest.mark.parametrize(("phase", "found"), [("Running", "running"), ("Succeeded", "finished")])
def test_a_killed_scheduler_costs_no_job(stream: Stream, phase: str, found: str) -> None:
    """Its successor takes up the pod, at work or finished: one pod, and the run ends well."""
    stream.begin({"record": COMMITTED, "is_held": True})
    stream.kubernetes.job_at_work()
    stream.airflow.stop("scheduler", kill=True)
    if phase == "Succeeded":
        stream.kubernetes.release()
    stream.kubernetes.pod_in(phase)

    stream.airflow.start("scheduler")
    stream.airflow.until(lambda: f"taking up the {found} pod" in stream.log(), seconds=120)
    stream.kubernetes.release()
    [run] = stream.ended()

    assert run["state"] == "success"
    assert len(stream.kubernetes.created) == 1
    assert stream.kubernetes.pods == {}


@pytest.mark.row("D03")
def test_a_task_that_a_person_marks_failed_takes_its_pod_along(stream: Stream) -> None:
    """The job is told to end, and is not run again."""
    stream.begin({"record": COMMITTED, "seconds": 120})
    stream.kubernetes.job_at_work()

    stream.decide("failed")

    stream.airflow.until(lambda: not stream.kubernetes.pods, seconds=30)
    assert len(stream.kubernetes.created) == 1
    assert stream.ended()[0]["state"] == "failed"


@pytest.mark.row("D03")
def test_a_task_that_a_person_clears_is_run_anew(stream: Stream) -> None:
    """The pod of the cleared attempt goes, another takes its place."""
    stream.begin({"record": COMMITTED, "seconds": 120}, {"record": COMMITTED})
    stream.kubernetes.job_at_work()

    stream.airflow.ask(
        f"/dags/{stream.dag_id}/clearTaskInstances",
        {"dry_run": False, "only_failed": False, "reset_dag_runs": True, "task_ids": [JOB]},
    )

    assert stream.ended(seconds=90)[0]["state"] == "success"
    assert len(stream.kubernetes.created) == 2
    assert stream.kubernetes.pods == {}
