"""The JSON Schema by which Helm refuses wrong values, made from the typed ones.

It refers to nothing, neither inside nor outside itself: charts whose schema has to be fetched cannot be installed on
the day its host is away. Draft 7 is what Helm 3 and 4 and the editors all read.
"""

from collections.abc import Mapping
from typing import Any, Final

from datasurface.chart.values.chart_values import ChartValues

DRAFT: Final = "http://json-schema.org/draft-07/schema#"
_DEFINITIONS: Final = "#/$defs/"

Schema = dict[str, Any]


def chart_schema() -> Schema:
    """The schema of all values: strict but for `global`, which belongs to the parents of the chart."""
    schema = ChartValues.model_json_schema(by_alias=True, mode="validation")
    inlined = _inlined(schema, schema.pop("$defs"))
    return {"$schema": DRAFT, "title": "Values of the chart datasurface", **_without_titles(inlined)}


def _inlined(node: Any, definitions: Mapping[str, Any]) -> Any:
    """The schema with every reference replaced by what it names; what stands beside a reference wins."""
    if isinstance(node, list):
        return [_inlined(element, definitions) for element in node]
    if not isinstance(node, dict):
        return node
    beside = {key: _inlined(value, definitions) for key, value in node.items() if key != "$ref"}
    if "$ref" not in node:
        return beside
    return {**_inlined(definitions[node["$ref"].removeprefix(_DEFINITIONS)], definitions), **beside}


def _without_titles(node: Any, *, inside_properties: bool = False) -> Any:
    """The schema without pydantic's titles, which repeat the names, and with nullable values as lists of types.

    Of several alternatives Helm reports how each of them failed, which hides what is wrong.
    """
    if isinstance(node, list):
        return [_without_titles(element) for element in node]
    if not isinstance(node, dict):
        return node
    kept = {
        key: _without_titles(value, inside_properties=key == "properties")
        for key, value in node.items()
        if inside_properties or key != "title"
    }
    return kept if inside_properties else _nullable(_patterned_names(kept))


def _nullable(node: Schema) -> Schema:
    """`anyOf` with a null as one schema whose types include `null`."""
    alternatives = node.get("anyOf", [])
    others = [alternative for alternative in alternatives if alternative != {"type": "null"}]
    if len(others) != 1 or len(others) == len(alternatives):
        return node
    types = others[0]["type"]
    merged = {**{key: value for key, value in node.items() if key != "anyOf"}, **others[0]}
    return {**merged, "type": [*([types] if isinstance(types, str) else types), "null"]}


def _patterned_names(node: Schema) -> Schema:
    """`patternProperties` of one pattern as `propertyNames`: Helm then says which name is wrong, and why."""
    if not node.get("patternProperties"):
        return node
    [(pattern, value)] = node["patternProperties"].items()
    rest = {key: kept for key, kept in node.items() if key not in {"patternProperties", "additionalProperties"}}
    return {**rest, "propertyNames": {"pattern": pattern}, "additionalProperties": value}
