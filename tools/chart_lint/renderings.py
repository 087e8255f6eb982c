"""The renderings that the gates look at: the defaults and each set of values in the chart's folder ci."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tools.cluster.programs import output_of

CHART: Final = Path("charts/datasurface")
#: Release and namespace differ, so that a gate which mixes them up is noticed.
RELEASE: Final = "acme"
NAMESPACE: Final = "data"


def value_files() -> dict[str, list[str]]:
    """Helm's arguments by the name of a set of values."""
    sets = {path.name.removesuffix("-values.yaml"): path for path in sorted((CHART / "ci").glob("*-values.yaml"))}
    return {"default": [], **{name: ["--values", str(path)] for name, path in sets.items()}}


def write_renderings(helm: Path, folder: Path) -> Iterator[Path]:
    """Render each set of values into a file of the folder and give the file."""
    for name, arguments in value_files().items():
        path = folder / f"{name}.yaml"
        text = output_of([helm, "template", RELEASE, CHART, "--namespace", NAMESPACE, *arguments])
        path.write_text(text + "\n")
        yield path
