"""The sets of values that every test of renderings looks at."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from tests.chart.rendering import CHART, Rendering, render


@dataclass(frozen=True)
class Cell:
    """Values, and as what they are installed."""

    values: dict[str, Any] = field(default_factory=dict)
    release: str = "datasurface"
    namespace: str = "datasurface"

    def render(self, helm: str = "helm") -> Rendering:
        """The objects of this cell."""
        return render(self.values, release=self.release, namespace=self.namespace, helm=helm)


def _of_ci(name: str) -> dict[str, Any]:
    path: Path = CHART / "ci" / f"{name}-values.yaml"
    found: dict[str, Any] = yaml.safe_load(path.read_text()) or {}
    return found


OTHER_IMAGES: Final[dict[str, Any]] = {"image": {"tag": "9.9.9"}, "airflow": {"image": {"tag": "9.9.9"}}}

CELLS: Final[dict[str, Cell]] = {
    "default": Cell(),
    "minimal": Cell(_of_ci("minimal")),
    "full": Cell(_of_ci("full"), release="acme", namespace="data"),
    "other-images": Cell(OTHER_IMAGES),
    "external-postgres": Cell(
        {
            "postgres": {
                "enabled": False,
                "existingSecret": "postgres-admin",
                "external": {"host": "db.example.com", "port": 6432, "sslmode": "require"},
            }
        }
    ),
    "simulator-job": Cell({"simulator": {"maxChanges": 50, "seed": 7}}),
    "simulator-off": Cell({"simulator": {"enabled": False}}),
    "no-demo": Cell({"demo": {"enabled": False}, "simulator": {"enabled": False}, "readers": {"consumer1": None}}),
    "no-network-policies": Cell({"networkPolicy": {"enabled": False}}),
    "no-admission-policy": Cell({"admissionPolicy": {"enabled": False}}),
    "own-git-host": Cell(
        {
            "modelRepo": {"enabled": False},
            "modelSync": {
                "git": {"url": "https://git.example.com/model.git", "username": "sync", "existingSecret": "git-login"}
            },
        }
    ),
    "existing-secrets": Cell(
        {
            "postgres": {"existingSecret": "s-postgres"},
            "airflow": {"admin": {"existingSecret": "s-admin"}},
            "modelRepo": {"existingSecret": "s-model-repo"},
            "credentials": {"ds_job": {"existingSecret": "s-job"}, "customer_reader": {"existingSecret": "s-reader"}},
            "readers": {"consumer1": {"workspace": "Consumer1", "existingSecret": "s-consumer1"}},
        }
    ),
    "no-init-no-views": Cell({"init": {"enabled": False}, "views": {"enabled": False}}),
    "other-release": Cell(release="acme", namespace="data"),
    "long-release": Cell(release="a-release-of-the-longest-name-that-helm-takes-x"),
    "named": Cell({"fullnameOverride": "platform"}, release="x"),
    "streams": Cell(
        {
            "jobs": {
                "resources": {"requests": {"cpu": 1, "memory": "1Gi"}, "limits": {"memory": "2Gi", "cpu": 2}},
                "streams": {"YellowLive/Store1": {"suspended": True}},
                "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}], "ports": [{"port": 5432}]}],
            },
            "containers": {"orders": {"host": "orders.example.com", "port": 5433, "database": "orders"}},
        }
    ),
}
