"""PostgreSQL away, in the two ways in which it can be: refusing, and silent. Each proves itself from a pod's view."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from tests.e2e.harness.cluster import LABEL
from tests.e2e.harness.installation import Installation
from tests.e2e.harness.waiting import until

_PROBE: Final = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], 5432), 3).close()
    print("open")
except OSError as error:
    print(type(error).__name__)
"""
#: What the API server fills in, which an object that is made again must not have.
_FILLED_IN: Final = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields")
REFUSED: Final = "ConnectionRefusedError"
SILENT: Final = "TimeoutError"


def seen_from_airflow(installation: Installation) -> str:
    """What a connect to PostgreSQL's Service comes to from within the Airflow pod: `open` or the error's name."""
    release = installation.release
    target, service = f"deployment/{release.object_name('airflow')}", release.object_name("postgres")
    return release.execute(target, "python", "-I", "-c", _PROBE, service, container="api-server").strip()


@contextmanager
def refused(installation: Installation) -> Iterator[None]:
    """No pod behind the Service, and no policy that drops packets: connects are refused at once."""
    release = installation.release
    allow_all = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "e2e-allow-all", "namespace": installation.namespace, "labels": {LABEL: "true"}},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [{}], "egress": [{}]},
    }
    installation.cluster.apply(allow_all)
    release.scale("statefulset", "postgres", 0)
    release.wait_gone("postgres", seconds=90)
    try:
        until("connects are refused", lambda: seen_from_airflow(installation) == REFUSED, seconds=30)
        yield
    finally:
        release.scale("statefulset", "postgres", 1)
        installation.cluster.kubectl("delete", "networkpolicy", "e2e-allow-all", "-n", installation.namespace)


@contextmanager
def silent(installation: Installation) -> Iterator[None]:
    """PostgreSQL dies without a word, and comes back behind a wall: its endpoint is there, packets to it vanish."""
    release, cluster = installation.release, installation.cluster
    policy = _taken_away(installation, release.object_name("postgres"))
    pod = release.pods("postgres")[0].metadata.name
    cluster.kubectl("delete", "pod", pod, "-n", installation.namespace, "--grace-period=0", "--force")
    try:
        until("connects hang", lambda: seen_from_airflow(installation) == SILENT, seconds=30)
        yield
    finally:
        cluster.kubectl("create", "-f", "-", stdin=json.dumps(policy))


def _taken_away(installation: Installation, name: str) -> dict[str, Any]:
    place = ["networkpolicy", name, "-n", installation.namespace]
    policy: dict[str, Any] = installation.cluster.json("get", *place)
    policy["metadata"] = {key: value for key, value in policy["metadata"].items() if key not in _FILLED_IN}
    installation.cluster.kubectl("delete", *place)
    return policy
