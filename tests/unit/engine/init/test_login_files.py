"""Credential directories: made where they are missing, read where they are."""

import stat
from pathlib import Path

import pytest

from datasurface.errors import ModelError
from datasurface.yellow.engine.init.login_files import ensure_login


def test_a_missing_directory_is_made_and_closed(tmp_path: Path) -> None:
    """Directory 0700, files 0600, a long password that is new each time, no file beside them."""
    first, second = ensure_login(tmp_path / "a", "ds_job"), ensure_login(tmp_path / "b", "ds_job")

    assert (first.is_new, first.login.username) == (True, "ds_job")
    assert len(first.login.password) >= 32
    assert first.login.password != second.login.password
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700
    assert {file.name: stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "a").iterdir()} == {
        "username": 0o600,
        "password": 0o600,
    }


def test_a_present_directory_is_read(tmp_path: Path) -> None:
    """The same login comes back, and it is not new."""
    made = ensure_login(tmp_path / "a", "ds_job")

    again = ensure_login(tmp_path / "a", "ds_job")

    assert again.login == made.login
    assert not again.is_new


def test_a_given_password_alone_is_completed(tmp_path: Path) -> None:
    """A site may give the password and leave the name to us."""
    (tmp_path / "password").write_text("given")

    files = ensure_login(tmp_path, "ds_job")

    assert (files.login.username, files.login.password, files.is_new) == ("ds_job", "given", False)


def test_another_users_files_are_refused(tmp_path: Path) -> None:
    """The message says which name is expected and where the other one stands."""
    ensure_login(tmp_path, "somebody")

    with pytest.raises(ModelError, match=r"username does not hold ds_job.*--prefix"):
        ensure_login(tmp_path, "ds_job")


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A file in the way is told with its path."""
    (tmp_path / "file").write_text("")

    with pytest.raises(ModelError, match=r"file/a/username is missing, and cannot be made there: Not a dir"):
        ensure_login(tmp_path / "file" / "a", "ds_job")
