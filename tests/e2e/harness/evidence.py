"""What a failed test leaves for a person to read: pods, events and the last lines that everything printed."""

from __future__ import annotations

import subprocess
from typing import Final

from tests.e2e.harness.cluster import Cluster, CommandFailed

LINES: Final = 40


def evidence(cluster: Cluster, namespace: str) -> str:
    """Pods, the newest events, and the ends of the logs of all containers of a namespace, the ended ones included."""
    parts = [
        _said(cluster, "get", "pods,jobs,pvc", "-n", namespace, "-o", "wide"),
        "\n".join(_said(cluster, "get", "events", "-n", namespace, "--sort-by=.lastTimestamp").splitlines()[-LINES:]),
    ]
    for pod in cluster.core.list_namespaced_pod(namespace).items:
        for status in [*(pod.status.init_container_statuses or []), *(pod.status.container_statuses or [])]:
            container = ["-c", status.name, "-n", namespace, pod.metadata.name, f"--tail={LINES}"]
            parts.append(f"--- {pod.metadata.name} {status.name}\n{_said(cluster, 'logs', *container)}")
            if status.restart_count:
                parts.append(f"--- its life before\n{_said(cluster, 'logs', '--previous', *container)}")
    return "\n\n".join(parts)


def _said(cluster: Cluster, *arguments: str) -> str:
    try:
        return cluster.kubectl(*arguments, seconds=30)
    except (CommandFailed, subprocess.TimeoutExpired) as error:
        return str(error)
