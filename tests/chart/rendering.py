"""Renders the chart, each set of values once, and gives its objects as what tests ask about: pods and containers."""

from __future__ import annotations

import functools
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tools.cluster.helm import find_helm, find_helm3
from tools.cluster.programs import Unready

CHART: Final = Path(__file__).parents[2] / "charts" / "datasurface"
Object = dict[str, Any]

#: Kinds whose objects make pods, and where their pod template is.
TEMPLATES: Final[Mapping[str, tuple[str, ...]]] = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "Pod": (),
}
LONG_RUNNING: Final = frozenset({"Deployment", "StatefulSet", "DaemonSet"})


class Refused(Exception):
    """Helm refused to render; the message is what it wrote."""


@dataclass(frozen=True)
class Pod:
    """A pod as some object makes it. `owner` is that object: `Deployment/datasurface-airflow`."""

    owner: str
    kind: str
    labels: Mapping[str, str]
    spec: Object

    @property
    def containers(self) -> list[Object]:
        """All containers, those of the initialisation first."""
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]


@dataclass(frozen=True)
class Rendering:
    """The objects of a release in the order in which Helm writes them."""

    text: str
    objects: tuple[Object, ...]

    def of_kind(self, *kinds: str) -> list[Object]:
        """The objects of these kinds."""
        return [each for each in self.objects if each["kind"] in kinds]

    def named(self, kind: str, name: str) -> Object:
        """The one object of that kind and name."""
        (found,) = [each for each in self.of_kind(kind) if each["metadata"]["name"] == name]
        return found

    def names(self) -> list[str]:
        """`Kind/name` of every object, sorted."""
        return sorted(title(each) for each in self.objects)

    def pods(self) -> Iterator[Pod]:
        """Every pod that the release makes, those of `helm test` among them."""
        for each in self.objects:
            if each["kind"] not in TEMPLATES:
                continue
            template = each
            for step in TEMPLATES[each["kind"]]:
                template = template[step]
            yield Pod(title(each), each["kind"], template["metadata"].get("labels", {}), template["spec"])

    def containers(self) -> Iterator[tuple[str, Object]]:
        """Every container with where it is: `Deployment/datasurface-airflow/scheduler`."""
        for pod in self.pods():
            for container in pod.containers:
                yield f"{pod.owner}/{container['name']}", container


def parsed(text: str) -> Iterator[Object | None]:
    """The documents of a YAML text."""
    yield from yaml.load_all(text, Loader=yaml.CSafeLoader)


def title(each: Object) -> str:
    """`Kind/name`."""
    return f"{each['kind']}/{each['metadata']['name']}"


def program(name: str = "helm") -> str:
    """The program, or a skip that says why."""
    found = _found(name)
    if found is None:
        pytest.skip(f"there is no {name} here and none could be fetched")
    return found


@functools.cache
def _found(name: str) -> str | None:
    """The program that HELM or HELM3 names, else one on PATH or a fetched one; None where there is no way to it."""
    if given := os.environ.get(name.upper()):
        return given
    try:
        return str((find_helm3 if name == "helm3" else find_helm)().program)
    except Unready:
        return None


def render(
    values: Mapping[str, Any] | None = None,
    *,
    release: str = "datasurface",
    namespace: str = "datasurface",
    chart: Path = CHART,
    helm: str = "helm",
) -> Rendering:
    """The release as `helm template` renders it; raises Refused."""
    return _rendered(json.dumps(values or {}, sort_keys=True), release, namespace, chart, program(helm))


@functools.cache
def _rendered(values: str, release: str, namespace: str, chart: Path, helm: str) -> Rendering:
    text = run_helm(helm, "template", release, str(chart), "--namespace", namespace, "--values", "-", stdin=values)
    return Rendering(text, tuple(each for each in parsed(text) if each))


def run_helm(helm: str, *arguments: str, stdin: str = "") -> str:
    """What helm writes; raises Refused with what it complains of."""
    done = subprocess.run([helm, *arguments], input=stdin, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise Refused(done.stderr)
    return done.stdout
