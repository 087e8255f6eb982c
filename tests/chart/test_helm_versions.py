"""Helm 3 and Helm 4 make the same of the chart, as it stands and as a part of another one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.chart import rendering
from tests.chart.cells import CELLS
from tests.chart.rendering import CHART, Object, Rendering

HELMS = ("helm", "helm3")


def _without_secrets(rendered: Rendering) -> list[Object]:
    """The objects but for what is random: it is random in Secrets alone."""
    objects = json.loads(json.dumps(rendered.objects))
    for each in objects:
        if each["kind"] == "Secret":
            each["data"] = sorted(each["data"])
    return sorted(objects, key=rendering.title)


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_both_versions_render_the_same(cell: str) -> None:
    """Every object of every set of values, what is random in Secrets left out."""
    newer, older = (CELLS[cell].render(helm) for helm in HELMS)

    assert _without_secrets(newer) == _without_secrets(older)


def test_two_renderings_are_the_same_where_nothing_is_random() -> None:
    """No checksum, no name and no label hangs on what is random or on the time: an upgrade without a change is none."""
    arguments = ("template", "datasurface", str(CHART), "--namespace", "datasurface")
    texts = [rendering.run_helm(rendering.program(), *arguments) for _ in range(2)]
    first, second = (Rendering(text, tuple(each for each in rendering.parsed(text) if each)) for text in texts)

    assert _without_secrets(first) == _without_secrets(second)


@pytest.fixture
def parent(tmp_path: Path) -> Path:
    """A chart of a site with ours as a part, which it switches on and shares values with."""
    described = {
        "apiVersion": "v2",
        "name": "site",
        "version": "1.0.0",
        "dependencies": [{"name": "datasurface", "version": "0.1.0", "condition": "datasurface.enabled"}],
    }
    (tmp_path / "Chart.yaml").write_text(yaml.safe_dump(described))
    values = {
        "global": {"imageRegistry": "registry.example.com", "postgresql": {"auth": {"username": "x"}}},
        "datasurface": {"enabled": True, "simulator": {"enabled": False}},
    }
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(values))
    (tmp_path / "charts").mkdir()
    (tmp_path / "charts" / "datasurface").symlink_to(CHART)
    return tmp_path


@pytest.mark.parametrize("helm", HELMS)
def test_the_chart_may_be_a_part_of_another(parent: Path, helm: str) -> None:
    """What a parent chart hands down, `global` and `enabled`, passes the strict schema and changes no object."""
    as_part = rendering.render(chart=parent, helm=helm)
    alone = CELLS["simulator-off"].render(helm)

    assert _without_secrets(as_part) == _without_secrets(alone)


@pytest.mark.parametrize("helm", HELMS)
def test_a_parent_can_switch_it_off(parent: Path, helm: str) -> None:
    """`datasurface.enabled=false` leaves nothing."""
    assert rendering.render({"datasurface": {"enabled": False}}, chart=parent, helm=helm).objects == ()


@pytest.mark.parametrize("helm", HELMS)
def test_a_parents_mistake_is_refused_too(parent: Path, helm: str) -> None:
    """Beyond `global` and `enabled` the schema stays strict."""
    with pytest.raises(rendering.Refused, match="additional properties 'simulatr' not allowed"):
        rendering.render({"datasurface": {"simulatr": {}}}, chart=parent, helm=helm)


@pytest.mark.parametrize("helm", HELMS)
@pytest.mark.parametrize("values", ["default", "minimal", "full"])
def test_helms_own_linter_finds_nothing(helm: str, values: str) -> None:
    """`helm lint --strict` passes on the defaults and on both sets of values that `ct` takes."""
    extra = [] if values == "default" else ["--values", str(CHART / "ci" / f"{values}-values.yaml")]

    assert "0 chart(s) failed" in rendering.run_helm(rendering.program(helm), "lint", "--strict", str(CHART), *extra)
