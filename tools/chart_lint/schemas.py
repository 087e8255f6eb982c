"""Schemas of Kubernetes' objects for kubeconform, made of those in the package kubernetes-validate.

The package keeps the definitions of a version in one file and refers to it by an address on the net. Here each kind
becomes a file that stands alone, so that nothing is fetched.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

#: The oldest that the chart takes, the one that it is tried on, and the newest that there are schemas of.
VERSIONS: Final = ("1.30.0", "1.34.0", "1.37.0")
DEFINITIONS: Final = "/api/_definitions.json#/$defs/"
LOCATION: Final = "{{.NormalizedKubernetesVersion}}/{{.ResourceKind}}{{.KindSuffix}}.json"


def write_schemas(package: Path, folder: Path) -> None:
    """Write the strict schemas of every kind with a version of its API, for each version of Kubernetes."""
    for version in VERSIONS:
        source = package / "kubernetes-json-schema" / f"v{version}-local-strict"
        definitions = json.loads((source / "_definitions.json").read_text())["$defs"]
        target = folder / f"v{version}"
        target.mkdir(parents=True)
        for path in source.glob("*-v1.json"):
            schema = json.loads(path.read_text())
            if "x-kubernetes-group-version-kind" in schema:
                (target / path.name).write_text(json.dumps(_standalone(schema, definitions)))


def _standalone(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema with the definitions that it needs, directly or through others."""
    needed: dict[str, Any] = {}
    waiting = list(_references(schema))
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed[name] = definitions[name]
            waiting += _references(definitions[name])
    kept = {key: part for key, part in schema.items() if key not in {"$id", "$schema"}}
    text = json.dumps({**kept, "$defs": needed}).replace(f'"{DEFINITIONS}', '"#/$defs/')
    document: dict[str, Any] = json.loads(text)
    return document


def _references(node: Any) -> Iterator[str]:
    """The names of the definitions that a schema refers to."""
    if isinstance(node, dict):
        reference = node.get("$ref")
        if isinstance(reference, str):
            yield reference.rsplit("/", 1)[1]
        for part in node.values():
            yield from _references(part)
    elif isinstance(node, list):
        for part in node:
            yield from _references(part)
