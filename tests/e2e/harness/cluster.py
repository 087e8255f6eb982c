"""The cluster that the tests run on: one context of a kubeconfig, through kubectl, helm and the official client.

What the tests make carries the label `LABEL`; nothing else on the cluster is ever changed or removed.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from kubernetes import client, config
from pytest_helm_charts.clusters import ExistingCluster
from pytest_helm_charts.k8s.namespace import ensure_namespace_exists

ROOT: Final = Path(__file__).parents[3]
LABEL: Final = "datasurface.io/e2e"
RESTRICTED: Final = {
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/warn": "restricted",
}


_ANY_STATE: Final = ("--deployed", "--failed", "--pending")


class CommandFailed(AssertionError):
    """A program that the tests call ended badly; the message holds what it said."""


def run(command: Sequence[str | Path], *, stdin: str | None = None, seconds: float = 120, **given: Any) -> str:
    """Run a program and return what it printed. Raises CommandFailed with its output."""
    done = subprocess.run(
        [str(part) for part in command],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        **given,
    )
    if done.returncode:
        raise CommandFailed(f"{' '.join(map(str, command))}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A cluster as its administrator sees it. `kubeconfig` has one context."""

    kubeconfig: Path

    @classmethod
    def of_environment(cls, folder: Path) -> Cluster:
        """The context that E2E_CONTEXT names, else the current one of KUBECONFIG."""
        context = os.environ.get("E2E_CONTEXT")
        named = ["--context", context] if context else []
        text = run(["kubectl", "config", "view", "--raw", "--minify", "--flatten", *named])
        kubeconfig = folder / "kubeconfig"
        kubeconfig.touch(mode=0o600)
        kubeconfig.write_text(text)
        return cls(kubeconfig=kubeconfig)

    @cached_property
    def existing(self) -> ExistingCluster:
        """The cluster as pytest-helm-charts sees it."""
        cluster = ExistingCluster(str(self.kubeconfig))
        cluster.create()
        return cluster

    def api(self, impersonating: str | None = None) -> client.ApiClient:
        """The official client, as somebody else where `impersonating` names a user."""
        api: client.ApiClient = config.new_client_from_config(str(self.kubeconfig))
        if impersonating is not None:
            api.set_default_header("Impersonate-User", impersonating)
        return api

    @cached_property
    def core(self) -> client.CoreV1Api:
        """Pods, Secrets, Services, events."""
        return client.CoreV1Api(self.api())

    @cached_property
    def apps(self) -> client.AppsV1Api:
        """Deployments and StatefulSets."""
        return client.AppsV1Api(self.api())

    @cached_property
    def batch(self) -> client.BatchV1Api:
        """Jobs."""
        return client.BatchV1Api(self.api())

    def kubectl(self, *arguments: str | Path, stdin: str | None = None, seconds: float = 120) -> str:
        """Run kubectl and return what it printed."""
        return run(["kubectl", "--kubeconfig", self.kubeconfig, *arguments], stdin=stdin, seconds=seconds)

    def json(self, *arguments: str) -> Any:
        """What `kubectl ... -o json` prints."""
        return json.loads(self.kubectl(*arguments, "-o", "json"))

    def apply(self, *manifests: Mapping[str, Any]) -> None:
        """Create or change objects."""
        for manifest in manifests:
            self.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))

    def helm(self, *arguments: str | Path, seconds: float = 300) -> str:
        """Run helm and return what it printed."""
        return run([helm_program(), "--kubeconfig", self.kubeconfig, *arguments], seconds=seconds)

    def make_namespace(self, name: str, labels: Mapping[str, str] = RESTRICTED) -> None:
        """Make a namespace of the tests; it enforces Pod Security `restricted` unless told otherwise."""
        ensure_namespace_exists(
            self.existing.kube_client, name, extra_metadata={"name": name, "labels": {LABEL: "true", **labels}}
        )

    def remove_namespace(self, name: str, *, waits: bool = True) -> None:
        """Remove a namespace with the releases and all else that is in it; with `waits` return when it is gone."""
        for release in json.loads(self.helm("list", *_ANY_STATE, "-n", name, "-o", "json")):
            self.helm("uninstall", release["name"], "-n", name)
        self.kubectl("delete", "namespace", name, "--ignore-not-found", f"--wait={str(waits).lower()}", seconds=150)

    def left_namespaces(self) -> list[str]:
        """Namespaces that an earlier run left behind."""
        return self.kubectl("get", "namespaces", "-l", LABEL, "-o", "name").replace("namespace/", "").split()

    def image_loader(self) -> list[str] | None:
        """The command that brings images into the cluster, where E2E_LOAD names one."""
        load = os.environ.get("E2E_LOAD")
        return shlex.split(load) if load else None


def helm_program() -> str:
    """HELM, else the helm on PATH, else the one that `make e2e` fetched."""
    found = os.environ.get("HELM") or shutil.which("helm") or str(ROOT / ".venv" / "cluster" / "helm")
    if not Path(found).exists():
        raise CommandFailed(f"no helm at {found}; `make e2e` fetches one, HELM=<path> names another")
    return found
