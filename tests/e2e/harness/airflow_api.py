"""Airflow's public API, as a person with the generated admin password uses it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any, Final

import requests

from tests.e2e.harness.cluster import Cluster
from tests.e2e.harness.port_forward import PortForward
from tests.e2e.harness.secrets import secret_values
from tests.e2e.harness.waiting import until

_TIMEOUT_SECONDS: Final = 20
_DECISION_SECONDS: Final = 1.5
FINISHED: Final = frozenset({"success", "failed"})
JOB_TASK: Final = "snapshot_merge_job"
AT_WORK: Final = frozenset({"scheduled", "queued", "running", "restarting"})


class AirflowApi:
    """Requests to one release's Airflow; the token is fetched when needed and again when it is refused."""

    def __init__(self, cluster: Cluster, namespace: str, service: str, secret: str) -> None:
        self._cluster, self._namespace, self._secret = cluster, namespace, secret
        self._forward = PortForward(cluster, namespace, f"service/{service}", 8080)
        self._token: str | None = None

    def request(self, method: str, path: str, *, seconds: float = 60, **given: Any) -> requests.Response:
        """One request; a server that is just coming back is waited for. Raises requests.HTTPError for a refusal."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                answer = self._sent(method, path, **given)
                if answer.status_code == requests.codes.unauthorized:
                    self._token = None
                    answer = self._sent(method, path, **given)
            except (requests.ConnectionError, requests.Timeout, ConnectionError):
                if time.monotonic() > deadline:
                    raise
                self._forward.close()
                time.sleep(0.5)
                continue
            if answer.status_code < requests.codes.internal_server_error or time.monotonic() > deadline:
                answer.raise_for_status()
                return answer
            time.sleep(0.5)

    def health(self) -> dict[str, Any]:
        """Airflow's own account of its parts."""
        address = f"http://127.0.0.1:{self._forward.port()}/api/v2/monitor/health"
        answer: dict[str, Any] = requests.get(address, timeout=_TIMEOUT_SECONDS).json()
        return answer

    def token_status(self, username: str, password: str) -> int:
        """The HTTP status that a login is answered with."""
        address = f"http://127.0.0.1:{self._forward.port()}/auth/token"
        body = {"username": username, "password": password}
        return requests.post(address, json=body, timeout=_TIMEOUT_SECONDS).status_code

    def dags(self) -> dict[str, dict[str, Any]]:
        """The DAGs that Airflow shows, by their ids; those that went are not shown."""
        listed = self.request("GET", "dags", params={"limit": 500}).json()["dags"]
        return {dag["dag_id"]: dag for dag in listed}

    def import_errors(self) -> list[dict[str, Any]]:
        """What Airflow says about files that it could not load."""
        errors: list[dict[str, Any]] = self.request("GET", "importErrors").json()["import_errors"]
        return errors

    def pause(self, dag_id: str, *, is_paused: bool) -> None:
        """Pause a DAG, or let it go on."""
        self.request("PATCH", f"dags/{dag_id}", json={"is_paused": is_paused})

    def runs(self, dag_id: str, **given: Any) -> list[dict[str, Any]]:
        """The runs of a DAG, the newest first."""
        parameters = {"limit": 100, "order_by": "-run_after", **given}
        runs: list[dict[str, Any]] = self.request("GET", f"dags/{dag_id}/dagRuns", params=parameters).json()["dag_runs"]
        return runs

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """One run."""
        run: dict[str, Any] = self.request("GET", f"dags/{dag_id}/dagRuns/{run_id}").json()
        return run

    def tasks(self, dag_id: str, run_id: str) -> dict[str, dict[str, Any]]:
        """The tasks of a run by their ids."""
        listed = self.request("GET", f"dags/{dag_id}/dagRuns/{run_id}/taskInstances").json()["task_instances"]
        return {task["task_id"]: task for task in listed}

    def trigger(self, dag_id: str) -> str:
        """Start a run; its id."""
        run = self.request("POST", f"dags/{dag_id}/dagRuns", json={"logical_date": datetime.now(UTC).isoformat()})
        return str(run.json()["dag_run_id"])

    def wait_run(self, dag_id: str, run_id: str, *, seconds: float) -> str:
        """Wait for the end of a run; its state, which is `success` or `failed`."""
        run = until(
            f"{dag_id} {run_id} ends",
            lambda: found if (found := self.run(dag_id, run_id))["state"] in FINISHED else None,
            seconds=seconds,
        )
        return str(run["state"])

    def wait_idle(self, dag_id: str, *, seconds: float) -> None:
        """Wait until no job of a paused stream is at work; looked at twice, as the scheduler may be amid a decision.

        Its last run may stay open: pausing also stops the tasks that come after the job.
        """
        for _ in range(2):
            until(f"no job of {dag_id}", lambda: not self._jobs_at_work(dag_id), seconds=seconds)
            time.sleep(_DECISION_SECONDS)

    def _jobs_at_work(self, dag_id: str) -> list[str]:
        open_runs = [run["dag_run_id"] for run in self.runs(dag_id, limit=10) if run["state"] not in FINISHED]
        return [run_id for run_id in open_runs if self.tasks(dag_id, run_id)[JOB_TASK]["state"] in AT_WORK]

    def close(self) -> None:
        """End the port-forward."""
        self._forward.close()

    def _sent(self, method: str, path: str, **given: Any) -> requests.Response:
        address = f"http://127.0.0.1:{self._forward.port()}"
        if self._token is None:
            values = secret_values(self._cluster, self._namespace, self._secret)
            body = {"username": values["admin_username"], "password": values["admin_password"]}
            answer = requests.post(f"{address}/auth/token", json=body, timeout=_TIMEOUT_SECONDS)
            if answer.status_code != requests.codes.created:
                return answer
            self._token = answer.json()["access_token"]
        headers = {"Authorization": f"Bearer {self._token}"}
        return requests.request(method, f"{address}/api/v2/{path}", headers=headers, timeout=_TIMEOUT_SECONDS, **given)
