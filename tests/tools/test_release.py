"""Which objects of a namespace are taken for those of a release."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.cluster.release import Release

ROOT = Path(__file__).parents[2]
OWN_NAME = "app.kubernetes.io/name=datasurface"
TEXTS = ("docs/kubernetes.md", "charts/datasurface/README.md")


def test_a_release_of_another_chart_with_the_same_name_is_left_alone() -> None:
    """Helm's names are labels of all charts alike: by its name alone a release would be taken for another chart's."""
    release = Release(name="shop", namespace="shop", values=(), timeout_seconds=1)

    assert set(release.selector.split(",")) == {OWN_NAME, "app.kubernetes.io/instance=shop"}


@pytest.mark.parametrize("path", TEXTS)
def test_what_people_copy_deletes_our_objects_alone(path: str) -> None:
    """So does every command that the pages give for giving up all data."""
    commands = [line for line in (ROOT / path).read_text().splitlines() if re.search(r"delete .*--selector", line)]

    assert commands
    assert all(OWN_NAME in command for command in commands)
