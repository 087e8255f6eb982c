"""Names, labels and selectors: what outlives a release, and what must not change by accident."""

from __future__ import annotations

import re
import shutil
from itertools import combinations
from pathlib import Path

import pytest

from tests.chart.cells import CELLS
from tests.chart.rendering import CHART, Object, Rendering, render, title
from tests.conftest import Golden

SELECTOR = {"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component"}
LABELS = SELECTOR | {
    "app.kubernetes.io/part-of",
    "app.kubernetes.io/version",
    "app.kubernetes.io/managed-by",
    "helm.sh/chart",
}
COMPONENTS = {
    "postgres",
    "init",
    "airflow",
    "airflow-migrate",
    "model-repo",
    "model-sync",
    "model-loader",
    "job",
    "simulator",
    "views",
    "test",
    "network",
}
CLUSTER_SCOPED = {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}
CONTENT_HASH = re.compile(r"^(Job/.*)-[0-9a-f]{8}$")


def _without_hash(name: str) -> str:
    return CONTENT_HASH.sub(r"\1-<hash>", name)


@pytest.mark.row("K02")
@pytest.mark.parametrize("cell", sorted(CELLS))
def test_objects_have_the_names_that_they_always_had(cell: str, golden: Golden) -> None:
    """Names are what people, parent charts and kept volumes hold on to; a change shows as a diff."""
    names = sorted(_without_hash(name) for name in CELLS[cell].render().names())

    golden(f"{cell}.txt", "\n".join(names) + "\n")


def test_names_are_short_enough_and_unique(rendered: Rendering) -> None:
    """No name is longer than a label may be, so that pods, Services and claims can be made of it."""
    names = rendered.names()
    assert len(names) == len(set(names))
    for name in names:
        plain = name.split("/", 1)[1]
        assert len(plain) <= 63, name
        assert re.fullmatch("[a-z0-9]([-a-z0-9]*[a-z0-9])?", plain), name


def test_every_object_has_every_label(rendered: Rendering) -> None:
    """All of them, with a component that exists, on objects and on pods."""
    for each in rendered.objects:
        labels = each["metadata"]["labels"]
        assert labels.keys() >= LABELS, title(each)
        assert labels["app.kubernetes.io/component"] in COMPONENTS, title(each)
        assert labels["app.kubernetes.io/part-of"] == "datasurface", title(each)
    for pod in rendered.pods():
        assert pod.labels.keys() >= LABELS, pod.owner


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_every_object_is_in_its_namespace(cell: str) -> None:
    """The namespace is written, so that `helm template | kubectl apply` puts it there as well."""
    for each in CELLS[cell].render().objects:
        namespace = None if each["kind"] in CLUSTER_SCOPED else CELLS[cell].namespace
        assert each["metadata"].get("namespace") == namespace, title(each)


def _selectors(each: Object) -> dict[str, str]:
    selector: dict[str, str] = each["spec"]["selector"]
    return selector if each["kind"] == "Service" else selector["matchLabels"]  # type: ignore[return-value]


def test_selectors_hold_what_never_changes(rendered: Rendering) -> None:
    """Name, instance and component, and each of them finds pods of the release."""
    pods = list(rendered.pods())
    for each in rendered.of_kind("Service", "Deployment", "StatefulSet"):
        selector = _selectors(each)
        assert selector.keys() == SELECTOR, title(each)
        assert any(selector.items() <= pod.labels.items() for pod in pods), title(each)


def _frozen(each: Object) -> object:
    """What Kubernetes refuses to change in an object of its kind."""
    spec = each["spec"]
    kind = each["kind"]
    if kind == "StatefulSet":
        return spec["selector"], spec["serviceName"], spec["volumeClaimTemplates"], spec.get("podManagementPolicy")
    if kind == "PersistentVolumeClaim":
        return spec
    return spec["template"] if kind == "Job" else spec["selector"]


FROZEN_KINDS = ("StatefulSet", "PersistentVolumeClaim", "Job", "Deployment")


@pytest.mark.parametrize(
    ("one", "other"),
    list(combinations(sorted(n for n, c in CELLS.items() if (c.release, c.namespace) == ("datasurface",) * 2), 2)),
)
def test_an_upgrade_changes_nothing_that_may_not_change(one: str, other: str) -> None:
    """Between any two sets of values: equal names mean equal selectors, claims and contents of Jobs."""
    before = {title(each): each for each in CELLS[one].render().of_kind(*FROZEN_KINDS)}
    after = {title(each): each for each in CELLS[other].render().of_kind(*FROZEN_KINDS)}

    for name in before.keys() & after.keys():
        assert _frozen(before[name]) == _frozen(after[name]), name


@pytest.fixture
def next_version(tmp_path: Path) -> Path:
    """The chart as its next release will be: the same templates, a newer version."""
    chart = tmp_path / "datasurface"
    shutil.copytree(CHART, chart)
    described = (chart / "Chart.yaml").read_text()
    (chart / "Chart.yaml").write_text(re.sub(r"(?m)^(version|appVersion):.*$", r"\1: 9.9.9", described))
    return chart


def test_an_upgrade_to_the_next_version_keeps_selectors_and_claims(next_version: Path) -> None:
    """A newer chart with newer images changes no selector, no claim and no name but those of Jobs."""
    now, then = render(), render(chart=next_version)

    for kind in ("Deployment", "StatefulSet", "PersistentVolumeClaim", "Service"):
        before = {title(each): _selectors(each) if kind == "Service" else _frozen(each) for each in now.of_kind(kind)}
        after = {title(each): _selectors(each) if kind == "Service" else _frozen(each) for each in then.of_kind(kind)}
        assert before == after
    assert {_without_hash(name) for name in now.names()} == {_without_hash(name) for name in then.names()}


def _jobs(rendered: Rendering) -> set[str]:
    return {each["metadata"]["name"] for each in rendered.of_kind("Job")}


def test_a_new_image_makes_new_jobs_and_nothing_else_does() -> None:
    """A Job cannot be changed: it gets another name with another image, and keeps it when only others change."""
    default = _jobs(CELLS["default"].render())

    assert len(default) == 3
    assert not default & _jobs(CELLS["other-images"].render())
    for cell in ("simulator-off", "no-network-policies", "no-admission-policy"):
        assert _jobs(CELLS[cell].render()) == default, cell


def test_no_job_is_a_hook(rendered: Rendering) -> None:
    """Pods wait for Jobs: as hooks these would wait for the pods, for ever. Only `helm test` is one."""
    hooks = {each["metadata"].get("annotations", {}).get("helm.sh/hook") for each in rendered.objects}
    assert hooks <= {None, "test"}
    assert [
        each["kind"] for each in rendered.objects if each["metadata"].get("annotations", {}).get("helm.sh/hook")
    ] == ["Pod"]
