"""Pods that run one program to its end, by the chart's own template or with no rights at all."""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.e2e.harness.cluster import LABEL, Cluster
from tests.e2e.harness.waiting import until

#: Kubernetes' `restricted` in full, with a read-only root besides.
SECURITY: Final[Mapping[str, Any]] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
POD_SECURITY: Final[Mapping[str, Any]] = {
    "runAsNonRoot": True,
    "runAsUser": 10001,
    "seccompProfile": {"type": "RuntimeDefault"},
}


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a pod ended: the exit status of its first container, and all that it printed."""

    exit_code: int
    log: str


def of_template(template: Mapping[str, Any], name: str, namespace: str, arguments: Sequence[str]) -> dict[str, Any]:
    """A pod as the pod template of a Job has it, with `arguments` after its own, which is never started again."""
    spec = copy.deepcopy(dict(template["spec"]))
    spec["restartPolicy"] = "Never"
    container = spec["containers"][0]
    place = "args" if "args" in container or "command" not in container else "command"
    container[place] = [*container.get(place, []), *arguments]
    labels = {**template["metadata"]["labels"], LABEL: "true"}
    metadata = {"name": f"{name}-{uuid.uuid4().hex[:6]}", "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def of_image(image: str, namespace: str, labels: Mapping[str, str], command: Sequence[str]) -> dict[str, Any]:
    """A restricted pod without token, secret or volume, which runs `command`."""
    name = f"probe-{uuid.uuid4().hex[:6]}"
    container = {"name": "probe", "image": image, "command": list(command), "securityContext": dict(SECURITY)}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {**labels, LABEL: "true"}},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": dict(POD_SECURITY),
            "containers": [container],
        },
    }


def run_to_end(cluster: Cluster, pod: Mapping[str, Any], *, seconds: float = 120) -> Ended:
    """Run a pod, wait for its end, read its log, and remove it."""
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    cluster.kubectl("create", "-f", "-", stdin=json.dumps(pod))
    try:
        ended = until(f"pod {name} ends", lambda: _terminated(cluster, name, namespace), seconds=seconds)
        log: str = cluster.core.read_namespaced_pod_log(name, namespace)
        return Ended(exit_code=ended.exit_code, log=log)
    finally:
        cluster.kubectl("delete", "pod", name, "-n", namespace, "--ignore-not-found", "--wait=false")


def _terminated(cluster: Cluster, name: str, namespace: str) -> Any:
    statuses = cluster.core.read_namespaced_pod_status(name, namespace).status.container_statuses or []
    return statuses[0].state.terminated if statuses else None
