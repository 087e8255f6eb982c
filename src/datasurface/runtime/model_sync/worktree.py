"""The directory that a link leads to now, and the commit it holds.

Something else writes there: each revision gets a directory of its own, then the link is turned. Therefore a link is
followed once per piece of work, and whoever has read a directory looks whether the link still leads there.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from datasurface.errors import TransientError, printable
from datasurface.loader import Commit, revision_of
from datasurface.runtime import git

_AUTHOR_CHARACTERS: Final = 200
_FIELDS: Final = 3


class WorktreeAway(TransientError):
    """There is no directory behind the link, or what is there cannot be read now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worktree:
    """A revision on disk: `root` is free of links."""

    link: Path
    root: Path
    commit: Commit

    def is_current(self) -> bool:
        """Whether the link still leads here; what was read before that is whole."""
        try:
            return _resolved(self.link) == self.root
        except WorktreeAway:
            return False


def look(link: Path) -> Worktree:
    """Follow the link once and read which commit is there. Raises WorktreeAway."""
    root = _resolved(link)
    try:
        is_git = (root / ".git").exists()
        commit = _commit(root) if is_git else Commit(revision=revision_of(root))
    except OSError as error:
        raise WorktreeAway(f"{link} cannot be read: {error.strerror or error}") from error
    except git.GitFailed as error:
        raise WorktreeAway(f"the commit in {link} cannot be read: {error.message}") from error
    return Worktree(link=link, root=root, commit=commit)


def _resolved(link: Path) -> Path:
    try:
        root = link.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise WorktreeAway(f"{link} is not there yet") from error
    if not root.is_dir():
        raise WorktreeAway(f"{link} is no directory")
    return root


def _commit(root: Path) -> Commit:
    told = git.output(["log", "-1", "--no-color", "--format=%H%x00%an <%ae>%x00%cI", "HEAD"], directory=root)
    fields = told.decode(errors="replace").removesuffix("\n").split("\0")
    if len(fields) != _FIELDS:
        raise WorktreeAway(f"the commit in {root.name} cannot be read: git says something else")
    revision, author, committed_at = fields
    return Commit(revision=revision, author=printable(author[:_AUTHOR_CHARACTERS]), committed_at=_time(committed_at))


def _time(text: str) -> datetime | None:
    """None for a time that no calendar has: a commit may claim any."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
