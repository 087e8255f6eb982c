"""Finds a docker that can build our images: with BuildKit, and with a daemon that answers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.cluster.programs import ProgramFailed, Unready, output_of, programs_on_path, run

#: From this version on a client builds with the buildx plugin or not at all; older ones have BuildKit in themselves.
_BUILDX_NEEDED_FROM: Final = 23


@dataclass(frozen=True, slots=True, kw_only=True)
class Docker:
    """A usable client; `has_buildx` says which of the two ways of building it knows."""

    program: Path
    version: str
    has_buildx: bool

    def __str__(self) -> str:
        return f"{self.version} at {self.program}, BuildKit {'by buildx' if self.has_buildx else 'of its own'}"

    def build(self, arguments: list[str], *, environment: Mapping[str, str]) -> None:
        """Run `docker build` with BuildKit; attestations would make an index of the image, which kind cannot load."""
        extra = ["--load", "--provenance=false"] if self.has_buildx else []
        run([self.program, "build", *extra, *arguments], environment={**environment, "DOCKER_BUILDKIT": "1"})

    def output_of(self, *arguments: str, timeout_seconds: float = 60) -> str:
        """Give what this client writes; raise ProgramFailed."""
        return output_of([self.program, *arguments], timeout_seconds=timeout_seconds)

    def image_field(self, image: str, template: str) -> str | None:
        """Give one field of an image by a Go template; None if there is no such image."""
        try:
            return self.output_of("image", "inspect", "--format", template, image)
        except ProgramFailed:
            return None


def find_docker() -> Docker:
    """Give the first docker on PATH that can build, or the one DOCKER names; raise Unready with the reasons why not."""
    named = os.environ.get("DOCKER")
    candidates = [Path(named)] if named else programs_on_path("docker")
    if not candidates:
        raise Unready(
            "there is no docker on PATH",
            fix="install Docker (Debian: apt-get install docker.io), or name a client by DOCKER=/path/to/docker",
        )
    reasons = []
    for program in candidates:
        try:
            return _usable(program)
        except Unready as reason:
            reasons.append(reason)
    raise Unready(
        "no docker here can build images:\n" + "\n".join(f"    {reason.what}" for reason in reasons), fix=reasons[0].fix
    )


def _usable(program: Path) -> Docker:
    try:
        versions = output_of(
            [program, "version", "--format", "{{.Client.Version}} {{.Server.Version}}"], timeout_seconds=20
        )
    except ProgramFailed as error:
        raise Unready(
            f"{program}: {error.what}", fix="start the Docker daemon (systemctl start docker, or Docker Desktop)"
        ) from error
    client = versions.split()[0]
    try:
        output_of([program, "buildx", "version"], timeout_seconds=20)
    except ProgramFailed as error:
        if int(client.split(".")[0]) >= _BUILDX_NEEDED_FROM:
            raise Unready(
                f"{program}: version {client} needs the buildx plugin to build with BuildKit, which is not there",
                fix="install the plugin (docker-buildx or docker-buildx-plugin), or name another client by DOCKER=",
            ) from error
        return Docker(program=program, version=client, has_buildx=False)
    return Docker(program=program, version=client, has_buildx=True)
