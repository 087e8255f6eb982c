"""Runs other programs, and says what is wrong in a sentence with its cure."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class Unready(Exception):
    """Something the platform needs is not there; `fix` says what to do."""

    def __init__(self, what: str, *, fix: str) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix


class ProgramFailed(Unready):
    """A program ended with another exit status than 0; `what` holds the last lines it wrote."""


def output_of(arguments: Sequence[str | Path], *, timeout_seconds: float = 60, stdin: str | None = None) -> str:
    """Give what a program writes to standard output, without the final newline; raise ProgramFailed."""
    command = [str(argument) for argument in arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout_seconds, input=stdin, check=False
        )
    except FileNotFoundError as error:
        raise ProgramFailed(f"there is no program {command[0]}", fix="install it, or put it on PATH") from error
    except subprocess.TimeoutExpired as error:
        raise ProgramFailed(
            f"{_title(command)} gave no answer in {timeout_seconds:.0f} s", fix="try it by hand"
        ) from error
    if done.returncode:
        last_words = "\n".join((done.stderr or done.stdout).strip().splitlines()[-8:])
        raise ProgramFailed(f"{_title(command)} failed: {last_words}", fix="the lines above are the program's own")
    return done.stdout.rstrip("\n")


def run(arguments: Sequence[str | Path], *, environment: Mapping[str, str] | None = None) -> None:
    """Run a program whose output goes straight to the terminal; raise ProgramFailed when it fails."""
    command = [str(argument) for argument in arguments]
    try:
        status = subprocess.run(command, env=environment, check=False).returncode
    except FileNotFoundError as error:
        raise ProgramFailed(f"there is no program {command[0]}", fix="install it, or put it on PATH") from error
    if status:
        raise ProgramFailed(f"{_title(command)} ended with exit status {status}", fix="its own words stand above")


def programs_on_path(name: str) -> list[Path]:
    """List every executable of this name on PATH, in the order of PATH, the same file once."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    found = [shutil.which(name, path=folder) for folder in folders if folder]
    return list({Path(path).resolve(): Path(path) for path in reversed(found) if path}.values())[::-1]


def _title(command: Sequence[str]) -> str:
    """The program and its verb, enough to know it by; arguments may be long."""
    return " ".join([Path(command[0]).name, *command[1:3]])
