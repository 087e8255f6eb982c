"""How a task follows its pod: looks in short steps, writes each line of the job's log once, quotes no manifest.

The stock manager sleeps 1 s and writes the last second's lines again when a log ends before the kubelet says so, looks
at a pod's phase every 2 s, and logs the whole manifest of a pod that was refused.
"""

import json
import logging
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

from airflow.providers.cncf.kubernetes.utils.pod_manager import PodManager, detect_pod_terminate_early_issues

from datasurface.runtime.dags import pod_ending
from datasurface.runtime.dags.pod_ending import Pod

STEP_SECONDS: Final = 0.25
#: The kubelet tells of a container's end up to 2 s after its log has ended.
KUBELET_SECONDS: Final = 3.0
#: A pod whose log has ended is about to end; one whose log cannot be read may run for hours.
BRISK_SECONDS: Final = 10.0
SLOW_STEP_SECONDS: Final = 2.0
#: Of a line of the job's log these are shown in another way, or not at all.
_OWN_KEYS: Final = frozenset({"event", "level", "timestamp", "part"})


class JobPodManager(PodManager):
    """PodManager for jobs of seconds."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._last_lines: dict[str, _LastLine] = {}

    def run_pod_async(self, pod: Pod, **arguments: Any) -> Pod:
        """Create the pod; a refusal is the caller's to tell, without the manifest."""
        body = self._client.api_client.sanitize_for_serialization(pod)
        return self._client.create_namespaced_pod(body=body, namespace=pod.metadata.namespace, **arguments)

    def container_is_running(self, pod: Pod, container_name: str) -> bool:
        """Whether the container still runs, once the kubelet has had the time to say that it does not."""
        until = time.monotonic() + KUBELET_SECONDS
        while is_running := super().container_is_running(pod, container_name):
            if time.monotonic() > until:
                break
            time.sleep(STEP_SECONDS)
        return bool(is_running)

    def await_pod_completion(self, pod: Pod, *_stock: Any, **_arguments: Any) -> Pod:
        """The pod in its final phase, or as it is if it cannot begin."""
        brisk_until = time.monotonic() + BRISK_SECONDS
        while True:
            remote = self.read_pod(pod)
            if pod_ending.is_finished(remote) or detect_pod_terminate_early_issues(remote):
                return remote
            time.sleep(STEP_SECONDS if time.monotonic() < brisk_until else SLOW_STEP_SECONDS)

    def read_pod_logs(self, pod: Pod, container_name: str, **arguments: Any) -> Iterable[bytes]:
        """The lines of the container's log that no earlier call has given, each with its time of nanoseconds."""
        last = self._last_lines.setdefault(f"{pod.metadata.name}/{container_name}", _LastLine())
        return last.newer(super().read_pod_logs(pod, container_name, **arguments))

    def _log_message(self, message: str, *_stock: Any, **_arguments: Any) -> None:
        """Write a line of the job's log; of JSON at its level and for people."""
        level, text = readable(message)
        self.log.log(level, "%s", text)


class _LastLine:
    """How far a log has been read. Asked for again, the API gives whole seconds anew."""

    def __init__(self) -> None:
        self._at = b""
        self._lines: set[bytes] = set()

    def newer(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        for line in lines:
            at = _nanoseconds(line.partition(b" ")[0])
            if at < self._at or (at == self._at and line in self._lines):
                continue
            if at != self._at:
                self._lines.clear()
            self._at = at
            self._lines.add(line)
            yield line


def _nanoseconds(stamp: bytes) -> bytes:
    """A time as Kubernetes writes it, in a form that sorts: it leaves the zeros at the end out."""
    seconds, _, fraction = stamp.rstrip(b"Z").partition(b".")
    return seconds + b"." + fraction.ljust(9, b"0")


def readable(line: str) -> tuple[int, str]:
    """The level and the text of a line of a job's log: `event key=value ...` of an object of JSON, else the line."""
    try:
        document = json.loads(line) if line.startswith("{") else None
    except ValueError:
        document = None
    if not isinstance(document, dict) or "event" not in document:
        return logging.INFO, line
    level = logging.getLevelNamesMapping().get(str(document.get("level", "info")).upper(), logging.INFO)
    exception = document.pop("exception", None)
    rest = [f"{key}={value}" for key, value in document.items() if key not in _OWN_KEYS and value is not None]
    text = "  ".join([str(document["event"]), *rest])
    return level, f"{text}\n{exception}" if exception else text
