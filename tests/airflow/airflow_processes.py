"""A whole Airflow: its three processes as the chart starts them, a metadata database of its own, a fake Kubernetes."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import datasurface.runtime.dags
from datasurface.demo.embedded import EmbeddedServer
from datasurface.yellow.engine import connect
from datasurface.yellow.engine.connect import Purpose
from tests.airflow import airflow_settings
from tests.airflow.kubernetes_process import KubernetesProcess
from tests.airflow.merge_database import MergeDatabase

ROOT = Path(__file__).parents[2]
PROCESSES: Mapping[str, Sequence[str]] = {
    "api-server": ("--workers", "1"),
    "scheduler": ("--skip-serve-logs",),
    "dag-processor": (),
}
METADATA_DATABASE = "airflow_db"
ADMIN, PASSWORD = "administrator", "only for tests"
STEP_SECONDS = 0.1
CREATED = 201
#: What a shell may hold and the processes must not; without its bytecode Airflow begins three times slower.
FOREIGN = ("AIRFLOW", "_AIRFLOW", "DATASURFACE", "PYTHONDONTWRITEBYTECODE")
SEPARATOR = "\f"
AIRFLOW_COMMANDS = """
import json, sys
from airflow.cli.cli_parser import get_parser
for words in json.loads(sys.argv[1]):
    print(end=chr(12))
    arguments = get_parser().parse_args(words[1:])
    arguments.func(arguments)
"""
START_SECONDS = 180


class Refused(Exception):
    """The API answered with this status."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        super().__init__(f"{status}: {text[:500]}")


