"""Which docker builds the images."""

from __future__ import annotations

import pytest

from tools.cluster.docker import find_docker
from tools.cluster.programs import Unready

OLD = ("'version '*) echo 20.10.24 20.10.24", "'buildx version') echo unknown command >&2; exit 1")
NEW = ("'version '*) echo 28.2.2 28.2.2", "'buildx version') echo v0.24")
NEW_WITHOUT_PLUGIN = ("'version '*) echo 28.2.2 20.10.24", "'buildx version') echo unknown command >&2; exit 1")
NO_DAEMON = ("'version '*) echo 28.2.2; echo Cannot connect to the Docker daemon >&2; exit 1",)


@pytest.mark.parametrize(("cases", "has_buildx"), [(OLD, False), (NEW, True)])
def test_client_that_can_build_is_taken(program, cases, has_buildx):
    """An old client builds by itself, a new one by its plugin."""
    path = program("docker", *cases)

    docker = find_docker()

    assert (docker.program, docker.has_buildx) == (path, has_buildx)


def test_client_that_cannot_build_is_passed_over(program):
    """A new client without the plugin stands first on PATH; the next one is taken."""
    program("docker", *NEW_WITHOUT_PLUGIN)
    second = program("docker", *OLD, folder=1)

    assert find_docker().program == second


def test_named_client_is_the_only_one_tried(program, monkeypatch):
    """DOCKER= is not silently replaced by another client."""
    program("docker", *OLD)
    named = program("other-docker", *NEW_WITHOUT_PLUGIN)
    monkeypatch.setenv("DOCKER", str(named))

    with pytest.raises(Unready, match=r"other-docker: version 28\.2\.2 needs the buildx plugin"):
        find_docker()


@pytest.mark.row("K01", kind="refusal")
def test_reasons_are_said_when_none_can_build(program):
    """Every client is named with what it lacks, and the cure of the first."""
    program("docker", *NO_DAEMON)
    program("docker", *NEW_WITHOUT_PLUGIN, folder=1)

    with pytest.raises(Unready, match=r"(?s)Cannot connect to the Docker daemon.*needs the buildx plugin") as error:
        find_docker()

    assert "start the Docker daemon" in error.value.fix


def test_machine_without_docker_is_told_how_to_get_it(program):
    """No docker on PATH says what to install."""
    with pytest.raises(Unready, match="no docker on PATH") as error:
        find_docker()

    assert "install Docker" in error.value.fix
