"""`python -m tools.cluster images|preflight|up|down|e2e`; the Makefile's targets of the same names."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from tools.cluster.docker import Docker, find_docker
from tools.cluster.first_rows import show_first_rows
from tools.cluster.image_check import check_images
from tools.cluster.images import build
from tools.cluster.preflight import check
from tools.cluster.programs import ProgramFailed, Unready
from tools.cluster.release import Release, images_of, install, print_state, release_from_environment, uninstall
from tools.cluster.target import Target, find_target, load_images

Result = TypeVar("Result")
_E2E_RESULTS: Final = "build/e2e-results.json"


def images() -> int:
    """Build both images."""
    build(find_docker(), always=True)
    return 0


def preflight() -> int:
    """Look at the machine and the cluster; change nothing."""
    _step("preflight", check)
    return 0


def up() -> int:
    """From sources to the first rows of a view."""
    began = time.monotonic()
    release = release_from_environment()
    _, target = _prepared(release)
    try:
        _step(f"release {release.name} in namespace {release.namespace}", lambda: install(target, release))
        _step("first rows", lambda: show_first_rows(target, release))
    except (Unready, KeyboardInterrupt):
        print_state(target, release)
        raise
    print(f"\nup in {time.monotonic() - began:.0f} s; `make down` takes it away again")
    return 0


def down() -> int:
    """Take the release away."""
    target = find_target()
    uninstall(target, release_from_environment(), purge=bool(os.environ.get("PURGE")))
    if target.kind:
        print("the cluster stays: kind delete cluster --name datasurface")
    return 0


def e2e() -> int:
    """Run tests/e2e on a cluster that has the images."""
    _, target = _prepared(release_from_environment())
    command = [
        sys.executable,
        "-m",
        "pytest",
        *("tests/e2e", "-p", "no:xdist"),
        "--record-results",
        _E2E_RESULTS,
        *os.environ.get("E2E_ARGS", "").split(),
    ]
    status = subprocess.run(command, env=target.environment, check=False).returncode
    if not target.kind:
        print(
            "not shown, as only kind could show it: a cluster made by kind, images brought by `kind load image-archive`"
        )
    return status


def _prepared(release: Release) -> tuple[Docker, Target]:
    """Everything before the release itself: a fit machine, current images, and a cluster that has them."""
    docker, target = _step("preflight", check)
    needed = images_of(target, release)
    _step("images", lambda: build(docker, always=False))
    ours = [image for image in needed if docker.image_field(image, "{{.Id}}")]
    _step("load", lambda: load_images(target, docker, ours))
    _step("images in the cluster", lambda: check_images(target, needed))
    return docker, target


def _step(title: str, action: Callable[[], Result]) -> Result:
    print(f"{title} ...", flush=True)
    began = time.monotonic()
    result = action()
    print(f"{title}: {time.monotonic() - began:.0f} s", flush=True)
    return result


COMMANDS: Final[Mapping[str, Callable[[], int]]] = {
    "images": images,
    "preflight": preflight,
    "up": up,
    "down": down,
    "e2e": e2e,
}


def main() -> int:
    """Run one command; say what is wrong and what to do about it."""
    parser = argparse.ArgumentParser(prog="python -m tools.cluster", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    try:
        return COMMANDS[parser.parse_args().command]()
    except Unready as error:
        kind = "failed" if isinstance(error, ProgramFailed) else "not ready"
        print(f"\n{kind}: {error.what}\n  {error.fix}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
