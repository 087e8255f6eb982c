"""Finds helm and kubectl: those on PATH, else those that a locked package of PyPI carries, kept in .venv."""

from __future__ import annotations

import io
import platform
import re
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.cluster.programs import ProgramFailed, Unready, output_of, programs_on_path

HELM_NEEDED: Final = (3, 19)
LOCK: Final = Path("requirements/helm.txt")
#: The same package as it was when it carried Helm 3.
LOCK3: Final = Path("requirements/helm3.txt")
#: What a package carries: the program of ours, and the file in it.
PROGRAMS: Final = {LOCK: {"helm": "helm/helm", "kubectl": "kubectl/kubectl"}, LOCK3: {"helm3": "helm/helm"}}
#: Where fetched programs stay; a folder to put on PATH.
FETCHED: Final = Path(sys.prefix) / "cluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A program for a cluster and its version."""

    program: Path
    version: str

    def __str__(self) -> str:
        return f"{self.version} at {self.program}"


def find_helm() -> Tool:
    """Give the first helm on PATH that is new enough, else a fetched one; raise Unready."""
    for program in programs_on_path("helm"):
        version = _helm_version(program)
        if version and _numbers(version) >= HELM_NEEDED:
            return Tool(program=program, version=version)
    program = _fetched("helm")
    return Tool(program=program, version=_helm_version(program) or "unknown")


def find_helm3() -> Tool:
    """Give the helm3 on PATH, else a fetched one; raise Unready. For tests and gates: nothing is installed by it."""
    on_path = programs_on_path("helm3")
    program = on_path[0] if on_path else _fetched("helm3", LOCK3)
    return Tool(program=program, version=_helm_version(program) or "unknown")


def find_kubectl() -> Tool:
    """Give the kubectl on PATH, else a fetched one; raise Unready."""
    on_path = programs_on_path("kubectl")
    program = on_path[0] if on_path else _fetched("kubectl")
    found = re.search(r"v[\w.+-]+", output_of([program, "version", "--client"]))
    return Tool(program=program, version=found.group() if found else "unknown")


def _helm_version(program: Path) -> str | None:
    try:
        return output_of([program, "version", "--short"]).split("+")[0]
    except ProgramFailed:
        return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


def _fetched(name: str, lock: Path = LOCK) -> Path:
    """Give the fetched program, fetching all of its package when it is not there yet."""
    if not (FETCHED / name).is_file():
        if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
            needed = " 3.19 or newer" if name == "helm" else ""
            raise Unready(
                f"there is no {name}{needed} on PATH", fix=f"install {name}, e.g. by your system's package manager"
            )
        print(f"fetching {' and '.join(PROGRAMS[lock])} into {FETCHED}", flush=True)
        _fetch(lock)
    return FETCHED / name


def _fetch(lock: Path) -> None:
    """Unpack the programs of the package: a wheel that holds a tar file that holds a zip file."""
    with tempfile.TemporaryDirectory() as folder:
        _install_package(Path(folder), lock)
        (archive,) = Path(folder).glob("aws_cdk/*/_jsii/*.tgz")
        with tarfile.open(archive) as outer:
            layer = outer.extractfile("package/lib/layer.zip")
            if layer is None:
                raise Unready(f"{archive.name} holds no layer.zip", fix=f"git checkout {lock}")
            inner = zipfile.ZipFile(io.BytesIO(layer.read()))
        FETCHED.mkdir(parents=True, exist_ok=True)
        for name, file in PROGRAMS[lock].items():
            unpacked = FETCHED / f".{name}"
            unpacked.write_bytes(inner.read(file))
            unpacked.chmod(0o755)
            unpacked.replace(FETCHED / name)


def _install_package(folder: Path, lock: Path) -> None:
    """Put the locked package into a folder: by uv, or by pip where only pip knows the way to the packages."""
    locked: list[str | Path] = ["--no-deps", "--require-hashes", "--target", folder, "-r", lock]
    try:
        output_of([Path(sys.prefix) / "bin" / "uv", "pip", "install", "-q", *locked], timeout_seconds=300)
    except ProgramFailed:
        output_of(
            [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", *locked], timeout_seconds=300
        )
