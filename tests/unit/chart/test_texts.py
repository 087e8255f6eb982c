"""How values become text for people: comments that fit, YAML that reads back, cells of a table."""

from __future__ import annotations

import json

import pytest
import yaml

from datasurface.chart import texts
from datasurface.chart.parameters import chart_parameters
from datasurface.chart.values.chart_values import ChartValues


def test_values_yaml_reads_back_as_the_defaults() -> None:
    """What the file says is what the types say; what belongs to parents of the chart is left out."""
    written = yaml.safe_load(texts.render("values.yaml.j2", chart_parameters()))
    meant = json.loads(ChartValues().model_dump_json(by_alias=True, exclude={"parent_values", "enabled"}))

    def without_absent(node: object) -> object:
        if not isinstance(node, dict):
            return node
        return {name: without_absent(part) for name, part in node.items() if name != "cpu" or part is not None}

    assert written == without_absent(meant)


def test_every_value_has_its_description_as_a_comment() -> None:
    """The first words of each stand in the file."""
    text = texts.render("values.yaml.j2", chart_parameters())
    comments = " ".join(line.strip().removeprefix("# ") for line in text.splitlines() if line.strip().startswith("#"))

    for parameter in chart_parameters():
        for leaf in parameter.leaves():
            assert leaf.description in comments, leaf.path


def test_every_description_is_a_sentence() -> None:
    """With a capital at its head and a full stop at its end."""
    for parameter in chart_parameters():
        for leaf in [parameter, *parameter.leaves()]:
            assert leaf.description[:1].isupper() or leaf.description.startswith("`"), leaf.path
            assert leaf.description.endswith("."), leaf.path


def test_lines_keep_within_the_width() -> None:
    """Comments are folded, and no line of the file is longer than a terminal."""
    text = texts.render("values.yaml.j2", chart_parameters())

    assert [line for line in text.splitlines() if len(line) > 120] == []


@pytest.mark.parametrize("name", ["customer_db", "readers", "team-one"])
def test_a_plain_name_stays_plain(name: str) -> None:
    """No quotes where none are needed."""
    assert texts.key(name) == name


@pytest.mark.parametrize("name", ["yes", "No", "null", "True", "FALSE", "1st", "a b/c#d", "on", "~", "", "a: b"])
def test_a_name_that_could_be_something_else_is_quoted(name: str) -> None:
    """YAML reads it back as the same text."""
    assert yaml.safe_load(f"{texts.key(name)}: 1") == {name: 1}


def test_a_cell_holds_no_bar() -> None:
    """A bar would begin another cell."""
    assert texts.cell("a | b") == "a \\| b"
    assert texts.code_cell('""') == ""
