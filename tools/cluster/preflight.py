"""Looks, before anything is changed, whether this machine and the cluster can carry the platform."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Final

from tools.cluster.docker import Docker, find_docker
from tools.cluster.helm import find_helm, find_kubectl
from tools.cluster.programs import Unready
from tools.cluster.target import Target, find_target, is_reachable

_GIB: Final = 1024**3
#: Both images, their build cache and a copy of each in the cluster.
DISK_NEEDED_GIB: Final = 10
#: What the platform asks for, with room for its job pods.
MEMORY_NEEDED_GIB: Final = 3
KUBERNETES_NEEDED: Final = (1, 30)
_UNITS: Final = {"": 1, "k": 1000, "M": 1000**2, "G": 1000**3, "Ki": 1024, "Mi": 1024**2, "Gi": 1024**3, "Ti": 1024**4}


def check() -> tuple[Docker, Target]:
    """Print one line for every thing that is looked at; raise Unready with the first that will not do."""
    docker = find_docker()
    _say("docker", docker)
    _say("disk", f"{_free_disk_gib(docker):.0f} GiB free")
    _say("helm", find_helm())
    _say("kubectl", find_kubectl())
    target = find_target()
    _say("cluster", f"context {target.context}, Kubernetes {_kubernetes(target)}, {_capacity(target)}")
    _say("storage", _storage(target))
    return docker, target


def _say(name: str, value: object) -> None:
    print(f"  {name:<9}{value}", flush=True)


def _free_disk_gib(docker: Docker) -> float:
    """The least of what is free here and where Docker keeps its images, if that is on this machine."""
    root = Path(docker.output_of("info", "--format", "{{.DockerRootDir}}"))
    free = min(shutil.disk_usage(path).free for path in (Path(), root) if path.exists()) / _GIB
    if free < DISK_NEEDED_GIB:
        raise Unready(
            f"{free:.1f} GiB of disk are free, {DISK_NEEDED_GIB} are needed for building and loading the images",
            fix="make room, e.g. by `docker system prune`; on a full disk pods wait for their images for ever",
        )
    return free


def _kubernetes(target: Target) -> str:
    version = is_reachable(target)
    if tuple(int(number) for number in re.findall(r"\d+", version)[:2]) < KUBERNETES_NEEDED:
        raise Unready(
            f"Kubernetes {version} is too old", fix="1.30 or newer is needed: admission policies are part of the chart"
        )
    return version


def _capacity(target: Target) -> str:
    """What the ready nodes can give, in words."""
    nodes = [node for node in target.objects("nodes") if _is_ready(node["status"]["conditions"])]
    if not nodes:
        raise Unready("no node of the cluster is ready", fix="kubectl describe nodes says why")
    memory_gib = sum(quantity(node["status"]["allocatable"]["memory"]) for node in nodes) / _GIB
    cores = sum(quantity(node["status"]["allocatable"]["cpu"]) for node in nodes)
    if memory_gib < MEMORY_NEEDED_GIB:
        raise Unready(
            f"the cluster's nodes have {memory_gib:.1f} GiB of memory, {MEMORY_NEEDED_GIB} are needed",
            fix="give it more (Docker Desktop: Settings, Resources, Memory)",
        )
    return f"{len(nodes)} node{'s'[: len(nodes) > 1]}, {cores:.0f} CPU, {memory_gib:.0f} GiB"


def _is_ready(conditions: list[dict[str, str]]) -> bool:
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def _storage(target: Target) -> str:
    default = "storageclass.kubernetes.io/is-default-class"
    for storage_class in target.objects("storageclasses"):
        if storage_class["metadata"].get("annotations", {}).get(default) == "true":
            return f"class {storage_class['metadata']['name']}"
    if os.environ.get("VALUES"):
        return "no default class, as VALUES must name one"
    raise Unready(
        "the cluster has no default StorageClass, so no volume would ever be made",
        fix="make one the default, or name one in a values file: postgres.storage.storageClass, "
        "airflow.logs.storageClass, modelRepo.storage.storageClass, and make up VALUES=<file>",
    )


def quantity(text: str) -> float:
    """Give a Kubernetes quantity ("250m", "3Gi") as a number."""
    number, unit = re.fullmatch(r"([\d.]+)(\w*)", text).groups()  # type: ignore[union-attr]  # the API server wrote it
    return float(number) / 1000 if unit == "m" else float(number) * _UNITS[unit]
