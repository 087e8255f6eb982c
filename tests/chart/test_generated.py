"""The generated files of the chart: fresh, readable for people, and referring to nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from yamllint import linter
from yamllint.config import YamlLintConfig

from tests.chart.rendering import CHART
from tools.generate import ROOT, generated, stale

LINT = YamlLintConfig("{extends: default, rules: {line-length: {max: 120}, document-start: disable}}")


def test_every_generated_file_is_what_make_generate_writes() -> None:
    """A value that was changed in one place alone is found here."""
    assert [str(path) for path in stale(generated())] == []


@pytest.mark.row("M02", "D13")
def test_the_chart_brings_the_demo_model_as_it_is() -> None:
    """The seed of the embedded repository is models/demo, file by file."""
    seed, model = CHART / "files" / "model", ROOT / "models" / "demo"
    files = {path.relative_to(model) for path in model.rglob("*") if path.is_file() and "__pycache__" not in path.parts}

    assert {path.relative_to(seed) for path in seed.rglob("*") if path.is_file()} == files
    for path in files:
        assert (seed / path).read_bytes() == (model / path).read_bytes()


def test_the_schema_refers_to_nothing() -> None:
    """A reference to another place would stop installations on the day that place is away."""
    text = (CHART / "values.schema.json").read_text()

    assert "$ref" not in text
    assert re.findall(r'"[^"]*https?://[^"]*"', text) == ['"http://json-schema.org/draft-07/schema#"']


def test_every_value_has_a_description_in_the_schema() -> None:
    """Editors show it; and it is a sentence."""
    schema = json.loads((CHART / "values.schema.json").read_text())

    def undescribed(node: dict[str, object], path: str) -> list[str]:
        found = []
        properties = node.get("properties", {})
        assert isinstance(properties, dict)
        for name, part in properties.items():
            if not re.search(r"[.!?]$", part.get("description", "")):
                found.append(f"{path}/{name}")
            found += undescribed(part, f"{path}/{name}")
        return found

    assert undescribed(schema, "") == []


def test_the_schema_knows_what_the_model_names() -> None:
    """Containers, credentials and streams of the demo are properties with a description; other names pass."""
    schema = json.loads((CHART / "values.schema.json").read_text())["properties"]
    streams = schema["jobs"]["properties"]["streams"]

    assert list(schema["containers"]["properties"]) == ["customer_db", "merge_db"]
    assert {"customer_reader", "yellowlive_merge"} <= set(schema["credentials"]["properties"])
    assert list(streams["properties"]) == ["YellowForensic/Store1", "YellowLive/Store1"]
    assert streams["properties"]["YellowLive/Store1"]["description"].startswith(
        "Jobs that bring addresses and customers"
    )
    assert "additionalProperties" not in schema["containers"]


@pytest.mark.parametrize(
    "path", [*sorted((CHART / "ci").glob("*.yaml")), CHART / "values.yaml", CHART / "Chart.yaml"], ids=lambda p: p.name
)
def test_yaml_is_tidy(path: Path) -> None:
    """yamllint finds nothing in what people read and edit."""
    assert [str(problem) for problem in linter.run(path.read_text(), LINT)] == []


def test_the_readme_has_every_value() -> None:
    """Each value of values.yaml has its row."""
    rows = set(re.findall(r"(?m)^\| `([^`]+)`", (CHART / "README.md").read_text()))

    def paths(node: object, above: str) -> set[str]:
        if not isinstance(node, dict) or not node or above in rows:
            return {above}
        return {path for name, part in node.items() for path in paths(part, f"{above}.{name}".lstrip("."))}

    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert paths(values, "") == rows
