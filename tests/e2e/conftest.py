"""The scenarios on a real cluster: one installation that most of them share, and the table of targets at the end.

The cluster is the one that E2E_CONTEXT names in the kubeconfig, or its current context; the images are in it already.
E2E_KEEP=1 leaves the installation there, and takes over one that is: so a scenario can be run by itself in seconds.
README.md says more.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.harness.cluster import ROOT, Cluster
from tests.e2e.harness.evidence import evidence
from tests.e2e.harness.installation import Installation, installed, taken_over, wait_ready
from tests.e2e.harness.job_pods import JobPods
from tests.e2e.harness.measurements import Measurements
from tests.e2e.harness.release import Release

HERE: Final = Path(__file__).parent
NAMESPACE: Final = "datasurface-e2e"
RELEASE: Final = "datasurface"
TARGETS_FILE: Final = ROOT / "build" / "e2e-targets.json"
MEASUREMENTS = pytest.StashKey[Measurements]()
BEGAN = pytest.StashKey[float]()
CLUSTER = pytest.StashKey[Cluster]()
REPORTED = pytest.StashKey[int]()
#: How many failures are told with all logs.
EVIDENCE: Final = 3

#: The order of the scenarios: an installation as it was born, then what needs quiet, then what leaves traces.
ORDER: Final = (
    "install/test_ready.py",
    "pipeline/test_first_rows.py",
    "install/test_installation.py",
    "install/test_confinement.py",
    "pipeline/test_counts.py",
    "neighbour/test_late_database_begins.py",
    "pipeline/test_latency.py",
    "neighbour/test_late_database_ends.py",
    "neighbour/test_long_outage_begins.py",
    "simulator",
    "git_push",
    "security",
    "install/test_chart_checks.py",
    "install/test_missing_images.py",
    "stream_rows",
    "neighbour/test_long_outage_ends.py",
    "neighbour/test_same_namespace.py",
    "upgrade",
    "fault",
)


def pytest_configure(config: pytest.Config) -> None:
    config.stash[MEASUREMENTS] = Measurements()
    config.stash[BEGAN] = time.monotonic()
    config.stash[REPORTED] = 0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the scenarios in their order; tests of one file keep theirs."""
    ours = [item for item in items if HERE in item.path.parents]
    others = [item for item in items if HERE not in item.path.parents]
    items[:] = [*others, *sorted(ours, key=_place)]


def _place(item: pytest.Item) -> int:
    path = item.path.relative_to(HERE).as_posix()
    return next((place for place, name in enumerate(ORDER) if path.startswith(name)), len(ORDER))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Add what the cluster shows to the report of a test that failed; the first ones say it all."""
    report = yield
    if report.failed and CLUSTER in item.config.stash and item.config.stash[REPORTED] < EVIDENCE:
        item.config.stash[REPORTED] += 1
        cluster = item.config.stash[CLUSTER]
        for namespace in cluster.left_namespaces():
            report.sections.append((f"cluster, namespace {namespace}", evidence(cluster, namespace)))
    return report


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the targets as the last table, and write them for programs."""
    if CLUSTER not in config.stash:
        return
    measurements = config.stash[MEASUREMENTS]
    measurements.write(TARGETS_FILE)
    minutes = (time.monotonic() - config.stash[BEGAN]) / 60
    terminalreporter.section(f"targets ({minutes:.1f} min in all)")
    for line in measurements.table():
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def keeps() -> bool:
    """Whether installations stay after the run, and are taken over when they are there."""
    return os.environ.get("E2E_KEEP") == "1"


@pytest.fixture(scope="session")
def measurements(pytestconfig: pytest.Config) -> Measurements:
    """Where measured values go."""
    return pytestconfig.stash[MEASUREMENTS]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the whole run, with the chart as it is now."""
    folder = tmp_path_factory.mktemp("e2e")
    shutil.copytree(ROOT / "charts" / "datasurface", folder / "chart")
    return folder


@pytest.fixture(scope="session")
def cluster(pytestconfig: pytest.Config, folder: Path, keeps: bool) -> Cluster:
    """The cluster, free of what an earlier run left behind."""
    cluster = Cluster.of_environment(folder)
    pytestconfig.stash[CLUSTER] = cluster
    if not keeps:
        for namespace in cluster.left_namespaces():
            cluster.remove_namespace(namespace)
    return cluster


@pytest.fixture(scope="session")
def started(cluster: Cluster, folder: Path, keeps: bool) -> Iterator[Installation]:
    """The shared installation just after `helm install`, without a simulator; it may not be ready yet."""
    release = Release(cluster=cluster, name=RELEASE, namespace=NAMESPACE, folder=folder)
    if keeps and release.is_installed():
        installation = taken_over(release, folder)
    else:
        installation = installed(release, {"simulator": {"enabled": False}}, folder)
    yield installation
    installation.close()
    if not keeps:
        cluster.remove_namespace(NAMESPACE, waits=False)


@pytest.fixture(scope="session")
def installation(started: Installation) -> Installation:
    """The shared installation, ready."""
    wait_ready(started)
    return started


@pytest.fixture(scope="session")
def job_pods(installation: Installation) -> Iterator[JobPods]:
    """What became of the job pods of the shared installation."""
    watched = JobPods(installation.cluster, installation.namespace).start()
    yield watched
    watched.stop()
