"""Which files make a model, and its revision."""

from __future__ import annotations

import os
import re

import pytest

from datasurface.loader import Limits, ModelNotLoaded, load, revision_of
from datasurface.loader.tree import TreeTooLarge, copy_tree
from tests.unit.loader.conftest import RIGHT, SMALL


@pytest.fixture
def tree(tmp_path):
    """A directory with two files, one of them in a folder."""
    root = tmp_path / "tree"
    (root / "folder").mkdir(parents=True)
    (root / "a.py").write_text("a")
    (root / "folder" / "b.json").write_text("b")
    return root


def paths(root):
    """Give what lies below `root`, folders left out."""
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_symlink() or not path.is_dir())


def test_revision_names_paths_and_contents(tree):
    """Another content, another name and another folder are other revisions; times are not looked at."""
    revisions = [revision_of(tree)]
    for change in (
        lambda: (tree / "a.py").write_text("ab"),
        lambda: (tree / "a.py").rename(tree / "c.py"),
        lambda: (tree / "c.py").rename(tree / "folder" / "c.py"),
        lambda: (tree / "empty").write_text(""),
    ):
        change()
        revisions.append(revision_of(tree))
    os.utime(tree / "empty", (0, 0))

    assert len(set(revisions)) == 5
    assert revision_of(tree) == revisions[-1]
    assert all(re.fullmatch("dir-[0-9a-f]{12}", revision) for revision in revisions)


def test_contents_cannot_pass_for_paths(tmp_path):
    """What moves from a name into the content of a file is another revision."""
    for name, file, content in (("one", "ab", "c"), ("two", "a", "bc")):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text(content)

    assert revision_of(tmp_path / "one") != revision_of(tmp_path / "two")


def test_version_control_and_caches_are_no_part(tree, tmp_path):
    """.git, __pycache__ and *.pyc change no revision and are not copied."""
    before = revision_of(tree)
    for folder in (".git", "__pycache__", "folder/__pycache__"):
        (tree / folder).mkdir()
        (tree / folder / "x").write_text("x")
    (tree / "old.pyc").write_text("x")

    copy_tree(tree, tmp_path / "copy", Limits())

    assert revision_of(tree) == before
    assert paths(tmp_path / "copy") == ["a.py", "folder/b.json"]


def test_links_that_lead_out_are_left_out(tree, tmp_path):
    """Links within the directory are kept, also those of a mounted ConfigMap; others and pipes are not followed."""
    (tmp_path / "secret").write_text("secret")
    (tree / "out").symlink_to(tmp_path / "secret")
    (tree / "up").symlink_to("../secret")
    (tree / "gone").symlink_to("nothing")
    (tree / "loop").symlink_to("loop")
    os.mkfifo(tree / "pipe")
    (tree / "..data").symlink_to("folder")
    (tree / "b.json").symlink_to("..data/b.json")

    copy_tree(tree, tmp_path / "copy", Limits())

    assert paths(tmp_path / "copy") == ["..data", "a.py", "b.json", "folder/b.json"]
    assert (tmp_path / "copy" / "b.json").read_text() == "b"
    assert revision_of(tmp_path / "copy") == revision_of(tree)


def test_model_of_links_loads(tree):
    """eco.py itself may be a link, as in a mounted ConfigMap."""
    (tree / "folder" / "eco.py").write_text(RIGHT)
    (tree / "eco.py").symlink_to("folder/eco.py")

    assert load(tree, limits=SMALL).ecosystem.name == "Test"


@pytest.mark.parametrize(
    ("limits", "message"),
    [(Limits(tree_files=1), "has more than 1 files"), (Limits(tree_bytes=1), "has more than 1 bytes")],
)
def test_large_directory_is_refused(tree, tmp_path, limits, message):
    """A directory above the limits is not copied to its end, and is no model."""
    with pytest.raises(TreeTooLarge, match=message):
        copy_tree(tree, tmp_path / "copy", limits)
    with pytest.raises(ModelNotLoaded, match=f"tree: the directory {message}"):
        load(tree, limits=limits)
