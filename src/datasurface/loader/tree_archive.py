"""A model's files as a tar stream: how they travel to a loader elsewhere, and how a stream becomes files again.

What comes in is hostile. A stream holds files, directories and links that stay within it, each once and under a plain
name; anything else refuses it whole. Nothing is ever written outside of the directory it is unpacked into.
"""

import contextlib
import errno
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final

from datasurface.loader.limits import Limits
from datasurface.loader.tree import TreeTooLarge

_BLOCK_BYTES: Final = 1024 * 1024
#: Names and headers that come on top of a tree's own bytes, for each of its files.
HEADER_BYTES: Final = 4 * 1024
_MAX_DEPTH: Final = 64
#: What a system says of names that come out of an archive; anything else is our own trouble.
_BAD_NAMES: Final = frozenset({errno.ENAMETOOLONG, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ELOOP})


class ArchiveRefused(Exception):
    """The stream is no archive of a model's tree; the message says why and quotes nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """How much a stream held."""

    files: int
    content_bytes: int


def largest_bytes(limits: Limits) -> int:
    """The most that the archive of a tree within the limits can take."""
    return limits.tree_bytes + limits.tree_files * HEADER_BYTES


def pack(root: Path, target: IO[bytes]) -> None:
    """Write the files and links below `root` to `target`; owners, times and modes are left out. Raises OSError."""
    with tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(root.rglob("*")):
            _add(archive, path, str(path.relative_to(root)))


def unpack(source: IO[bytes], target: Path, limits: Limits) -> Unpacked:
    """Make the new directory `target` of an uncompressed stream. Raises ArchiveRefused, TreeTooLarge or OSError."""
    target.mkdir()
    unpacking = _Unpacking(target, limits)
    try:
        with tarfile.open(fileobj=source, mode="r|") as archive:
            for member in archive:
                unpacking.take(archive, member)
        unpacking.make_links()
    except (tarfile.TarError, EOFError, UnicodeError, ValueError, OverflowError) as error:
        raise ArchiveRefused("it is no tar archive, or ends too early") from error
    except OSError as error:
        if error.errno not in _BAD_NAMES:
            raise
        raise ArchiveRefused("it holds names that are too long or contradict each other") from error
    return Unpacked(files=unpacking.entries, content_bytes=unpacking.content_bytes)


def _add(archive: tarfile.TarFile, path: Path, name: str) -> None:
    entry = tarfile.TarInfo(name)
    if path.is_symlink():
        entry.type, entry.linkname = tarfile.SYMTYPE, os.fspath(path.readlink())
        archive.addfile(entry)
    elif path.is_file():
        with path.open("rb") as opened:
            entry.size = os.fstat(opened.fileno()).st_size
            archive.addfile(entry, opened)


class _Unpacking:
    """One stream on its way to disk. Links come last, so that no file is ever written through one."""

    def __init__(self, root: Path, limits: Limits) -> None:
        self.entries = 0
        self.content_bytes = 0
        self._root = root
        self._limits = limits
        self._links: dict[Path, str] = {}

    def take(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        """Write one entry; a link is only remembered."""
        self.entries += 1
        if self.entries > self._limits.tree_files:
            raise TreeTooLarge(f"has more than {self._limits.tree_files} files")
        path = self._root / _plain(member.name)
        if member.isdir():
            path.mkdir(parents=True, exist_ok=True)
        elif member.issym():
            if path in self._links or path.exists():
                raise ArchiveRefused("it holds one name twice")
            self._links[path] = member.linkname
        elif member.isreg() and not member.issparse():
            self._write(archive, member, path)
        else:
            raise ArchiveRefused("it holds something that is neither a file, a directory nor a symbolic link")

    def make_links(self) -> None:
        """Make the links, as far as each stays within the tree."""
        root = self._root.resolve(strict=True)
        for path, target in self._links.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.parent.resolve(strict=True) != root / path.parent.relative_to(self._root):
                raise ArchiveRefused("it holds a link below a link")
            if PurePosixPath(target).is_absolute():
                raise ArchiveRefused("it holds a link that leads out of it")
            path.symlink_to(target)
            if not _stays_within(root, path):
                path.unlink()
                raise ArchiveRefused("it holds a link that leads out of it")

    def _write(self, archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        source = archive.extractfile(member)
        if source is None or path in self._links:
            raise ArchiveRefused("it holds one name twice")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(path, flags, 0o644), "wb") as target:
            for block in _blocks(source):
                self.content_bytes += len(block)
                if self.content_bytes > self._limits.tree_bytes:
                    raise TreeTooLarge(f"has more than {self._limits.tree_bytes} bytes")
                target.write(block)


def _plain(name: str) -> PurePosixPath:
    """The relative path that a name means, with nothing in it that could lead elsewhere."""
    path = PurePosixPath(name)
    is_plain = name and not path.is_absolute() and ".." not in path.parts and "\0" not in name
    if not is_plain or len(path.parts) > _MAX_DEPTH:
        raise ArchiveRefused("it holds a name that is no plain path below it")
    return path


def _blocks(source: IO[bytes]) -> Iterator[bytes]:
    while block := source.read(_BLOCK_BYTES):
        yield block


def _stays_within(root: Path, link: Path) -> bool:
    with contextlib.suppress(OSError, RuntimeError):
        return link.resolve(strict=False).is_relative_to(root)
    return False
