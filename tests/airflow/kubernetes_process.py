"""The fake Kubernetes as a process of its own, and what tests ask of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
START_SECONDS = 30
STEP_SECONDS = 0.05
WAIT_SECONDS = 60


class KubernetesProcess:
    """A running fake. `kubeconfig` leads clients to it; what jobs do is written by `script`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.kubeconfig = directory / "kubeconfig"
        self.script_file = directory / "script.json"
        server = next(line for line in self.kubeconfig.read_text().splitlines() if "server:" in line)
        self.url = server.split('"')[1]

    def script(self, *jobs: Mapping[str, Any]) -> None:
        """Say what the jobs do, one after the other; the last one goes for all that follow (see fake_job)."""
        self.script_file.write_text(json.dumps(jobs))
        for ending in ("calls", "release"):
            Path(f"{self.script_file}.{ending}").unlink(missing_ok=True)

    def release(self) -> None:
        """Let jobs that are held come to their end."""
        Path(f"{self.script_file}.release").touch()

    @property
    def calls(self) -> list[list[str]]:
        """The arguments of every job that has begun since the script was written."""
        calls = Path(f"{self.script_file}.calls")
        return [json.loads(line) for line in calls.read_text().splitlines()] if calls.exists() else []

    @property
    def verbs(self) -> dict[str, int]:
        """What has been asked for, as `resource:verb`, and how often."""
        verbs: dict[str, int] = self._state()["verbs"]
        return verbs

    @property
    def created(self) -> list[str]:
        """The names of all pods that were made."""
        created: list[str] = self._state()["created"]
        return created

    @property
    def pods(self) -> dict[str, dict[str, Any]]:
        """Phase and labels of the pods that are there, by name."""
        pods: dict[str, dict[str, Any]] = self._state()["pods"]
        return pods

    def set(self, **settings: Any) -> None:
        """Change settings (see fake_pods.Settings)."""
        self._ask("PATCH", "/fake", settings)

    def reset(self) -> None:
        """Default settings, no pods, no record, and jobs that are done at once."""
        self.set(start_seconds=0.05, report_seconds=0.1, log_seconds=None, deny=[], policy=None)
        for name in self.pods:
            self.delete(name, grace_seconds=0)
        self._ask("DELETE", "/fake")
        self.script({"record": {"rc": 0, "outcome": "unchanged"}})

    def kill(self, name: str) -> None:
        """Kill the pod's process."""
        self._ask("POST", f"/fake/kill/{name}")

    def delete(self, name: str, *, grace_seconds: int, namespace: str = "jobs") -> None:
        """Delete a pod as a person does with kubectl."""
        self._ask("DELETE", f"/api/v1/namespaces/{namespace}/pods/{name}?gracePeriodSeconds={grace_seconds}")

    def pod_in(self, phase: str) -> str:
        """Wait until there is a pod in this phase; its name."""
        until = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < until:
            for name, pod in self.pods.items():
                if pod["phase"] == phase:
                    return name
            time.sleep(STEP_SECONDS)
        raise TimeoutError(f"no pod came into phase {phase}: {self.pods}")

    def job_at_work(self, number: int = 1) -> str:
        """Wait until so many jobs have begun; the name of the pod that runs."""
        until = time.monotonic() + WAIT_SECONDS
        while len(self.calls) < number:
            if time.monotonic() > until:
                raise TimeoutError(f"{len(self.calls)} jobs have begun: {self.pods}")
            time.sleep(STEP_SECONDS)
        return self.pod_in("Running")

    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(self._ask("GET", "/fake"))
        return state

    def _ask(self, method: str, path: str, body: Any = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        with urllib.request.urlopen(request, timeout=10) as response:
            answer: bytes = response.read()
        return answer


@contextmanager
def running(directory: Path, *, program: Sequence[str] = (), port: int = 0) -> Iterator[KubernetesProcess]:
    """A fake whose pods run `program` (fake_job if it is empty) where their containers call `datasurface`."""
    job = program or (sys.executable, str(Path(__file__).parent / "fake_job.py"))
    command = [sys.executable, "-m", "tests.airflow.fake_kubernetes", "--port", str(port)]
    command += ["--directory", str(directory), "--program", f"datasurface={' '.join(job)}"]
    environment = {**os.environ, "FAKE_JOB_SCRIPT": str(directory / "script.json")}
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        until = time.monotonic() + START_SECONDS
        while not (directory / "kubeconfig").exists():
            if process.poll() is not None or time.monotonic() > until:
                raise TimeoutError("the fake Kubernetes does not begin")
            time.sleep(STEP_SECONDS)
        yield KubernetesProcess(directory)
    finally:
        process.terminate()
        process.wait(10)
