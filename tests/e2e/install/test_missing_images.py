"""A cluster without the images: said before anything is installed, with the way to bring them."""

from __future__ import annotations

import os

import pytest

from tests.e2e.harness.installation import Installation
from tools.cluster.image_check import check_images
from tools.cluster.programs import Unready
from tools.cluster.target import Target, find_target


@pytest.fixture(scope="module")
def target() -> Target:
    """The cluster as `make up` sees it."""
    if not os.environ.get("E2E_CONTEXT"):
        pytest.skip("E2E_CONTEXT names no cluster")
    return find_target()


@pytest.mark.row("K01")
def test_images_that_are_there_pass(installation: Installation, target: Target) -> None:
    """What the pods run is found."""
    images = {each.image for pod in installation.release.long_running_pods() for each in pod.spec.containers}
    check_images(target, sorted(images))


@pytest.mark.row("K01", kind="refusal")
def test_a_missing_image_is_named_with_the_way_to_load_it(target: Target) -> None:
    """The preflight names the image and the setting that loads it."""
    with pytest.raises(Unready, match="datasurface:never-built") as unready:
        check_images(target, ["datasurface:never-built"])
    assert "E2E_LOAD" in str(unready.value.fix)
