"""The values as flat lists of facts, for texts that people read: values.yaml and the table of the README."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from datasurface.chart.values.chart_values import FOR_PARENTS, ChartValues
from datasurface.chart.values.pods import Resources


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One value or one group of values.

    `path` is how Helm's `--set` names it, `default` a JSON text; None: a group, whose parts are `parts`. Resources
    count as one value: everybody knows how theirs look.
    """

    name: str
    path: str
    description: str
    default: str | None
    parts: tuple["Parameter", ...] = ()

    def leaves(self) -> Iterator["Parameter"]:
        """The single values of a group, or the value itself."""
        if self.default is not None:
            yield self
        for part in self.parts:
            yield from part.leaves()


def chart_parameters(values: ChartValues | None = None) -> tuple[Parameter, ...]:
    """All values that the chart reads, with the defaults, or with what `values` holds."""
    return tuple(
        parameter
        for parameter in _parameters(ChartValues() if values is None else values, "")
        if parameter.name not in FOR_PARENTS
    )


def _parameters(group: BaseModel, above: str) -> Iterator[Parameter]:
    for field_name, field in type(group).model_fields.items():
        value = getattr(group, field_name)
        name = field.alias or field_name
        path = f"{above}{name}"
        description = field.description or ""
        if isinstance(value, BaseModel) and not isinstance(value, Resources):
            parts = tuple(_parameters(value, f"{path}."))
            yield Parameter(name=name, path=path, description=description, default=None, parts=parts)
        else:
            yield Parameter(name=name, path=path, description=description, default=_json(value))


def _json(value: Any) -> str:
    return json.dumps(_plain(value), ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(by_alias=True, exclude_none=True, mode="json")
    if isinstance(value, Mapping):
        return {key: _plain(element) for key, element in value.items()}
    if isinstance(value, list):
        return [_plain(element) for element in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
