"""Builds our two images when what they are made of has changed, and says how big they became."""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.cluster.docker import Docker

#: Carries the hash of everything an image was made of.
SOURCES_LABEL: Final = "io.datasurface.sources"
_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One image: its repository, its folder below images/, its lock, what more it is made of, how big it may become."""

    repository: str
    folder: str
    lock: str
    more: tuple[str, ...] = ()
    target_mib: int

    @property
    def name(self) -> str:
        """Repository and tag; the tag is the project's version."""
        return f"{self.repository}:{version()}"

    @property
    def sources(self) -> Sequence[str]:
        """The files and folders it is made of."""
        locks = [f"requirements/{lock}.txt" for lock in ("uv", "build", self.lock)]
        shared = ["LICENSE", "README.md", "pyproject.toml", "src", "images/seal.sh"]
        return [*locks, *shared, f"images/{self.folder}", *self.more]


IMAGES: Final = (
    Image(repository="datasurface", folder="datasurface", lock="datasurface", more=("simulator",), target_mib=300),
    Image(repository="datasurface-airflow", folder="airflow", lock="airflow", target_mib=650),
)


def version() -> str:
    """Give the project's version."""
    return str(tomllib.loads(Path("pyproject.toml").read_text())["project"]["version"])


def fingerprint(image: Image) -> str:
    """Hash every file the image is made of, and what the environment changes about it."""
    digest = hashlib.sha256(os.environ.get("PYTHON_IMAGE", "").encode())
    for path in _files(image.sources):
        digest.update(f"\0{path}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _files(names: Sequence[str]) -> Iterator[Path]:
    for name in names:
        top = Path(name)
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            hidden = any(part.startswith((".", "__pycache__")) or part.endswith(".egg-info") for part in path.parts)
            if path.is_file() and not hidden and path.parts[:2] != ("simulator", "tests"):
                yield path


def is_current(docker: Docker, image: Image) -> bool:
    """Whether the image is there and was made of what is here now."""
    return docker.image_field(image.name, f'{{{{index .Config.Labels "{SOURCES_LABEL}"}}}}') == fingerprint(image)


def build(docker: Docker, *, always: bool) -> None:
    """Build what is missing or has changed, or all; raise ProgramFailed. Prints a line for every image."""
    for image in IMAGES:
        if always or not is_current(docker, image):
            print(f"building {image.name}", flush=True)
            docker.build(_build_arguments(image), environment=dict(os.environ))
        print(_size_line(docker, image), flush=True)


def _build_arguments(image: Image) -> list[str]:
    base = os.environ.get("PYTHON_IMAGE")
    return [
        *("-f", f"images/{image.folder}/Dockerfile", "-t", image.name),
        *("--build-arg", f"VERSION={version()}", "--build-arg", f"REVISION={_revision()}"),
        *(("--build-arg", f"PYTHON_IMAGE={base}") if base else ()),
        *("--label", f"{SOURCES_LABEL}={fingerprint(image)}"),
        *shlex.split(os.environ.get("BUILD_FLAGS", "")),
        ".",
    ]


def _revision() -> str:
    done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _size_line(docker: Docker, image: Image) -> str:
    size_mib = int(docker.image_field(image.name, "{{.Size}}") or 0) / _MIB
    verdict = "within" if size_mib <= image.target_mib else "OVER"
    return f"{image.name:<28} {size_mib:5.0f} MiB, {verdict} the target of {image.target_mib}"
