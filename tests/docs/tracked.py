"""The repository's own files, as the docs tests see them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]


def tracked_files() -> list[Path]:
    """List what git tracks or would track, in sorted order; outside a work tree, everything that is not hidden."""
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        found = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        found = [p for p in ROOT.rglob("*") if not any(part.startswith(".") for part in p.relative_to(ROOT).parts)]
    return sorted(path for path in set(found) if path.is_file())


def table_cells(page: str) -> list[str]:
    """Give the first cell of each table row of a page of docs/, without backquotes, links and anchors."""
    lines = (ROOT / "docs" / page).read_text().splitlines()
    cells = [line.split("|")[1] for line in lines if line.startswith("|") and line.count("|") > 1]
    return [re.sub(r"<[^>]*>|\[([^\]]*)\]\([^)]*\)|`", r"\1", cell).strip() for cell in cells]
