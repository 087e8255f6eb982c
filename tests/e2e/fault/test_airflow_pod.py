"""The Airflow pod killed during a run: the job goes on, and is taken up again."""

from __future__ import annotations

import pytest

from tests.e2e.fault.recovery import airflow_run, change_source, recovered, running_job
from tests.e2e.harness.installation import Installation
from tests.e2e.harness.job_pods import JobPods
from tests.e2e.harness.waiting import until


@pytest.mark.row("D03", kind="refusal")
@pytest.mark.row("K06", kind="refusal")
@pytest.mark.timeout(500)
def test_a_job_outlives_airflow_and_is_adopted(installation: Installation, job_pods: JobPods) -> None:
    """One pod for the run, never killed; its result is read by the new Airflow, and the stream goes on."""
    pod = running_job(installation, job_pods)
    change_source(installation, "while Airflow was away")
    name = installation.release.pods("airflow")[0].metadata.name
    installation.cluster.kubectl("delete", "pod", name, "-n", installation.namespace, "--grace-period=0", "--force")
    until(
        "another Airflow pod",
        lambda: any(
            each.metadata.name != name and all(status.ready for status in each.status.container_statuses or [])
            for each in installation.release.pods("airflow")
        ),
        seconds=120,
    )
    recovered(installation, pod, seconds=240)
    pods = job_pods.of_run(airflow_run(pod))
    assert [(each.name, each.is_killed) for each in pods] == [(pod.name, False)]
