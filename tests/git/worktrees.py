"""A checked-out repository as git-sync keeps one: a directory per revision, and a link that is turned."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.git.repositories import Author, git


@dataclass(kw_only=True)
class Synced:
    """`root/current` leads to `root/.worktrees/<sha>`; `author` writes in the repository beside it."""

    root: Path
    author: Author

    @property
    def link(self) -> Path:
        return self.root / "current"

    @classmethod
    def of(cls, directory: Path, model: Path) -> "Synced":
        """A repository with that model as its first commit, not yet synced."""
        origin, root = directory / "origin", directory / "git"
        shutil.copytree(model, origin, ignore=shutil.ignore_patterns("__pycache__"))
        root.mkdir()
        author = Author(clone=origin, name="ann")
        author.git("init", "--quiet", "--initial-branch=main")
        author.commit("README.md", "first")
        author.git("init", "--quiet", str(root))
        return cls(root=root, author=author)

    def sync(self) -> str:
        """Fetch, make a directory of the new revision, turn the link, drop the directory before; gives the revision."""
        revision = self.author.revision()
        tree = self.root / ".worktrees" / revision
        for arguments in (
            ("fetch", "--quiet", "--depth", "1", str(self.author.clone), "main"),
            ("worktree", "add", "--quiet", "--force", "--detach", str(tree), revision),
        ):
            done = git(self.root, *arguments)
            assert done.returncode == 0, done.stderr
        before = self.link.resolve() if self.link.is_symlink() else None
        turned = self.root / "next"
        turned.symlink_to(tree.relative_to(self.root))
        turned.rename(self.link)
        if before is not None and before != tree:
            shutil.rmtree(before)
        return revision

    def give_away(self, uid: int) -> None:
        """Let everything belong to another user."""
        for path in (self.root, *self.root.rglob("*")):
            os.chown(path, uid, uid, follow_symlinks=False)
