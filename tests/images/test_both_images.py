"""What holds of both images: who they run as, what is and what is not inside."""

from __future__ import annotations

import json

import pytest

from tools.cluster.images import version

INSTALLERS = ("pip", "pip3", "uv", "easy_install", "hatchling", "gcc", "cc", "g++", "make")
MIB = 1024 * 1024


@pytest.mark.row("K01")
def test_runs_as_an_ordinary_user_on_a_read_only_root(image, run_in, config_of):
    """The image names its user by number, as runAsNonRoot needs, and runs Python 3.13 as that user."""
    assert config_of(image)["User"] == "10001:10001"

    who = run_in(
        image.repository, "python", "-c", "import os, sys; print(os.getuid(), os.getgid(), *sys.version_info[:2])"
    )

    assert who == "10001 10001 3 13"


@pytest.mark.row("K01", kind="refusal")
def test_nothing_inside_can_install_or_compile(image, run_in):
    """There is no installer and no compiler, as a program or as a module."""
    seen = "n for n in sys.argv[1:] if shutil.which(n) or importlib.util.find_spec(n)"
    look = f"import importlib.util, shutil, sys; print(*({seen}))"

    found = run_in(image.repository, "python", "-c", look, *INSTALLERS, "ensurepip", "setuptools")
    of_base = run_in(image.repository, "/usr/local/bin/python3", "-c", look, *INSTALLERS, "ensurepip")

    assert (found, of_base) == ("", "")


@pytest.mark.row("K01", kind="refusal")
def test_no_model_is_inside(image, run_in):
    """The model comes from its repository: no eco.py lies anywhere in the image."""
    look = "import os; print(*[p for p, _, names in os.walk('/') if 'eco.py' in names and not p.startswith('/proc')])"

    assert run_in(image.repository, "python", "-c", look) == ""


def test_every_module_is_compiled(image, run_in):
    """No start compiles anything, as on a read-only root it would do so every time."""
    assert run_in(image.repository, script="uncompiled.py") == ""


def test_says_what_it_is(image, config_of):
    """The labels name title, version, revision and licence."""
    labels = config_of(image)["Labels"]
    of_oci = {
        name.rpartition(".")[2]: text for name, text in labels.items() if name.startswith("org.opencontainers.image.")
    }

    assert of_oci["title"] == image.repository
    assert of_oci["version"] == version()
    assert of_oci["licenses"] == "Apache-2.0"
    assert of_oci["revision"]


def test_lists_what_is_inside(image, run_in):
    """The list of components names every installed distribution in its version, and the product itself."""
    answer = json.loads(run_in(image.repository, script="distributions.py"))
    answer["found"].pop("data-change-simulator", None)

    assert answer["found"].items() <= answer["listed"].items()
    assert answer["listed"]["datasurface"] == version()


def test_environment_makes_output_immediate_and_writes_no_byte_code(image, config_of):
    """Log lines arrive as they are written, and Python does not try to write beside its modules."""
    environment = dict(line.split("=", 1) for line in config_of(image)["Env"])

    assert environment["PYTHONUNBUFFERED"] == environment["PYTHONDONTWRITEBYTECODE"] == "1"


def test_is_no_bigger_than_its_target(image, docker):
    """300 and 650 MiB are enough."""
    size = docker.image_field(image.name, "{{.Size}}")

    assert size is not None
    assert int(size) <= image.target_mib * MIB
