"""Tests with Airflow: an environment of its own before anything imports it, and a fake Kubernetes."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

# Airflow makes its folder and reads its settings when it is imported.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="airflow-home-"))
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
os.environ.setdefault("AIRFLOW__CORE__UNIT_TEST_MODE", "False")
os.environ.setdefault("AIRFLOW__WORKERS__API_RETRIES", "2")

from datasurface.demo.embedded import EmbeddedServer
from datasurface.runtime.dags.bundle import StreamBundle
from tests.airflow import airflow_processes, kubernetes_process, task_run
from tests.airflow.airflow_processes import Airflow
from tests.airflow.bundle_files import MakeBundle
from tests.airflow.kubernetes_process import KubernetesProcess
from tests.airflow.merge_database import MergeDatabase
from tests.airflow.task_run import TaskRun


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let Airflow and its libraries deprecate what is theirs."""
    for item in items:
        for warning in ("DeprecationWarning", "PendingDeprecationWarning", "FutureWarning"):
            item.add_marker(pytest.mark.filterwarnings(f"ignore::{warning}:airflow.*"))


@pytest.fixture(scope="session")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubernetesProcess]:
    """One fake for all tests of this process."""
    with kubernetes_process.running(tmp_path_factory.mktemp("kubernetes")) as process:
        yield process


@pytest.fixture
def kubernetes(fake: KubernetesProcess) -> KubernetesProcess:
    """The fake as it was at the beginning."""
    fake.reset()
    return fake


@pytest.fixture
def job_run(kubernetes: KubernetesProcess) -> Callable[..., TaskRun]:
    """Makes a run of a stream's task; arguments go to the operator."""

    def make(**options: Any) -> TaskRun:
        return TaskRun(kubernetes, partial(task_run.job_operator, kubernetes, **options), f"manual__{uuid.uuid4()}")

    return make


@pytest.fixture
def pod_run(kubernetes: KubernetesProcess) -> Callable[..., TaskRun]:
    """Makes a run of an infrastructure task; arguments go to the operator."""

    def make(**options: Any) -> TaskRun:
        return TaskRun(kubernetes, partial(task_run.pod_operator, kubernetes, **options), f"manual__{uuid.uuid4()}")

    return make


@pytest.fixture(scope="session")
def merge_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MergeDatabase]:
    """A merge database on a server of its own, which a test may stop; the next one starts it again."""
    with EmbeddedServer(fast=True) as server:
        yield MergeDatabase(server, tmp_path_factory.mktemp("merge"))


@pytest.fixture(scope="session")
def processes(
    merge_database: MergeDatabase, fake: KubernetesProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Airflow]:
    """One Airflow for all tests that need its processes: it takes half a minute to begin."""
    with airflow_processes.running(tmp_path_factory.mktemp("airflow"), merge_database, fake) as airflow:
        yield airflow


@pytest.fixture
def airflow(processes: Airflow, merge_database: MergeDatabase, kubernetes: KubernetesProcess) -> Iterator[Airflow]:
    """That Airflow, with whatever streams the last test published; each test takes streams of its own names."""
    merge_database.server.start()
    yield processes
    merge_database.server.start()


@pytest.fixture
def merge(merge_database: MergeDatabase) -> Iterator[MergeDatabase]:
    """The merge database, with no platform."""
    merge_database.server.start()
    merge_database.empty()
    yield merge_database
    merge_database.server.start()


@pytest.fixture
def bundle(merge: MergeDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeBundle:
    """Makes bundles as Airflow does; all share one folder, unless another is named."""
    monkeypatch.setenv("DATASURFACE_CONNECTIONS", str(merge.connections_path))
    monkeypatch.setenv("DATASURFACE_INSTALLATION", str(merge.installation_path))

    def make(folder: str = "bundles", **options: Any) -> StreamBundle:
        monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(tmp_path / folder))
        return StreamBundle(name="streams", refresh_interval=2, **options)

    return make
