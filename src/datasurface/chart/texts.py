"""The generated texts of the chart: values.yaml and README.md, by the templates of this package."""

import json
import re
import textwrap
from importlib.metadata import version
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from datasurface.chart.model_part import ModelPart
from datasurface.chart.parameters import Parameter
from datasurface.chart.values.chart_values import ChartValues

WIDTH: Final = 100
INDENT: Final = "  "
#: What YAML reads as something else than text, beside what is too short to be sure.
_WORDS: Final = frozenset({"null", "true", "false"})
_PLAIN_KEY: Final = re.compile("[A-Za-z][A-Za-z0-9_-]{3,}")


def render(template: str, parameters: tuple[Parameter, ...]) -> str:
    """The text that the template makes of the values, ending in one newline."""
    release = version("datasurface")
    return _environment().get_template(template).render(parameters=parameters, version=release).rstrip() + "\n"


def render_site_values(part: ModelPart, values: ChartValues) -> str:
    """What a model makes a site set, as a file for `helm install --values`."""
    plain = values.model_dump(by_alias=True, exclude_none=True, mode="json")
    return _environment().get_template("site-values.yaml.j2").render(part=part, values=plain).rstrip() + "\n"


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
    environment.filters["code_cell"] = code_cell
    environment.filters["key"] = key
    environment.filters["yaml_text"] = yaml_text
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
        return "".join(f"{margin}{key(name)}:{_block(part, depth + 1)}" for name, part in value.items())
    if isinstance(value, list) and value:
        return "".join(f"{margin}- {json.dumps(part, ensure_ascii=False)}" for part in value)
    return f" {json.dumps(value, ensure_ascii=False)}"


def key(name: str) -> str:
    """The name as a key of YAML, quoted where that could be anything else."""
    return name if _PLAIN_KEY.fullmatch(name) and name.lower() not in _WORDS else json.dumps(name, ensure_ascii=False)


def yaml_text(text: str) -> str:
    """The text as a value of YAML: its JSON text, in which nothing is escaped for HTML."""
    return json.dumps(text, ensure_ascii=False)


def code_cell(text: str) -> str:
    """The text in backquotes, as it may stand in a cell; nothing for an empty value."""
    return "" if text == '""' else f"`{cell(text)}`"


def cell(text: str) -> str:
    """The text as it may stand in a cell of a Markdown table."""
    return text.replace("|", "\\|").replace("\n", " ")
