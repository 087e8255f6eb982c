"""What a release asks of its cluster, and how its containers are confined, read from the live objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from kubernetes import client
from kubernetes.utils import parse_quantity

from tests.e2e.harness.release import Release

GIB: Final = Decimal(1 << 30)


@dataclass(frozen=True, kw_only=True)
class Footprint:
    """The sums of requests: cores, bytes, bytes."""

    cpu: Decimal
    memory: Decimal
    volumes: Decimal


def footprint(release: Release) -> Footprint:
    """What the long-running pods of a release and its volumes ask for."""
    containers = [each for pod in release.long_running_pods() for each in pod.spec.containers]
    claims = release.cluster.core.list_namespaced_persistent_volume_claim(
        release.namespace, label_selector=release.selector
    ).items
    return Footprint(
        cpu=_sum(each.resources.requests["cpu"] for each in containers),
        memory=_sum(each.resources.requests["memory"] for each in containers),
        volumes=_sum(each.spec.resources.requests["storage"] for each in claims),
    )


def unconfined(pods: Iterable[client.V1Pod]) -> list[str]:
    """Containers, as `pod/container: why`, that are less than restricted or can write to their root file system."""
    return [
        f"{pod.metadata.name}/{each.name}: {why}" for pod in pods for each in _all(pod) for why in _faults(pod, each)
    ]


def without_resources(pods: Iterable[client.V1Pod]) -> list[str]:
    """Containers, as `pod/container`, without requests of CPU and memory or without a limit of memory."""
    return [
        f"{pod.metadata.name}/{each.name}"
        for pod in pods
        for each in _all(pod)
        if not {"cpu", "memory"} <= set(each.resources.requests or {}) or "memory" not in (each.resources.limits or {})
    ]


def secrets_in_environment(pods: Iterable[client.V1Pod]) -> list[str]:
    """Variables, as `pod/container: name`, that are filled from a Secret."""
    return [
        f"{pod.metadata.name}/{each.name}: {variable.name}"
        for pod in pods
        for each in _all(pod)
        for variable in each.env or []
        if variable.value_from is not None and variable.value_from.secret_key_ref is not None
    ]


def _all(pod: client.V1Pod) -> list[client.V1Container]:
    return [*(pod.spec.init_containers or []), *pod.spec.containers]


def _faults(pod: client.V1Pod, container: client.V1Container) -> Iterator[str]:
    own = container.security_context or client.V1SecurityContext()
    shared = pod.spec.security_context or client.V1PodSecurityContext()
    seccomp = own.seccomp_profile or shared.seccomp_profile
    if not own.read_only_root_filesystem:
        yield "its root file system can be written to"
    if own.allow_privilege_escalation is not False or own.privileged:
        yield "privileges can be escalated"
    if own.capabilities is None or (own.capabilities.drop or []) != ["ALL"] or own.capabilities.add:
        yield "capabilities are kept"
    if not (own.run_as_non_root if own.run_as_non_root is not None else shared.run_as_non_root):
        yield "it may run as root"
    if seccomp is None or seccomp.type != "RuntimeDefault":
        yield "no seccomp profile"


def _sum(quantities: Iterable[str]) -> Decimal:
    return sum((parse_quantity(each) for each in quantities), Decimal(0))
