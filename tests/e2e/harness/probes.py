"""What a pod can reach through the network, tried from within it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from tests.e2e.harness import one_off_pods
from tests.e2e.harness.installation import Installation
from tests.e2e.harness.release import COMPONENT, INSTANCE

#: Tries addresses given as host:port and prints what came of each; a name that is unknown counts as closed.
PROBE: Final = """
import concurrent.futures, json, socket, sys

def tried(place):
    host, port = place.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), 4).close()
        return "open"
    except OSError as error:
        return type(error).__name__

with concurrent.futures.ThreadPoolExecutor() as pool:
    print(json.dumps(dict(zip(sys.argv[1:], pool.map(tried, sys.argv[1:])))))
"""
OPEN: Final = "open"


def api_server(installation: Installation) -> str:
    """Where Kubernetes answers from within a pod."""
    spec = installation.cluster.core.read_namespaced_service("kubernetes", "default").spec
    return f"{spec.cluster_ip}:{spec.ports[0].port}"


def pod_address(installation: Installation, component: str, port: int) -> str:
    """Where a component answers, without a name and without a Service."""
    return f"{installation.release.pods(component)[0].status.pod_ip}:{port}"


def labels_of(installation: Installation, component: str) -> dict[str, str]:
    """By which policies tell the pods of a component."""
    return {"app.kubernetes.io/name": "datasurface", INSTANCE: installation.release.name, COMPONENT: component}


def reached(installation: Installation, labels: Mapping[str, str], places: Sequence[str]) -> set[str]:
    """Those of the places, given as host:port, that a pod with these labels in the namespace gets through to."""
    command = ["python", "-c", PROBE, *places]
    pod = one_off_pods.of_image(installation.image(), installation.namespace, labels, command)
    ended = one_off_pods.run_to_end(installation.cluster, pod)
    assert ended.exit_code == 0, ended.log
    return open_places(ended.log)


def open_places(log: str) -> set[str]:
    """What the probe's output says is open."""
    return {place for place, found in json.loads(log).items() if found == OPEN}
