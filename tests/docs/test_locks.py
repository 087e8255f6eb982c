"""The lock files belong together."""

from __future__ import annotations

import re

import pytest

from tests.docs.tracked import ROOT

PINNED = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)
LOCKS = sorted(path.name for path in (ROOT / "requirements").glob("*.txt"))


def pinned(lock: str) -> dict[str, str]:
    """Give the version of each package of a lock."""
    return dict(PINNED.findall((ROOT / "requirements" / lock).read_text()))


@pytest.mark.parametrize("lock", ["airflow.txt", "airflow-dev.txt", "datasurface.txt", "dev.txt"])
def test_images_and_tests_have_the_same_versions(lock):
    """What the package needs has one version in every image and environment."""
    needed = pinned("runtime.txt")

    assert {name: version for name, version in pinned(lock).items() if name in needed} == needed


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_hold_hashes(lock):
    """Every pinned package has a hash, so that nothing else can come in its place."""
    entries = re.split(r"^(?=[a-z0-9])", (ROOT / "requirements" / lock).read_text(), flags=re.MULTILINE)

    assert [entry for entry in entries if "==" in entry and "--hash=sha256:" not in entry] == []
