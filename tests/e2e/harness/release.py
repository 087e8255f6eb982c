"""A release of the chart: installing, changing, waiting until all of it stands, removing."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import yaml
from kubernetes import client
from pytest_helm_charts.k8s.deployment import wait_for_deployments_to_run
from pytest_helm_charts.k8s.stateful_set import wait_for_stateful_sets_to_run

from tests.e2e.harness.cluster import Cluster
from tests.e2e.harness.waiting import until

READY_SECONDS: Final = 300
INSTANCE: Final = "app.kubernetes.io/instance"
COMPONENT: Final = "app.kubernetes.io/component"


@dataclass(frozen=True, kw_only=True)
class Release:
    """A release by its name and namespace; whether it is installed is the cluster's knowledge.

    `folder` holds a copy of the chart, so that an edit during a run changes nothing.
    """

    cluster: Cluster
    name: str
    namespace: str
    folder: Path

    @property
    def chart(self) -> Path:
        """The chart that this run is about."""
        return self.folder / "chart"

    @property
    def fullname(self) -> str:
        """What the names of its objects begin with."""
        return self.name if "datasurface" in self.name else f"{self.name}-datasurface"

    def object_name(self, component: str) -> str:
        """The name of a component's object."""
        return f"{self.fullname}-{component}"

    def install(self, values: Mapping[str, Any]) -> float:
        """`helm install`, as the README has it; returns the monotonic time at which it was called."""
        began = time.monotonic()
        self.cluster.helm("install", self.name, self.chart, "-n", self.namespace, "-f", self._file(values))
        return began

    def upgrade(self, *settings: str) -> float:
        """`helm upgrade --reuse-values --set ...`; returns the monotonic time at which it was called."""
        began = time.monotonic()
        flags = [flag for setting in settings for flag in (_setting_flag(setting), setting)]
        self.cluster.helm("upgrade", self.name, self.chart, "-n", self.namespace, "--reuse-values", *flags)
        return began

    def uninstall(self) -> None:
        """`helm uninstall`; volumes and Secrets stay."""
        self.cluster.helm("uninstall", self.name, "-n", self.namespace)

    def is_installed(self) -> bool:
        """Whether Helm knows the release."""
        listed = json.loads(self.cluster.helm("list", "-n", self.namespace, "-o", "json"))
        return any(each["name"] == self.name for each in listed)

    def manifests(self) -> list[dict[str, Any]]:
        """The objects of the release as it is installed."""
        text = self.cluster.helm("get", "manifest", self.name, "-n", self.namespace)
        return [document for document in yaml.safe_load_all(text) if document]

    def rendered(self, *settings: str) -> list[dict[str, Any]]:
        """The objects that the chart would make with other values than those it was installed with."""
        values = self.folder / f"{self.name}-now.yaml"
        values.write_text(self.cluster.helm("get", "values", self.name, "-n", self.namespace, "-o", "yaml"))
        flags = [flag for setting in settings for flag in ("--set", setting)]
        text = self.cluster.helm("template", self.name, self.chart, "-n", self.namespace, "-f", values, *flags)
        return [document for document in yaml.safe_load_all(text) if document]

    def objects(self) -> dict[str, str]:
        """Kind/name of each object of the release with a digest of what the chart says about it."""
        return {
            f"{each['kind']}/{each['metadata']['name']}": json.dumps(each, sort_keys=True) for each in self.manifests()
        }

    @cached_property
    def selector(self) -> str:
        """Label selector of all its pods."""
        return f"{INSTANCE}={self.name}"

    def pods(self, component: str | None = None) -> list[client.V1Pod]:
        """Its pods, of one component or of all; what is being deleted is left out."""
        selector = self.selector if component is None else f"{self.selector},{COMPONENT}={component}"
        found = self.cluster.core.list_namespaced_pod(self.namespace, label_selector=selector).items
        return [pod for pod in found if pod.metadata.deletion_timestamp is None]

    def long_running_pods(self) -> list[client.V1Pod]:
        """Pods of Deployments and StatefulSets."""
        kinds = {"ReplicaSet", "StatefulSet"}
        return [pod for pod in self.pods() if {each.kind for each in pod.metadata.owner_references or []} & kinds]

    def restarts(self) -> dict[str, int]:
        """Containers that were restarted, as `pod/container`, with how often; pods of failed Jobs count as one each."""
        counts = {
            f"{pod.metadata.name}/{status.name}": status.restart_count
            for pod in self.pods()
            for status in [*(pod.status.container_statuses or []), *(pod.status.init_container_statuses or [])]
        }
        failed = {
            pod.metadata.name: 1
            for pod in self.pods()
            if pod.status.phase == "Failed" and (pod.metadata.labels or {}).get(COMPONENT) != "job"
        }
        return {name: count for name, count in (counts | failed).items() if count}

    def wait_ready(self, *, seconds: float = READY_SECONDS) -> float:
        """Wait until every workload stands and every Job has ended well; the monotonic time of that."""
        kube = self.cluster.existing.kube_client
        names = {
            kind: [each["metadata"]["name"] for each in self.manifests() if each["kind"] == kind]
            for kind in ("StatefulSet", "Deployment", "Job")
        }
        deadline = time.monotonic() + seconds
        if names["StatefulSet"]:
            wait_for_stateful_sets_to_run(kube, names["StatefulSet"], self.namespace, int(seconds))
        wait_for_deployments_to_run(kube, names["Deployment"], self.namespace, int(deadline - time.monotonic()) + 1)
        for job in names["Job"]:
            until(
                f"Job {job} ends well", lambda job=job: self._is_complete(job), seconds=deadline - time.monotonic() + 1
            )
        return time.monotonic()

    def scale(self, kind: str, component: str, replicas: int) -> None:
        """Set how many pods a workload has."""
        target = f"{kind}/{self.object_name(component)}"
        self.cluster.kubectl("scale", target, "-n", self.namespace, f"--replicas={replicas}")

    def wait_gone(self, component: str, *, seconds: float = 60) -> None:
        """Wait until no pod of the component is left, not even one on its way out."""
        selector = f"{self.selector},{COMPONENT}={component}"
        until(
            f"no pod of {component}",
            lambda: not self.cluster.core.list_namespaced_pod(self.namespace, label_selector=selector).items,
            seconds=seconds,
        )

    def execute(self, target: str, *command: str, container: str | None = None) -> str:
        """Run a program in a pod of the release."""
        named = ["-c", container] if container else []
        return self.cluster.kubectl("exec", "-n", self.namespace, target, *named, "--", *command)

    def _is_complete(self, job: str) -> bool:
        status = self.cluster.batch.read_namespaced_job_status(job, self.namespace).status
        conditions = {each.type for each in status.conditions or [] if each.status == "True"}
        assert "Failed" not in conditions, f"Job {job} failed"
        return "Complete" in conditions

    def _file(self, values: Mapping[str, Any]) -> Path:
        path = self.folder / f"{self.name}-values.yaml"
        path.write_text(yaml.safe_dump(dict(values)))
        return path


def _setting_flag(setting: str) -> str:
    """`--set`, but for numbers with a point, which that takes for texts."""
    value = setting.partition("=")[2]
    return "--set-json" if value.replace(".", "", 1).isdigit() and "." in value else "--set"
