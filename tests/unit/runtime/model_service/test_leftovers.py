"""Whatever a model left in a directory goes, and nothing outside of it."""

import os
from pathlib import Path

import pytest

from datasurface.runtime.model_service import leftovers


@pytest.fixture
def directory(tmp_path) -> Path:
    """A directory with somebody else's file beside it."""
    (tmp_path / "outside" / "inner").mkdir(parents=True)
    (tmp_path / "outside" / "file").write_text("stays")
    (tmp_path / "directory").mkdir()
    return tmp_path / "directory"


@pytest.mark.row("M02")
def test_everything_in_it_goes(directory):
    """Files, trees, pipes, dead links and directories without any right, more than fit into one look."""
    for number in range(2500):
        (directory / f"f{number}").touch()
    (directory / "a" / "b").mkdir(parents=True)
    (directory / "a" / "b" / "f").touch()
    (directory / "a" / "f").touch(mode=0)
    (directory / "a" / "b").chmod(0)
    (directory / "a").chmod(0)
    os.mkfifo(directory / "pipe")
    (directory / "link").symlink_to("nowhere")

    assert leftovers.empty(directory)
    assert list(directory.iterdir()) == []


def test_links_are_not_followed(directory):
    """What they lead to stays as it is."""
    outside = directory.parent / "outside"
    outside.chmod(0o755)
    (directory / "deep").mkdir()
    (directory / "link").symlink_to(outside)
    (directory / "deep" / "link").symlink_to(outside)

    assert leftovers.empty(directory)
    assert (outside / "file").read_text() == "stays"
    assert outside.stat().st_mode & 0o777 == 0o755


@pytest.mark.row("M02", kind="refusal")
def test_a_tree_deeper_than_any_path_goes(directory):
    """A name for each level would be longer than the system takes, and than Python goes down."""
    here = os.open(directory, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("dd", dir_fd=here)
        below = os.open("dd", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)

    assert leftovers.empty(directory)
    assert list(directory.iterdir()) == []


def test_what_cannot_go_is_told(directory, monkeypatch):
    """It ends, and the rest has gone."""
    (directory / "kept").touch()
    (directory / "other").touch()
    unlink = os.unlink

    def refused(path: str) -> None:
        if path.endswith("kept"):
            raise PermissionError
        unlink(path)

    monkeypatch.setattr(os, "unlink", refused)

    assert not leftovers.empty(directory)
    assert [path.name for path in directory.iterdir()] == ["kept"]


def test_a_directory_that_is_away_holds_nothing(directory):
    """Not every container has each of them."""
    assert leftovers.empty(directory / "none")
