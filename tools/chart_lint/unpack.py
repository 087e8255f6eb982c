"""Unpacks an archive of programs: `python -m tools.chart_lint.unpack ARCHIVE FOLDER`, by the lint environment's Python.

Few versions of Python know zstd by themselves, and a bare machine has no program for it.
"""

from __future__ import annotations

import io
import sys
import tarfile
from pathlib import Path

import zstandard


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a tar archive, compressed by zstd or as Python itself knows."""
    content = archive.read_bytes()
    if archive.suffix == ".zst":
        content = zstandard.ZstdDecompressor().stream_reader(content).read()
    with tarfile.open(fileobj=io.BytesIO(content)) as opened:
        # By attribute, since Debian 12's Python takes no argument for it.
        opened.extraction_filter = getattr(tarfile, "data_filter", None)
        opened.extractall(folder)


if __name__ == "__main__":
    unpack(Path(sys.argv[1]), Path(sys.argv[2]))