class Airflow:
    """Processes by name, and the API as the administrator sees it."""

    def __init__(self, folder: Path, metadata: EmbeddedServer, merge: MergeDatabase, kubeconfig: Path) -> None:
        self.folder = folder
        self.metadata = metadata
        self.port, health_port = free_port(), free_port()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)},
            **airflow_settings.settings(folder, self.port, health_port),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "KUBECONFIG": str(kubeconfig),
            "DATASURFACE_CONNECTIONS": str(merge.connections_path),
            "DATASURFACE_INSTALLATION": str(merge.installation_path),
            "DATASURFACE_LOG_FORMAT": "json",
        }
        self._token: str | None = None
        self._lay_out()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def migrate(self) -> None:
        """What the chart's migration job does. The output goes to a file, as that of all processes."""
        command = [sys.executable, "-m", "datasurface.runtime.dags.metadata_database", "migrate", str(self.folder)]
        with self.log("migrate").open("ab") as log:
            subprocess.run(command, env=self.environment, stdout=log, stderr=log, check=True, cwd=self.folder)

    def start(self, *names: str) -> None:
        """Start processes, all three if none is named."""
        for name in names or PROCESSES:
            command = [sys.executable, "-m", "datasurface.runtime.dags.start", name, *PROCESSES[name]]
            with self.log(name).open("ab") as log:
                self.processes[name] = subprocess.Popen(
                    command, env=self.environment, stdout=log, stderr=log, cwd=self.folder, start_new_session=True
                )

    def stop(self, *names: str, kill: bool = False) -> None:
        """End processes with all their children, at once with `kill`."""
        for name in names or tuple(self.processes):
            process = self.processes.pop(name, None)
            if process is None:
                continue
            if not kill:
                process.terminate()
            try:
                process.wait(0 if kill else 15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)

    def log(self, name: str) -> Path:
        """Where a process's output goes."""
        return self.folder / f"{name}.out"

    def until(self, holds: Callable[[], Any], *, seconds: float = 30) -> Any:
        """The first true answer; the API's refusals and a missing server count as false. Raises TimeoutError."""
        last: Any = None
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                if last := holds():
                    return last
            except (Refused, OSError) as error:
                last = error
            time.sleep(STEP_SECONDS)
        raise TimeoutError(f"not within {seconds} s; last: {last!r}")

    def ask(self, path: str, body: Any = None, *, method: str | None = None) -> Any:
        """What the API's `path` answers. Raises Refused."""
        if self._token is None:
            self._token = self._login()
        return self._request(f"/api/v2{path}", body, method=method, token=self._token)

    def outputs(self, commands: Sequence[str]) -> dict[str, str]:
        """What each command, written for the pod, says on stdout, by its first three words; all have to end well.

        Those of Airflow run in one process: it takes seconds to begin.
        """
        folders = {
            "/airflow/bundles": f"{self.folder}/bundles",
            "/tmp/dag-processor-alive": str(self.folder / "dag-processor-alive"),
        }
        shown: dict[str, str] = {}
        words = {}
        for command in commands:
            here = command
            for there, local in folders.items():
                here = here.replace(there, local)
            words[" ".join(command.split()[:3])] = shlex.split(here)
        together = [each for each in words.values() if each[0] == "airflow"]
        said = self._output([sys.executable, "-c", AIRFLOW_COMMANDS, json.dumps(together)]).split(SEPARATOR)[1:]
        for name, each in words.items():
            shown[name] = said.pop(0) if each[0] == "airflow" else self._output(each)
        return shown

    def _output(self, command: Sequence[str]) -> str:
        finished = subprocess.run(command, env=self.environment, capture_output=True, encoding="utf-8", check=False)
        assert finished.returncode == 0, (command, finished.stderr[-2000:])
        return finished.stdout

    def login_status(self, password: str) -> int:
        """What the API answers to the administrator with this password."""
        try:
            self._request("/auth/token", {"username": ADMIN, "password": password})
        except Refused as refused:
            return refused.status
        return CREATED

    def is_healthy(self) -> bool:
        """Whether scheduler and DAG processor have a young heartbeat."""
        health = self.ask("/monitor/health")
        return all(health[name]["status"] == "healthy" for name in ("metadatabase", "scheduler", "dag_processor"))

    def dag_ids(self) -> set[str]:
        """The DAGs that can run."""
        return {dag["dag_id"] for dag in self.ask("/dags?limit=100&exclude_stale=true")["dags"]}

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """The runs of a DAG, the first one first."""
        found: list[dict[str, Any]] = self.ask(f"/dags/{dag_id}/dagRuns?order_by=id")["dag_runs"]
        return found

    def finished_runs(self, dag_id: str, count: int = 1) -> list[dict[str, Any]]:
        """The runs of a DAG once so many have ended; empty before."""
        runs = self.runs(dag_id)
        return runs if sum(run["state"] in {"success", "failed"} for run in runs) >= count else []

    def trigger(self, dag_id: str) -> str:
        """Start a run as a person does; its id."""
        run_id: str = self.ask(f"/dags/{dag_id}/dagRuns", {"logical_date": None})["dag_run_id"]
        return run_id

    def ended(self, dag_id: str, run_id: str) -> str:
        """The state of a run that has ended; empty before."""
        path = f"/dags/{dag_id}/dagRuns/{urllib.parse.quote(run_id, safe='')}"
        state: str = self.ask(path)["state"]
        return state if state in {"success", "failed"} else ""

    def result(self, dag_id: str, run_id: str) -> Any:
        """The record that the stream's task left."""
        task = f"/dags/{dag_id}/dagRuns/{urllib.parse.quote(run_id, safe='')}/taskInstances/snapshot_merge_job"
        return self.ask(f"{task}/xcomEntries/result?deserialize=true")["value"]

    def tasks(self, dag_id: str, run_id: str) -> dict[str, str | None]:
        """The states of a run's tasks."""
        path = f"/dags/{dag_id}/dagRuns/{urllib.parse.quote(run_id, safe='')}/taskInstances"
        return {task["task_id"]: task["state"] for task in self.ask(path)["task_instances"]}

    def _login(self) -> str:
        token: str = self._request("/auth/token", {"username": ADMIN, "password": PASSWORD})["access_token"]
        return token

    def _request(self, path: str, body: Any, *, method: str | None = None, token: str | None = None) -> Any:
        request = urllib.request.Request(self.url + path, method=method)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        if token is not None:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                text = response.read()
                return json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            raise Refused(error.code, error.read().decode(errors="replace")) from None

    def _lay_out(self) -> None:
        """What the image and the chart's Secret hold."""
        for name in ("home/config", "logs", "bundles"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "home/airflow.cfg").touch()
        preload = Path(datasurface.runtime.dags.__file__).parent / "airflow_local_settings.py"
        shutil.copy(preload, self.folder / "home/config/airflow_local_settings.py")
        login, endpoint = self.metadata.login, self.metadata.endpoint(METADATA_DATABASE)
        password = urllib.parse.quote(login.password, safe="")
        secrets = {
            "sql_alchemy_conn": f"postgresql+psycopg2://{login.username}:{password}@{endpoint.host}:{endpoint.port}"
            f"/{endpoint.database}",
            "fernet_key": "Zm9yIHRlc3RzIG9ubHksIG5vdCBhIHNlY3JldCAhISE=",
            "jwt_secret": "for tests only, and long enough to sign with it, not a secret at all, sixty-four",
            "secret_key": "for tests only",
            "admin_username": ADMIN,
            "admin_password": PASSWORD,
        }
        for name, value in secrets.items():
            (self.folder / name).write_text(value)


@contextmanager
def running(folder: Path, merge: MergeDatabase, kubernetes: KubernetesProcess) -> Iterator[Airflow]:
    """An Airflow that is healthy. Its processes begin before there is a database, as pods of one installation do."""
    with ExitStack() as closing:
        metadata = closing.enter_context(EmbeddedServer(fast=True))
        airflow = Airflow(folder, metadata, merge, kubernetes.kubeconfig)
        closing.callback(airflow.stop)
        airflow.start()
        with connect.open_session(
            metadata.endpoint(), metadata.login, application_name="test", purpose=Purpose.CONTROL
        ) as session:
            session.raw.autocommit = True
            session.raw.cursor().execute(f"CREATE DATABASE {METADATA_DATABASE}")
        airflow.migrate()
        airflow.until(airflow.is_healthy, seconds=START_SECONDS)
        yield airflow


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
