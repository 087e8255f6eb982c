"""A model's tree travels as a tar and arrives as it was; what else a tar may hold never reaches the disk."""

import contextlib
import tarfile
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasurface.loader.limits import Limits
from datasurface.loader.tree import TreeTooLarge
from datasurface.loader.tree_archive import ArchiveRefused, largest_bytes, pack, unpack

SMALL = Limits(tree_bytes=10_000, tree_files=10)


def tar_of(*members: tuple[str, bytes, str]) -> BytesIO:
    """A tar with entries of a name, a type and a text, which is a file's content or a link's target."""
    written = BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, kind, text in members:
            entry = tarfile.TarInfo(name)
            entry.type = kind
            if kind == tarfile.REGTYPE:
                entry.size = len(text)
                tar.addfile(entry, BytesIO(text.encode()))
            else:
                entry.linkname = text
                tar.addfile(entry)
    written.seek(0)
    return written


def test_a_tree_arrives_as_it_was(tmp_path):
    """Files, folders and links; owners and times do not travel."""
    root = tmp_path / "there"
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "b" / "datei ü.py").write_text("x = 1\n")
    (root / "a" / "link").symlink_to("b/datei ü.py")
    (root / "folder").symlink_to("a/b")
    archive = BytesIO()
    pack(root, archive)
    archive.seek(0)

    unpacked = unpack(archive, tmp_path / "here", SMALL)

    found = {str(path.relative_to(tmp_path / "here")) for path in (tmp_path / "here").rglob("*")}
    assert found == {"a", "a/b", "a/b/datei ü.py", "a/link", "folder"}
    assert (tmp_path / "here" / "a" / "link").read_text() == "x = 1\n"
    assert (unpacked.files, unpacked.content_bytes) == (3, 6)


@pytest.mark.parametrize(
    "members",
    [
        [("../x", tarfile.REGTYPE, "x")],
        [("/x", tarfile.REGTYPE, "x")],
        [("a/../../x", tarfile.REGTYPE, "x")],
        [("..", tarfile.DIRTYPE, "")],
        [("x", tarfile.LNKTYPE, "/etc/passwd")],
        [("x", tarfile.CHRTYPE, "")],
        [("x", tarfile.FIFOTYPE, "")],
        [("x", tarfile.SYMTYPE, "/etc")],
        [("x", tarfile.SYMTYPE, "..")],
        [("a/b/x", tarfile.SYMTYPE, "../../../x")],
        [("x", tarfile.SYMTYPE, "."), ("x/y", tarfile.REGTYPE, "y")],
        [("x", tarfile.SYMTYPE, "a"), ("x/y", tarfile.SYMTYPE, "../..")],
        [("a/b", tarfile.DIRTYPE, ""), ("a/b/up", tarfile.SYMTYPE, "../.."), ("a/b/up/x", tarfile.SYMTYPE, "../x")],
        [("x", tarfile.REGTYPE, "1"), ("x", tarfile.REGTYPE, "2")],
        [("x", tarfile.REGTYPE, "1"), ("x", tarfile.SYMTYPE, "y")],
        [("x", tarfile.REGTYPE, "1"), ("x/y", tarfile.REGTYPE, "2")],
        [("x" * 300, tarfile.REGTYPE, "1")],
        [("/".join("x" * 100), tarfile.REGTYPE, "1")],
    ],
)
@pytest.mark.row("M02", kind="refusal")
def test_what_is_no_plain_tree_is_refused(tmp_path, members):
    """Nothing is written beside the directory, whatever the order of the entries."""
    target = tmp_path / "inner" / "here"
    target.parent.mkdir()

    with pytest.raises(ArchiveRefused):
        unpack(tar_of(*members), target, SMALL)

    assert {path.name for path in tmp_path.iterdir()} == {"inner"}
    assert {path.name for path in target.parent.iterdir()} == {"here"}


def test_files_and_bytes_are_counted(tmp_path):
    """What comes above the limits stops the unpacking, also where a header lies about it."""
    many = tar_of(*((f"f{number}", tarfile.REGTYPE, "") for number in range(11)))
    large = tar_of(("x", tarfile.REGTYPE, "x" * 10_001))

    with pytest.raises(TreeTooLarge, match="more than 10 files"):
        unpack(many, tmp_path / "many", SMALL)
    with pytest.raises(TreeTooLarge, match="more than 10000 bytes"):
        unpack(large, tmp_path / "large", SMALL)


def test_a_tree_within_the_limits_has_an_archive_within_the_bound(tmp_path):
    """Long names and many files do not make it larger than what a service takes."""
    root = tmp_path / "there"
    for number in range(10):
        folder = root / ("d" * 200) / ("ü" * 100)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}").write_bytes(b"x" * 1000)
    archive = BytesIO()
    pack(root, archive)

    assert archive.tell() <= largest_bytes(SMALL)


@given(st.binary(max_size=3000))
def test_rubbish_is_refused(tmp_path_factory, rubbish):
    """Whatever comes, it becomes a tree or a refusal."""
    target = tmp_path_factory.mktemp("rubbish") / "here"
    try:
        unpack(BytesIO(rubbish), target, SMALL)
    except (ArchiveRefused, TreeTooLarge):
        return
    assert list(target.iterdir()) == []


@given(st.integers(0, 3000), st.binary(min_size=1, max_size=8))
def test_a_broken_archive_is_refused_or_read(tmp_path_factory, place, bytes_there):
    """Bytes changed anywhere raise nothing else, and write nothing elsewhere."""
    good = tar_of(("a/b", tarfile.REGTYPE, "text"), ("link", tarfile.SYMTYPE, "a/b")).getvalue()
    broken = good[:place] + bytes_there + good[place + len(bytes_there) :]
    parent = tmp_path_factory.mktemp("broken")
    with contextlib.suppress(ArchiveRefused, TreeTooLarge):
        unpack(BytesIO(broken), parent / "here", SMALL)
    assert [path.name for path in parent.iterdir()] == ["here"]
