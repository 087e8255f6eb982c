"""A job pod killed in the middle of a batch, provably: its backend was waiting to write when it died."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.fault.recovery import airflow_run, change_source, recovered
from tests.e2e.harness.installation import Installation
from tests.e2e.harness.job_pods import JobPod, JobPods
from tests.e2e.harness.proofs import audit_holds
from tests.e2e.harness.sql import MERGE
from tests.e2e.harness.streams import LIVE, batches, committed
from tests.e2e.harness.waiting import until

LOCK = "LOCK TABLE public.yellowlive_store1_customers_merge IN SHARE MODE"
WAITING = (
    "SELECT a.pid, host(a.client_addr) FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)"
    " WHERE NOT l.granted AND a.usename = 'ds_job'"
    " AND l.relation = 'public.yellowlive_store1_customers_merge'::regclass"
)
ALIVE = "SELECT 1 FROM pg_stat_activity WHERE pid = %s"


def pod_of_address(installation: Installation, job_pods: JobPods, address: str) -> JobPod:
    """The job pod that a backend's client is in."""
    live = next(pod for pod in installation.release.pods("job") if pod.status.pod_ip == address)
    return until("the pod", lambda: next((p for p in job_pods.seen() if p.uid == live.metadata.uid), None), seconds=10)


@pytest.mark.row("D03", kind="refusal")
@pytest.mark.row("K08", kind="refusal")
@pytest.mark.timeout(600)
def test_a_job_killed_in_mid_batch_has_one_effect(installation: Installation, job_pods: JobPods) -> None:
    """Killed while it waits to write; tried again under the same run_id; one committed batch of that run."""
    sql, airflow = installation.sql, installation.airflow
    # A run that has looked already keeps that result; so the change has to be there before the run's first look.
    airflow.pause(LIVE.dag_id, is_paused=True)
    airflow.wait_idle(LIVE.dag_id, seconds=120)
    before = committed(sql, LIVE)[-1].batch_id
    with sql.session("postgres", MERGE) as holder:
        holder.execute("BEGIN")
        holder.execute(LOCK)
        change_source(installation, "killed in mid-batch")
        airflow.pause(LIVE.dag_id, is_paused=False)
        waiting: list[Any] = until("the job waits", lambda: sql.rows("postgres", MERGE, WAITING), seconds=120)
        backend, address = waiting[0]
        pod = pod_of_address(installation, job_pods, address)
        assert [batch.status for batch in batches(sql, LIVE) if batch.batch_id > before] in (["started"], ["ingested"])
        place = ["pod", pod.name, "-n", installation.namespace]
        installation.cluster.kubectl("delete", *place, "--grace-period=0", "--force")
        until("its backend is gone", lambda: not sql.rows("postgres", MERGE, ALIVE, [backend]), seconds=60)
        assert committed(sql, LIVE)[-1].batch_id == before
        holder.execute("ROLLBACK")
    recovered(installation, pod, seconds=300)
    of_run = [batch for batch in committed(sql, LIVE) if batch.run_id == pod.run_id]
    assert [batch.batch_id for batch in of_run] == [before + 1]
    assert of_run[0].counts == {"inserted": 0, "updated": 1, "deleted": 0}
    assert len(job_pods.of_run(airflow_run(pod))) > 1
    assert audit_holds(installation, LIVE)["ok"]
