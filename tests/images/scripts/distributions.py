"""Prints name and version of every distribution of the environment, and the environment's list of what is inside."""

import importlib.metadata
import json
import sys
from pathlib import Path

found = {item.metadata["Name"].lower(): item.version for item in importlib.metadata.distributions()}
inventory = json.loads(Path(sys.prefix, "share", "doc", "sbom.cdx.json").read_text())
listed = [inventory["metadata"]["component"], *inventory["components"]]
print(json.dumps({"found": found, "listed": {item["name"].lower(): item["version"] for item in listed}}))
