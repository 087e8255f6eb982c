"""The JSON Schema by which Helm refuses wrong values, made from the typed ones and from what a model names.

It refers to nothing, neither inside nor outside itself: charts whose schema has to be fetched cannot be installed on
the day its host is away. Draft 7 is what Helm 3 and 4 and the editors all read.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from datasurface.chart.model_part import ModelPart
from datasurface.chart.values.chart_values import ChartValues

DRAFT: Final = "http://json-schema.org/draft-07/schema#"
_DEFINITIONS: Final = "#/$defs/"

Schema = dict[str, Any]


def chart_schema(part: ModelPart | None = None, *, strict: bool = False) -> Schema:
    """The schema of all values; only `global` is open, which belongs to the parents of the chart.

    What the model names becomes a property with a description. Other names stay allowed unless `strict`, which is for
    a chart that serves this model alone.
    """
    schema = ChartValues.model_json_schema(by_alias=True, mode="validation")
    inlined = _tidied(_inlined(schema, schema.pop("$defs")))
    if part is not None:
        _name(inlined, part, strict=strict)
    return {"$schema": DRAFT, "title": "Values of the chart datasurface", **inlined}


def schema_text(schema: Schema) -> str:
    """The file values.schema.json."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def _name(schema: Schema, part: ModelPart, *, strict: bool) -> None:
    """Put the names of the model into the schema."""
    properties = schema["properties"]
    named = {
        "containers": (properties["containers"], part.containers),
        "credentials": (properties["credentials"], part.credentials),
        "streams": (properties["jobs"]["properties"]["streams"], part.streams),
    }
    for node, descriptions in named.values():
        # The shape stands once, however many names there are: a file of a chart may have 5 MiB.
        node["allOf"] = [{"additionalProperties": node.pop("additionalProperties")}]
        node["properties"] = {name: {"description": text} for name, text in descriptions.items()}
        if strict:
            node["additionalProperties"] = False
            del node["propertyNames"]
    workspace = properties["readers"]["additionalProperties"]["properties"]["workspace"]
    workspace["enum" if strict else "examples"] = list(part.workspaces)


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


def _tidied(node: Any, *, inside_properties: bool = False) -> Any:
    """The schema without pydantic's titles, which repeat the names, and in the forms that Helm reports best."""
    if isinstance(node, list):
        return [_tidied(element) for element in node]
    if not isinstance(node, dict):
        return node
    kept = {
        key: _tidied(value, inside_properties=key == "properties")
        for key, value in node.items()
        if inside_properties or key != "title"
    }
    return kept if inside_properties else _nullable(_patterned_names(kept))


def _nullable(node: Schema) -> Schema:
    """`anyOf` with a null as one schema whose types include `null`: of alternatives Helm reports how each failed."""
    alternatives = node.get("anyOf", [])
    others = [alternative for alternative in alternatives if alternative != {"type": "null"}]
    if len(others) != 1 or len(others) == len(alternatives):
        return node
    types = others[0]["type"]
    beside = {key: value for key, value in node.items() if key != "anyOf"}
    return {**others[0], **beside, "type": [*([types] if isinstance(types, str) else types), "null"]}


def _patterned_names(node: Schema) -> Schema:
    """`patternProperties` of one pattern as `propertyNames`: Helm then says which name is wrong, and why."""
    if not node.get("patternProperties"):
        return node
    [(pattern, value)] = node["patternProperties"].items()
    rest = {key: kept for key, kept in node.items() if key not in {"patternProperties", "additionalProperties"}}
    return {**rest, "propertyNames": {"pattern": pattern}, "additionalProperties": value}
