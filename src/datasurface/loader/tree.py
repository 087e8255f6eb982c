"""The files of a model's directory: which belong to it, a private copy of them, and the revision they make.

Version control and Python's caches do not belong to it. Links are kept where they stay within the directory and left
out where they lead out of it, so that a model cannot show what lies elsewhere; so are pipes and devices.
"""

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from datasurface.loader.limits import Limits

IGNORED_NAMES: Final = frozenset({".git", "__pycache__"})
IGNORED_SUFFIX: Final = ".pyc"
REVISION_PREFIX: Final = "dir-"
REVISION_DIGITS: Final = 12
_BLOCK_BYTES: Final = 1024 * 1024


class TreeTooLarge(Exception):
    """The directory holds more than the limits allow; the message says which."""


def revision_of(path: Path) -> str:
    """`dir-` and 12 hex digits of the sha256 over the sorted paths and contents of a model's directory.

    Raises OSError where a file cannot be read.
    """
    root = path.resolve(strict=True)
    digest = hashlib.sha256()
    for relative in sorted(_entries(root), key=os.fsencode):
        file = root / relative
        content = os.fsencode(file.readlink()) if file.is_symlink() else _digest_of(file)
        for part in (os.fsencode(relative), content):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return f"{REVISION_PREFIX}{digest.hexdigest()[:REVISION_DIGITS]}"


def copy_tree(source: Path, target: Path, limits: Limits) -> None:
    """Copy the files of a model into the new directory `target`. Raises TreeTooLarge or OSError."""
    root = source.resolve(strict=True)
    target.mkdir()
    bytes_left = limits.tree_bytes
    for count, relative in enumerate(_entries(root), start=1):
        if count > limits.tree_files:
            raise TreeTooLarge(f"has more than {limits.tree_files} files")
        original, copy = root / relative, target / relative
        copy.parent.mkdir(parents=True, exist_ok=True)
        if original.is_symlink():
            copy.symlink_to(original.readlink())
            continue
        bytes_left -= _copy_file(original, copy, bytes_left)
        if bytes_left < 0:
            raise TreeTooLarge(f"has more than {limits.tree_bytes} bytes")


def _entries(root: Path) -> Iterator[str]:
    """Paths below `root` of the files and links that belong to the model."""
    pending = [root]
    while pending:
        with os.scandir(pending.pop()) as found:
            for entry in found:
                if entry.name in IGNORED_NAMES or entry.name.endswith(IGNORED_SUFFIX):
                    continue
                path = Path(entry.path)
                if entry.is_dir(follow_symlinks=False):
                    pending.append(path)
                elif entry.is_file(follow_symlinks=False) or (entry.is_symlink() and _stays_within(root, path)):
                    yield str(path.relative_to(root))


def _stays_within(root: Path, link: Path) -> bool:
    target = link.readlink()
    if target.is_absolute():
        return False
    try:
        return link.resolve(strict=True).is_relative_to(root)
    except (OSError, RuntimeError):
        return False


def _open(file: Path) -> int:
    """A descriptor of a file that was a file just now; a link or pipe put in its place is refused."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{file.name} is no longer a file")
    return descriptor


def _copy_file(original: Path, copy: Path, bytes_left: int) -> int:
    """Copy a file and give its size; stop soon after `bytes_left`."""
    size = 0
    with open(_open(original), "rb") as source, copy.open("wb") as target:
        while size <= bytes_left and (block := source.read(_BLOCK_BYTES)):
            size += target.write(block)
    return size


def _digest_of(file: Path) -> bytes:
    with open(_open(file), "rb") as opened:
        return hashlib.file_digest(opened, "sha256").digest()
