"""One installation with everything by which a test looks at it: release, databases, Airflow, model repository."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from tests.e2e.harness.airflow_api import AirflowApi
from tests.e2e.harness.cluster import Cluster
from tests.e2e.harness.git_repository import GitRepository
from tests.e2e.harness.release import Release
from tests.e2e.harness.sql import Sql

#: Logins of the databases with the ends of their Secrets' names.
LOGINS: Final = {
    "postgres": "postgres",
    "airflow": "airflow",
    "ds_job": "ds-job",
    "ds_merge": "ds-merge",
    "ds_monitor": "ds-monitor",
    "ds_dags": "ds-dags",
    "ds_link": "ds-link",
    "customer_reader": "customer-reader",
    "customer_writer": "customer-writer",
    "consumer1": "reader-consumer1",
}


@dataclass(kw_only=True)
class Installation:
    """An installed release.

    Times are by `time.monotonic`: when it was asked for, None for one that an earlier run left, and when it was ready.
    """

    release: Release
    folder: Path
    began_at: float | None = None
    ready_at: float | None = None

    @property
    def cluster(self) -> Cluster:
        """Where it is."""
        return self.release.cluster

    @property
    def namespace(self) -> str:
        """Its namespace."""
        return self.release.namespace

    @cached_property
    def sql(self) -> Sql:
        """Its databases."""
        secrets = {login: self.release.object_name(end) for login, end in LOGINS.items()}
        return Sql(self.cluster, self.namespace, self.release.object_name("postgres"), secrets)

    @cached_property
    def airflow(self) -> AirflowApi:
        """Its Airflow."""
        name = self.release.object_name("airflow")
        return AirflowApi(self.cluster, self.namespace, name, name)

    @cached_property
    def repository(self) -> GitRepository:
        """A clone of its model repository, made at the first use."""
        name = self.release.object_name("model-repo")
        repository = GitRepository(self.cluster, self.namespace, name, name, self.folder / f"{self.release.name}-model")
        repository.clone()
        return repository

    def image(self) -> str:
        """The image that its jobs run."""
        containers = self.release.pods("model-loader")[0].spec.containers
        return str(containers[0].image)

    def close(self) -> None:
        """End every port-forward."""
        for name in ("sql", "airflow", "repository"):
            if name in self.__dict__:
                getattr(self, name).close()


def installed(release: Release, values: Mapping[str, Any], folder: Path) -> Installation:
    """Install a release into a namespace of its own that enforces `restricted`; what is left to do is to wait."""
    release.cluster.make_namespace(release.namespace)
    return Installation(release=release, folder=folder, began_at=release.install(values))


def taken_over(release: Release, folder: Path) -> Installation:
    """An installation that is there already."""
    return Installation(release=release, folder=folder)


def wait_ready(installation: Installation, *, seconds: float = 300) -> float:
    """Wait until it is ready; the seconds since it was asked for, 0 for one that was there before."""
    if installation.ready_at is None:
        installation.ready_at = installation.release.wait_ready(seconds=seconds)
    return installation.ready_at - (installation.began_at or installation.ready_at)
