"""Runs commands in the images that are built, as the cluster does: read-only root, no rights, and no network besides.

`make images` builds them first; a test whose image is not there says so.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tools.cluster.docker import Docker, find_docker
from tools.cluster.images import IMAGES, Image

#: Runs a command in an image and gives its standard output; fails the test when the command does.
RunIn = Callable[..., str]
RESTRICTED = ["--read-only", "--tmpfs", "/tmp:exec", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
SCRIPTS = Path(__file__).parent / "scripts"


@pytest.fixture(scope="session")
def docker() -> Docker:
    return find_docker()


@pytest.fixture(scope="session", params=IMAGES, ids=lambda image: image.repository)
def image(request: pytest.FixtureRequest) -> Image:
    """Each of our images in turn."""
    return request.param


@pytest.fixture(scope="session")
def run_in(docker: Docker) -> RunIn:
    """Run a command, or a script of tests/images/scripts with the image's Python."""

    def run(repository: str, *command: str, script: str | None = None, mount: Path | None = None) -> str:
        image = next(image for image in IMAGES if image.repository == repository)
        words = [str(docker.program), "run", "--rm", "-i", "--network", "none", *RESTRICTED]
        if mount is not None:
            words += ["-v", f"{mount}:/mounted:ro"]
        words += [image.name, *(["python", "-", *command] if script else command)]
        text = (SCRIPTS / script).read_text() if script else None
        done = subprocess.run(words, capture_output=True, text=True, input=text, timeout=240, check=False)
        assert done.returncode == 0, f"{' '.join(command) or script}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout.strip()

    return run


@pytest.fixture(scope="session")
def config_of(docker: Docker) -> Callable[[Image], dict[str, Any]]:
    """Give an image's configuration as Docker has it."""

    def config(image: Image) -> dict[str, Any]:
        text = docker.image_field(image.name, "{{json .Config}}")
        assert text is not None, f"there is no image {image.name}: make images"
        return json.loads(text)

    return config
