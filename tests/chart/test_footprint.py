"""What a rendering asks of a cluster, summed over everything: the laptop profile is a promise."""

from __future__ import annotations

import json
import re

import pytest

from tests.chart.cells import CELLS
from tests.chart.rendering import Rendering

MIB = 1024**2
UNITS = {"Ki": 1024, "Mi": MIB, "Gi": 1024 * MIB, "": 1}


def _bytes(quantity: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(\w*)", quantity).groups()  # type: ignore[union-attr]
    return int(number) * UNITS[unit]


def _millicores(quantity: str | int) -> int:
    text = str(quantity)
    return int(text[:-1]) if text.endswith("m") else int(float(text) * 1000)


def _claims(rendered: Rendering) -> list[str]:
    templates = [claim for each in rendered.of_kind("StatefulSet") for claim in each["spec"]["volumeClaimTemplates"]]
    claims = [*rendered.of_kind("PersistentVolumeClaim"), *templates]
    return [claim["spec"]["resources"]["requests"]["storage"] for claim in claims]


def test_two_releases_fit_into_two_cores() -> None:
    """With every Job and the test running at once: 900m of CPU, 2.5 GiB of memory, 7 GiB of volumes."""
    rendered = CELLS["default"].render()
    requests = [container["resources"]["requests"] for _, container in rendered.containers()]

    assert sum(_millicores(each["cpu"]) for each in requests) <= 900
    assert sum(_bytes(each["memory"]) for each in requests) <= 2560 * MIB
    assert sum(_bytes(size) for size in _claims(rendered)) == 7 * 1024 * MIB


@pytest.mark.row("K08")
def test_job_pods_ask_for_a_tenth_of_a_core() -> None:
    """What Airflow starts has requests as well, and with two streams running the whole stays within 2 cores, 3 GiB."""
    rendered = CELLS["default"].render()
    installation = json.loads(rendered.named("ConfigMap", "datasurface-installation")["data"]["installation.json"])
    requests = [container["resources"]["requests"] for _, container in rendered.containers()]
    job = installation["resources"]["requests"]

    assert job == {"cpu": "100m", "memory": "256Mi"}
    assert installation["resources"]["limits"] == {"memory": "512Mi"}
    assert sum(_millicores(each["cpu"]) for each in [*requests, job, job]) <= 2000
    assert sum(_bytes(each["memory"]) for each in [*requests, job, job]) <= 3072 * MIB


def test_no_limit_is_below_its_request(rendered: Rendering) -> None:
    """Kubernetes would refuse the pod."""
    for where, container in rendered.containers():
        resources = container["resources"]
        assert _bytes(resources["requests"]["memory"]) <= _bytes(resources["limits"]["memory"]), where
