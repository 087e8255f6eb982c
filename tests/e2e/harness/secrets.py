"""Reading Secrets as their owner does. What they hold stays in memory: no message and no file of the tests has it."""

from __future__ import annotations

import base64
import hashlib

from tests.e2e.harness.cluster import Cluster


def secret_values(cluster: Cluster, namespace: str, name: str) -> dict[str, str]:
    """The values of a Secret by their keys."""
    data = cluster.core.read_namespaced_secret(name, namespace).data or {}
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def secret_digests(cluster: Cluster, namespace: str) -> dict[str, str]:
    """A digest of each Secret of a release, Helm's own records left out."""
    listed = cluster.core.list_namespaced_secret(namespace).items
    return {
        secret.metadata.name: hashlib.sha256(repr(sorted((secret.data or {}).items())).encode()).hexdigest()
        for secret in listed
        if not secret.type.startswith("helm.sh/")
    }
