"""A job that is at work when a fault comes, and the proof that nothing came of the fault but a delay."""

from __future__ import annotations

from typing import Final

from tests.e2e.harness.installation import Installation
from tests.e2e.harness.job_pods import JobPod, JobPods
from tests.e2e.harness.proofs import batches_are_serial, caught_up
from tests.e2e.harness.sql import SOURCE
from tests.e2e.harness.streams import LIVE
from tests.e2e.harness.waiting import until

CHANGE: Final = "UPDATE customers SET phone = %s WHERE id = 'CUST002'"


def change_source(installation: Installation, mark: str) -> None:
    """One row changes."""
    installation.sql.rows("customer_writer", SOURCE, CHANGE, [mark])


def running_job(installation: Installation, job_pods: JobPods, *, seconds: float = 120) -> JobPod:
    """A job of the live stream that is at work now."""

    def at_work() -> JobPod | None:
        found = [pod for pod in job_pods.running() if (pod.run_id or "").startswith(LIVE.dag_id)]
        return found[-1] if found and _is_running(installation, found[-1]) else None

    return until("a job of the live stream", at_work, seconds=seconds, every_seconds=0.2)


def airflow_run(pod: JobPod) -> str:
    """Airflow's id of the run that a job pod belongs to."""
    assert pod.run_id is not None
    return pod.run_id.partition("/")[2]


def recovered(installation: Installation, pod: JobPod, *, seconds: float) -> None:
    """The run ends well, the views equal the source, ids are serial, and the next run follows by itself."""
    run_id = airflow_run(pod)
    assert installation.airflow.wait_run(LIVE.dag_id, run_id, seconds=seconds) == "success"
    caught_up(installation, LIVE, seconds=150)
    batches_are_serial(installation)
    after = installation.airflow.run(LIVE.dag_id, run_id)["run_after"]
    until(
        "the next run",
        lambda: any(run["run_after"] > after for run in installation.airflow.runs(LIVE.dag_id, limit=5)),
        seconds=120,
    )


def _is_running(installation: Installation, pod: JobPod) -> bool:
    pods = installation.release.pods("job")
    return any(each.metadata.uid == pod.uid and each.status.phase == "Running" for each in pods)
