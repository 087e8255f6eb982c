"""Credential directories of the installation's logins: read where they are, made where they are missing."""

import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path

from datasurface.connections import Login, read_login
from datasurface.errors import ModelError


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginFiles:
    """A login and whether its password was made just now."""

    login: Login
    is_new: bool


def ensure_login(directory: Path, username: str) -> LoginFiles:
    """The login of a credential directory; what is missing of directory (0700) and files (0600) is made.

    Raises ModelError if the files name another user than `username`, or cannot be read or made.
    """
    is_new = _filled(directory, username)
    login = read_login(directory, fix="Give another directory by `--credentials`, or repair the file")
    if login.username != username:
        raise ModelError(
            f"credential file {directory / 'username'} does not hold {username}",
            fix=f"Write {username} into it, or give the prefix of the roles by `--prefix`",
        )
    return LoginFiles(login=login, is_new=is_new)


def _filled(directory: Path, username: str) -> bool:
    """Whether a password was made; where both files are there, such as in a mounted secret, nothing is written."""
    missing = [file for file in (directory / "username", directory / "password") if not file.exists()]
    if not missing:
        return False
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_if_missing(directory / "username", username)
        return _write_if_missing(directory / "password", secrets.token_urlsafe(24))
    except OSError as error:
        raise ModelError(
            f"credential file {missing[0]} is missing, and cannot be made there: {error.strerror}",
            fix="Put it there, or give `--credentials` a directory that can be written",
        ) from None


def _write_if_missing(file: Path, text: str) -> bool:
    """Whether the file was made; it appears whole or not at all, for a second process may read it at once."""
    if file.exists():
        return False
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=file.parent, prefix=".new-") as stream:
        stream.write(f"{text}\n")
        stream.flush()
        try:
            os.link(stream.name, file)
        except FileExistsError:
            return False
    return True
