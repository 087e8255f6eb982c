"""PostgreSQL away for thirty seconds under a running job, refusing and silent: a delay, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.e2e.fault.recovery import airflow_run, change_source, recovered, running_job
from tests.e2e.harness.installation import Installation
from tests.e2e.harness.job_pods import JobPods
from tests.e2e.harness.outages import refused, silent
from tests.e2e.harness.waiting import until

AWAY_SECONDS = 30


@pytest.mark.row("D16", kind="refusal")
@pytest.mark.row("D03", kind="refusal")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("outage", [refused, silent], ids=["refused", "silent"])
def test_the_stream_goes_on_by_itself(
    installation: Installation,
    job_pods: JobPods,
    outage: Callable[[Installation], AbstractContextManager[None]],
) -> None:
    """No running job is killed, no DAG goes, the run ends well with one effect, the next one follows."""
    dags = set(installation.airflow.dags())
    pod = running_job(installation, job_pods)
    with outage(installation):
        time.sleep(AWAY_SECONDS)
    installation.sql.close()
    until("PostgreSQL", lambda: installation.sql.rows("postgres", "postgres", "SELECT 1"), seconds=120)
    change_source(installation, f"after PostgreSQL was away, {outage.__name__}")
    recovered(installation, pod, seconds=300)
    assert [each.name for each in job_pods.of_run(airflow_run(pod)) if each.is_killed] == []
    assert dags <= installation.airflow.dags().keys()
