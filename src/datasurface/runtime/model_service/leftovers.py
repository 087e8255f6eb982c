"""Empties directories that an author's program may have filled: any depth, any number, any rights.

Which directories, and when, is the caller's matter. Links are never followed.
"""

import contextlib
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

#: Entries that are looked at together: a program can make more of them than fit into memory.
_AT_ONCE: Final = 1000


def empty(directory: Path) -> bool:
    """Remove all that the directory holds; False if something of it could not go. It stays itself, if it is there.

    What lies deep is moved up first: paths stay short and nothing recurses.
    """
    names = (f".leftover-{number}" for number in itertools.count())
    try:
        while entries := _some(directory):
            if not sum([_is_gone(entry, directory, names) for entry in entries]):
                return False
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _some(directory: Path | str) -> list[os.DirEntry[str]]:
    with os.scandir(directory) as entries:
        return list(itertools.islice(entries, _AT_ONCE))


def _is_gone(entry: os.DirEntry[str], top: Path, names: Iterator[str]) -> bool:
    """Remove one entry of the directory `top`, after its own directories were moved there."""
    with contextlib.suppress(OSError):
        if not entry.is_dir(follow_symlinks=False):
            os.unlink(entry.path)
            return True
        os.chmod(entry.path, 0o700)
        while inner := _some(entry.path):
            for each in inner:
                if each.is_dir(follow_symlinks=False):
                    # A directory that changes its place is written to.
                    os.chmod(each.path, 0o700)
                    os.rename(each.path, top / _unused(top, names))
                else:
                    os.unlink(each.path)
        os.rmdir(entry.path)
        return True
    return False


def _unused(top: Path, names: Iterator[str]) -> str:
    return next(name for name in names if not os.path.lexists(top / name))
