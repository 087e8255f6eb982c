"""The second installation: what takes minutes is done to it, while tests of the first go on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness.cluster import Cluster
from tests.e2e.harness.installation import Installation, installed
from tests.e2e.harness.neighbour import NAMESPACE, Neighbour
from tests.e2e.harness.release import Release


@pytest.fixture(scope="session")
def neighbour(cluster: Cluster, folder: Path, installation: Installation) -> Iterator[Neighbour]:
    """A release in another namespace, asked for with a class of storage that does not exist yet."""
    assert installation
    storage_class = "e2e-late"
    cluster.kubectl("delete", "storageclass", storage_class, "--ignore-not-found")
    if NAMESPACE in cluster.left_namespaces():
        cluster.remove_namespace(NAMESPACE)
    release = Release(cluster=cluster, name="other", namespace=NAMESPACE, folder=folder)
    values = {"simulator": {"enabled": False}, "postgres": {"storage": {"storageClass": storage_class}}}
    second = installed(release, values, folder)
    yield Neighbour(installation=second, storage_class=storage_class, away_since=time.monotonic())
    second.close()
    cluster.remove_namespace(NAMESPACE, waits=False)
    cluster.kubectl("delete", "storageclass", storage_class, "--ignore-not-found")
