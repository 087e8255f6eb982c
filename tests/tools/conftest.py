"""Programs that answer as docker, helm, kubectl and kind would, on a PATH that holds nothing else."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

#: Puts a program on PATH: its name, and the lines of a shell's `case` over its arguments.
Program = Callable[..., Path]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Make a program that answers by its arguments; `folder` places it in an earlier or later folder of PATH."""
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
    monkeypatch.setenv("PATH", ":".join(map(str, folders)))
    for name in ("DOCKER", "E2E_CONTEXT", "E2E_LOAD", "VALUES", "RELEASE", "NAMESPACE", "TIMEOUT"):
        monkeypatch.delenv(name, raising=False)

    def make(name: str, *cases: str, folder: int = 0) -> Path:
        path = folders[folder] / name
        path.write_text(
            '#!/bin/sh\ncase "$*" in\n' + "\n".join(f"{case} ;;" for case in cases) + "\n*) exit 9 ;;\nesac\n"
        )
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return make
