"""Writes the generated files of the repository anew, or says which of them are stale.

They are the files of the chart that are made from its typed values and from the demo's model.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from datasurface.chart.package import SEED, generated_files
from datasurface.chart.values.chart_values import ChartValues
from datasurface.loader import load

ROOT: Final = Path(__file__).parents[1]
CHART: Final = Path("charts/datasurface")
MODEL: Final = Path("models/demo")


def generated(root: Path = ROOT) -> dict[Path, bytes]:
    """The generated files by their paths in the repository."""
    files = generated_files(load(root / MODEL), ChartValues())
    return {CHART / path: content for path, content in files.items()}


def stale(files: Mapping[Path, bytes], root: Path = ROOT) -> list[Path]:
    """What differs from its source, and what lies in the seed without being part of the model."""
    differing = [path for path, content in files.items() if not _has(root / path, content)]
    seed = [path.relative_to(root) for path in (root / CHART / SEED).rglob("*") if path.is_file()]
    return sorted({*differing, *(path for path in seed if path not in files)})


def write(files: Mapping[Path, bytes], root: Path = ROOT) -> list[Path]:
    """Write what is stale and remove what belongs nowhere; the paths that changed."""
    changed = stale(files, root)
    for path in changed:
        if path not in files:
            (root / path).unlink()
            continue
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(files[path])
    return changed


def _has(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content


def main() -> int:
    """Write, or with --check only look; exit status 1 if something is stale then."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, say what is stale")
    if parser.parse_args().check:
        found = stale(generated())
        for path in found:
            print(f"{path} is stale; `make generate` writes it", file=sys.stderr)
        return 1 if found else 0
    for path in write(generated()):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
