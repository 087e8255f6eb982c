"""A second installation, in a namespace of its own, to which faults are done that last for minutes."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Final

from tests.e2e.harness.cluster import LABEL
from tests.e2e.harness.installation import Installation

NAMESPACE: Final = "datasurface-e2e-neighbour"
DEFAULT: Final = "storageclass.kubernetes.io/is-default-class"


@dataclass(kw_only=True)
class Neighbour:
    """The other installation, and when its PostgreSQL was last taken away, by `time.monotonic`."""

    installation: Installation
    storage_class: str
    away_since: float
    dags: set[str] = field(default_factory=set)
    restarts: dict[str, int] = field(default_factory=dict)

    def wait_away(self, seconds: float) -> None:
        """Sleep until PostgreSQL was away for so long."""
        time.sleep(max(0.0, self.away_since + seconds - time.monotonic()))

    def provide_storage(self) -> None:
        """Make the class of storage that the release asks for, like the cluster's default one."""
        cluster = self.installation.cluster
        classes = cluster.json("get", "storageclass")["items"]
        default = next(each for each in classes if each["metadata"].get("annotations", {}).get(DEFAULT) == "true")
        metadata = {"name": self.storage_class, "labels": {LABEL: "true"}}
        kept = ("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode")
        given = {key: default[key] for key in kept if key in default}
        cluster.apply({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": metadata, **given})
