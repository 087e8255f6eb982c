"""What became of each job pod: a watch on the pods of a namespace, kept beside a test."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Any, Final

from kubernetes import client, watch
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from tests.e2e.harness.cluster import Cluster
from tests.e2e.harness.release import COMPONENT

#: SIGKILL and SIGTERM as exit statuses of a container.
KILLED: Final = frozenset({137, 143})


@dataclass(frozen=True, kw_only=True)
class JobPod:
    """A job pod as it was last seen; `exit_code` is None for one that was never seen to end."""

    uid: str
    name: str
    labels: dict[str, str]
    arguments: tuple[str, ...]
    image: str
    spec: dict[str, Any]
    exit_code: int | None = None
    is_gone: bool = False

    @property
    def run_id(self) -> str | None:
        """The --run-id of a batch job."""
        if "--run-id" not in self.arguments:
            return None
        return self.arguments[self.arguments.index("--run-id") + 1]

    @property
    def is_killed(self) -> bool:
        """Whether it was ended from outside: by a signal, or taken away before its end."""
        return self.exit_code in KILLED or (self.is_gone and self.exit_code is None)


class JobPods:
    """The job pods that were seen since `start`."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._core = client.CoreV1Api(cluster.api())
        self._namespace = namespace
        self._seen: dict[str, JobPod] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="job pods", daemon=True)

    def start(self) -> JobPods:
        """Begin to watch."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End the watch."""
        self._stopped.set()
        self._thread.join(timeout=10)

    def seen(self) -> list[JobPod]:
        """All pods seen so far, in the order of their coming."""
        with self._lock:
            return list(self._seen.values())

    def of_run(self, run_id: str) -> list[JobPod]:
        """The pods of one run; `run_id` ends with Airflow's run id."""
        return [pod for pod in self.seen() if (pod.run_id or "").endswith(run_id)]

    def running(self) -> list[JobPod]:
        """Those that have not ended."""
        return [pod for pod in self.seen() if pod.exit_code is None and not pod.is_gone]

    def _watch(self) -> None:
        selector = f"{COMPONENT}=job"
        while not self._stopped.is_set():
            try:
                self._note_absences({pod.metadata.uid for pod in self._listed(selector)})
                for event in watch.Watch().stream(
                    self._core.list_namespaced_pod, self._namespace, label_selector=selector, timeout_seconds=5
                ):
                    self._note(event["type"], event["raw_object"])
            except (ApiException, HTTPError):
                self._stopped.wait(0.5)

    def _listed(self, selector: str) -> list[client.V1Pod]:
        return list(self._core.list_namespaced_pod(self._namespace, label_selector=selector).items)

    def _note_absences(self, present: set[str]) -> None:
        """A deletion between two watches is seen by the pod's absence."""
        with self._lock:
            for uid, pod in self._seen.items():
                if uid not in present:
                    self._seen[uid] = replace(pod, is_gone=True)

    def _note(self, kind: str, pod: dict[str, Any]) -> None:
        uid = pod["metadata"]["uid"]
        with self._lock:
            known = self._seen.get(uid) or _first_seen(pod)
            ended = [
                status["state"]["terminated"]["exitCode"]
                for status in pod["status"].get("containerStatuses", [])
                if "terminated" in status["state"]
            ]
            self._seen[uid] = replace(
                known,
                exit_code=ended[0] if ended else known.exit_code,
                is_gone=known.is_gone or kind == "DELETED",
            )


def _first_seen(pod: dict[str, Any]) -> JobPod:
    container = pod["spec"]["containers"][0]
    return JobPod(
        uid=pod["metadata"]["uid"],
        name=pod["metadata"]["name"],
        labels=pod["metadata"].get("labels", {}),
        arguments=tuple(container.get("command", [])) + tuple(container.get("args", [])),
        image=container["image"],
        spec=pod["spec"],
    )
