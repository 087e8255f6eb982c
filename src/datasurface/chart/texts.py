"""The generated texts of the chart: values.yaml and README.md, by the templates of this package."""

import json
import textwrap
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from datasurface.chart.parameters import Parameter

WIDTH: Final = 100
INDENT: Final = "  "


def render(template: str, parameters: tuple[Parameter, ...], **facts: Any) -> str:
    """The text that the template makes of the values, ending in one newline."""
    return _environment().get_template(template).render(parameters=parameters, **facts).rstrip() + "\n"


def _environment() -> Environment:
    """Text of Markdown and YAML, in which nothing is escaped as if it were HTML."""
    environment = Environment(
        loader=PackageLoader("datasurface.chart"),
        undefined=StrictUndefined,
        autoescape=False,
        keep_trailing_newline=True,
    )
    environment.filters["comment_lines"] = comment_lines
    environment.filters["as_yaml"] = as_yaml
    environment.filters["cell"] = cell
    return environment


def comment_lines(text: str, depth: int) -> list[str]:
    """The text in lines that fit behind the comment sign at that depth."""
    return textwrap.wrap(text, WIDTH - len(INDENT) * depth - len("# "), break_long_words=False, break_on_hyphens=False)


def as_yaml(default: str, depth: int) -> str:
    """What stands behind the colon of a value: its JSON text, or a block where the value has parts."""
    value = json.loads(default)
    return _block(value, depth + 1)


def _block(value: Any, depth: int) -> str:
    margin = "\n" + INDENT * depth
    if isinstance(value, dict) and value:
        return "".join(f"{margin}{key}:{_block(part, depth + 1)}" for key, part in value.items())
    if isinstance(value, list) and value:
        return "".join(f"{margin}- {json.dumps(part, ensure_ascii=False)}" for part in value)
    return f" {json.dumps(value, ensure_ascii=False)}"


def cell(text: str) -> str:
    """The text as it may stand in a cell of a Markdown table."""
    return text.replace("|", "\\|").replace("\n", " ")
