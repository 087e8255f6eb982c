"""Calls git: with an environment of its own, so that nobody's configuration has a say, and within a time.

What is asked of git, and what the answer means, is the callers' matter.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from datasurface.errors import TransientError

TIMEOUT_SECONDS: Final = 30.0
_TOLD_CHARACTERS: Final = 300


class GitFailed(TransientError):
    """git could not do what it was asked; the message has its own last words."""


def environment(settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """Variables for a git process: no configuration but the repository's own and `settings`, and no questions.

    Directories of other users are allowed: a volume is written by one container and read by another.
    """
    config = {"safe.directory": "*", "log.showSignature": "false", **(settings or {})}
    numbered = {
        name: value
        for number, pair in enumerate(config.items())
        for name, value in zip((f"GIT_CONFIG_KEY_{number}", f"GIT_CONFIG_VALUE_{number}"), pair, strict=True)
    }
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        # Anybody may push references that let objects stand for others.
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_CONFIG_COUNT": str(len(config)),
        **numbered,
    }


def output(
    arguments: Sequence[str],
    *,
    directory: Path,
    env: Mapping[str, str] | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> bytes:
    """What `git arguments` prints. Raises GitFailed."""
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=directory,
            env=dict(env) if env is not None else environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise GitFailed(f"git {arguments[0]} did not end within {timeout_seconds:g} s") from error
    except OSError as error:
        raise GitFailed(f"git cannot be run: {error.strerror}") from error
    if done.returncode != 0:
        said = " ".join(done.stderr.decode(errors="replace").split())[-_TOLD_CHARACTERS:]
        raise GitFailed(f"git {arguments[0]} ended with status {done.returncode}: {said}")
    return done.stdout
