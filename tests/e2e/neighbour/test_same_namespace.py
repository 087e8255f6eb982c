"""A second release in the same namespace: neither sees the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness.installation import Installation
from tests.e2e.harness.neighbour import NAMESPACE
from tests.e2e.harness.probes import labels_of, pod_address, reached
from tests.e2e.harness.release import Release
from tests.e2e.harness.streams import PLATFORMS, SEED_ROWS, view_counts
from tests.e2e.harness.waiting import until


@pytest.fixture(scope="module")
def second(installation: Installation, folder: Path) -> Iterator[Installation]:
    """Another release beside the shared one; what it keeps beyond `helm uninstall` goes too."""
    cluster = installation.cluster
    if NAMESPACE in cluster.left_namespaces():
        cluster.remove_namespace(NAMESPACE, waits=False)
    release = Release(cluster=cluster, name="second", namespace=installation.namespace, folder=folder)
    if release.is_installed():
        release.uninstall()
        release.wait_gone("postgres")
    began = release.install({"simulator": {"enabled": False}})
    second = Installation(release=release, folder=folder, began_at=began)
    yield second
    second.close()
    release.uninstall()
    cluster.kubectl("delete", "pvc,secret,pod", "-n", release.namespace, "-l", release.selector, "--wait=false")


@pytest.mark.row("K02")
@pytest.mark.timeout(400)
def test_both_releases_work(installation: Installation, second: Installation) -> None:
    """The second one comes up with objects, databases and rows of its own; nothing of the first changes."""
    objects, restarts = installation.release.objects(), installation.release.restarts()
    second.release.wait_ready()
    until(
        "13 rows in both",
        lambda: all(view_counts(second.sql, platform) == SEED_ROWS for platform in PLATFORMS),
        seconds=150,
        passing=(Exception,),
    )
    assert not set(second.release.objects()) & set(objects)
    assert installation.release.objects() == objects
    assert installation.release.restarts() == restarts


@pytest.mark.row("K02", kind="refusal")
def test_jobs_of_one_release_reach_no_database_of_the_other(installation: Installation, second: Installation) -> None:
    """The network tells them apart by the release, not by the namespace."""
    own, other = (pod_address(each, "postgres", 5432) for each in (second, installation))
    assert reached(second, labels_of(second, "job"), [own, other]) == {own}
