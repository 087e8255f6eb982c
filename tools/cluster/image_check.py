"""Asks the cluster itself whether it has, or can pull, every image of the chart: by a pod that names them all.

Without it a missing image shows only as a pod that waits until helm's patience is over.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Sequence
from typing import Any, Final

from tools.cluster.programs import ProgramFailed, Unready
from tools.cluster.target import Target

_NAMESPACE: Final = "default"
_POLL_SECONDS: Final = 0.5
#: For images that a registry has; one that is loaded is there at once.
_PULL_SECONDS: Final = 300
_MISSING: Final = frozenset({"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"})


def check_images(target: Target, images: Sequence[str]) -> None:
    """Return once every image is on a node; raise Unready naming those that are not, and how they get there."""
    name = f"datasurface-preflight-{uuid.uuid4().hex[:8]}"
    target.kubectl_output("create", "-f", "-", stdin=json.dumps(_pod(name, images)))
    try:
        missing = _missing_images(target, name)
    finally:
        target.kubectl_output("delete", "pod", name, "-n", _NAMESPACE, "--wait=false", "--grace-period=0", "--force")
    if missing:
        raise Unready(
            "the cluster does not have, and cannot pull: " + ", ".join(sorted(missing)),
            fix="E2E_LOAD=<command that takes image names> loads them from this machine's docker "
            "(minikube: 'minikube image load', k3d: 'k3d image import'); or push them to a registry and name it in a "
            "values file: make up VALUES=<file>. See docs/images.md",
        )


def _pod(name: str, images: Sequence[str]) -> dict[str, Any]:
    """A pod that does nothing: where an image has no `true` the container fails to start, after its image came."""
    restricted = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True}
    containers = [
        {
            "name": f"image-{number}",
            "image": image,
            "imagePullPolicy": "IfNotPresent",
            "command": ["true"],
            "resources": {"requests": {"cpu": "1m", "memory": "8Mi"}, "limits": {"memory": "64Mi"}},
            "securityContext": restricted,
        }
        for number, image in enumerate(images)
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": _NAMESPACE},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": containers,
        },
    }


def _missing_images(target: Target, name: str) -> set[str]:
    """Watch until each container has come beyond its image, or will not."""
    end = time.monotonic() + _PULL_SECONDS
    while True:
        pod = json.loads(target.kubectl_output("get", "pod", name, "-n", _NAMESPACE, "-o", "json"))
        statuses = pod["status"].get("containerStatuses", [])
        waiting = {
            status["image"]: status["state"]["waiting"].get("reason")
            for status in statuses
            if "waiting" in status["state"]
        }
        pending = {image for image, reason in waiting.items() if reason in {"ContainerCreating", "PodInitializing"}}
        missing = {image for image, reason in waiting.items() if reason in _MISSING}
        if statuses and not pending:
            return missing
        if time.monotonic() > end:
            if not statuses:
                raise ProgramFailed(
                    "the pod that looks for images was not started", fix="kubectl describe nodes says why"
                )
            return missing | pending
        time.sleep(_POLL_SECONDS)
