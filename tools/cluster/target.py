"""The cluster that is meant: the context that E2E_CONTEXT names, or a kind cluster of our own.

What follows works on a kubeconfig that holds this one context, so that no command reaches another cluster by chance.
"""

from __future__ import annotations

import json
import os
import shlex
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tools.cluster.docker import Docker
from tools.cluster.helm import find_helm, find_kubectl
from tools.cluster.programs import ProgramFailed, Unready, output_of, programs_on_path, run

KIND_CLUSTER: Final = "datasurface"
KUBECONFIG: Final = Path("build/cluster/kubeconfig")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A cluster that answers; `kind` is the program if it is kind's, `load` the command that takes image names."""

    context: str
    helm: Path
    kubectl: Path
    kind: Path | None
    load: str | None

    def kubectl_output(self, *arguments: str, timeout_seconds: float = 60, stdin: str | None = None) -> str:
        """Give what kubectl writes; raise ProgramFailed."""
        command: list[str | Path] = [self.kubectl, "--kubeconfig", KUBECONFIG, *arguments]
        return output_of(command, timeout_seconds=timeout_seconds, stdin=stdin)

    def objects(self, *arguments: str) -> list[dict[str, Any]]:
        """Give the objects that `kubectl get` lists; raise ProgramFailed."""
        items: list[dict[str, Any]] = json.loads(self.kubectl_output("get", *arguments, "-o", "json"))["items"]
        return items

    def helm_command(self, *arguments: str) -> list[str | Path]:
        """Give helm's command line for this cluster."""
        return [self.helm, "--kubeconfig", KUBECONFIG, *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """What makes plain `helm` and `kubectl` mean this cluster and these programs."""
        folders = [
            str(self.helm.parent.resolve()),
            str(self.kubectl.parent.resolve()),
            os.environ.get("PATH", os.defpath),
        ]
        path = os.pathsep.join(folders)
        chosen = {
            "KUBECONFIG": str(KUBECONFIG.resolve()),
            "E2E_CONTEXT": self.context,
            "HELM": str(self.helm.resolve()),
        }
        return {**os.environ, "PATH": path, **chosen}


def find_target() -> Target:
    """Give the cluster that is meant, kind's where none is named; raise Unready. Writes build/cluster/kubeconfig."""
    helm, kubectl = find_helm(), find_kubectl()
    context, kind = os.environ.get("E2E_CONTEXT") or None, None
    if context is None:
        kind, context = _kind_cluster(kubectl.program)
    _write_kubeconfig(kubectl.program, context)
    return Target(
        context=context, helm=helm.program, kubectl=kubectl.program, kind=kind, load=os.environ.get("E2E_LOAD") or None
    )


def _contexts(kubectl: Path) -> list[str]:
    return output_of([kubectl, "config", "get-contexts", "-o", "name"]).split()


def _kind_cluster(kubectl: Path) -> tuple[Path, str]:
    """Give kind and the context of its cluster, which is made when it is not there."""
    found = programs_on_path("kind")
    if not found:
        known = ", ".join(_contexts(kubectl)) or "none"
        raise Unready(
            "there is no kind on PATH to make a cluster with, and E2E_CONTEXT names none",
            fix="install kind (https://kind.sigs.k8s.io), or name a context of your kubeconfig "
            f"(known: {known}): make up E2E_CONTEXT=<context> E2E_LOAD=<command that takes image names>",
        )
    if KIND_CLUSTER not in output_of([found[0], "get", "clusters"]).split():
        run([found[0], "create", "cluster", "--name", KIND_CLUSTER, "--wait", "180s"])
    return found[0], f"kind-{KIND_CLUSTER}"


def _write_kubeconfig(kubectl: Path, context: str) -> None:
    """Write the context alone to a file that only its owner may read."""
    known = _contexts(kubectl)
    if context not in known:
        raise Unready(
            f"the kubeconfig has no context {context!r}",
            fix=f"E2E_CONTEXT names one of: {', '.join(known) or 'none; KUBECONFIG names another file'}",
        )
    config = output_of([kubectl, "config", "view", "--raw", "--minify", "--flatten", "--context", context])
    KUBECONFIG.parent.mkdir(parents=True, exist_ok=True)
    KUBECONFIG.unlink(missing_ok=True)
    KUBECONFIG.touch(mode=0o600)
    KUBECONFIG.write_text(config + "\n")
    output_of([kubectl, "--kubeconfig", KUBECONFIG, "config", "use-context", context])


def load_images(target: Target, docker: Docker, images: Sequence[str]) -> None:
    """Give the cluster images of this machine: by E2E_LOAD, else by kind, else it has its own ways."""
    if target.load:
        run([*shlex.split(target.load), *images], environment=target.environment)
    elif target.kind:
        # An archive, because kind cannot read every image store that Docker has.
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder) / "images.tar"
            docker.output_of("save", "-o", str(archive), *images, timeout_seconds=600)
            run([target.kind, "load", "image-archive", archive, "--name", KIND_CLUSTER])


def is_reachable(target: Target) -> str:
    """Give the version of the cluster's API server; raise Unready when it does not answer."""
    try:
        answer = json.loads(target.kubectl_output("version", "-o", "json", "--request-timeout=15s"))
    except ProgramFailed as error:
        raise Unready(
            f"the cluster of context {target.context!r} does not answer: {error.what}",
            fix="start it, or name another one",
        ) from error
    return str(answer["serverVersion"]["gitVersion"])
