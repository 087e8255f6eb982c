"""Makes the bare repository: once, with the seed as its first commit; what is there is never overwritten.

Its settings and its hook are ours and are written at every start. Who may push, and what is let through, is not decided
here.
"""

import os
import shlex
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from datasurface.errors import ModelError, StateError
from datasurface.runtime import git

MIB: Final = 1024 * 1024
#: The most that one push may bring; it lies on disk before anybody has looked who sends it.
PUSH_BYTES: Final = 64 * MIB
_AUTHOR: Final = {
    "GIT_AUTHOR_NAME": "DataSurface",
    "GIT_AUTHOR_EMAIL": "datasurface@localhost",
    "GIT_COMMITTER_NAME": "DataSurface",
    "GIT_COMMITTER_EMAIL": "datasurface@localhost",
}
_MESSAGE: Final = "Begin with the model of the installation"
#: Links of a mounted ConfigMap begin with two dots.
_LEFT_OUT: Final = ("..*", ".git", "__pycache__", "*.pyc")
_SETTINGS: Final = {
    "http.receivepack": "true",
    "http.getanyfile": "false",
    "receive.maxInputSize": str(PUSH_BYTES),
    "receive.fsckObjects": "true",
    # What was deployed must stay to be seen: without a reference's log nothing would say what a branch once was.
    "core.logAllRefUpdates": "true",
    "gc.reflogExpire": "never",
    "gc.reflogExpireUnreachable": "never",
    # A process that goes on in the background would be nobody's child in a container.
    "gc.autoDetach": "false",
    "maintenance.autoDetach": "false",
    "pack.threads": "1",
    "pack.windowMemory": "64m",
    "core.packedGitLimit": "64m",
}
#: Nobody's tree decides which of its files the check sees.
_ATTRIBUTES: Final = "* -export-ignore -export-subst\n"


def prepare(directory: Path, seed: Path | None, branch: str) -> bool:
    """Make the repository unless it is there, then bring settings and hook up to date; says whether it was made.

    `seed` None: a new one is empty, and whatever is pushed first becomes the branch.
    Raises ModelError for a branch or a seed that cannot be, StateError where something else is in the place.
    """
    try:
        git.output(["check-ref-format", "--branch", branch], directory=Path("/"))
    except git.GitFailed:
        raise ModelError(f"{branch} is no name of a branch") from None
    for leftover in directory.parent.glob(f".{directory.name}.*"):
        shutil.rmtree(leftover)
    is_made = not directory.exists()
    if is_made:
        _make(directory, seed, branch)
    elif not (directory / "HEAD").is_file():
        raise StateError(f"{directory} is there and is no git repository", fix="Move it out of the way")
    _configure(directory, branch)
    return is_made


def _make(directory: Path, seed: Path | None, branch: str) -> None:
    """Made beside its place and moved there whole, so that a crash leaves nothing that looks like a repository."""
    if seed is not None and not (seed / "eco.py").is_file():
        raise ModelError(f"the seed {seed} holds no eco.py", fix="Name the directory of a model")
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{directory.name}.", dir=directory.parent) as making:
        bare, tree = Path(making, "bare"), Path(making, "tree")
        git.output(
            ["init", "--quiet", "--bare", "--template=", f"--initial-branch={branch}", str(bare)],
            directory=directory.parent,
        )
        if seed is not None:
            shutil.copytree(seed, tree, ignore=shutil.ignore_patterns(*_LEFT_OUT))
            env = {**git.environment(), **_AUTHOR, "GIT_DIR": str(bare), "GIT_WORK_TREE": str(tree)}
            git.output(["add", "--all", "--force"], directory=tree, env=env)
            git.output(["commit", "--quiet", f"--message={_MESSAGE}"], directory=tree, env=env)
            (bare / "index").unlink()
        bare.rename(directory)


def _configure(directory: Path, branch: str) -> None:
    for name, value in {**_SETTINGS, "datasurface.branch": branch}.items():
        git.output(["config", "--file", str(directory / "config"), name, value], directory=directory)
    _write(directory / "info" / "attributes", _ATTRIBUTES, mode=0o644)
    command = f"{shlex.quote(sys.executable)} -I -c 'from datasurface.cli.main import main; main()' modelrepo hook"
    _write(directory / "hooks" / "pre-receive", f"#!/bin/sh\nexec {command}\n", mode=0o755)


def _write(path: Path, text: str, *, mode: int) -> None:
    """In one step: a push may be under way."""
    path.parent.mkdir(exist_ok=True)
    next_path = path.with_name(f".{path.name}.next")
    next_path.write_text(text)
    next_path.chmod(mode)
    os.replace(next_path, path)
