"""The embedded model repository: who comes in, what is served, how it begins."""

import base64
import os
import time

import pytest
from click.testing import CliRunner

from datasurface.cli.main import cli
from tests.git.repositories import DEMO, PASSWORD, USERNAME, Author, git, made, served


@pytest.mark.parametrize("login", [(USERNAME, "wrong"), ("somebody", PASSWORD), (USERNAME, "")])
@pytest.mark.row("M02", kind="refusal")
def test_nobody_comes_in_without_the_password(repository, author, tmp_path, login):
    """Neither reading nor pushing; the answer says which kind of login is asked for."""
    address = repository.address(*login)

    cloned = git(tmp_path, "clone", "--quiet", address, "other")
    pushed = author.push(address, "HEAD:refs/heads/try")

    assert (cloned.returncode != 0, pushed[0] != 0) == (True, True)
    assert "Authentication failed" in cloned.stderr
    assert repository.head("try") == ""


def basic(text: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize(
    "header", [{}, {"Authorization": "Bearer x"}, {"Authorization": "Basic ?"}, {"Authorization": "Basic"}, basic(":")]
)
def test_a_login_of_another_kind_is_401(repository, header):
    """Also where the header is rubbish."""
    assert repository.service.status_of("/model.git/info/refs?service=git-upload-pack", **header) == 401


def test_the_password_may_change_while_it_serves(repository, tmp_path):
    """The files are read for each request; without them nobody comes in."""
    (repository.credentials / "password").write_text("other")
    assert git(tmp_path, "ls-remote", repository.address()).returncode == 0
    assert git(tmp_path, "ls-remote", repository.address(password=PASSWORD)).returncode != 0
    (repository.credentials / "password").write_text("")
    assert git(tmp_path, "ls-remote", repository.address()).returncode != 0
    (repository.credentials / "password").unlink()
    assert repository.service.status_of("/model.git/info/refs?service=git-upload-pack", **basic("author:")) == 503


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/other.git/info/refs?service=git-upload-pack",
        "/model.git/config",
        "/model.git/HEAD",
        "/model.git/objects/info/packs",
        "/model.git/info/refs",
        "/model.git/info/refs?service=git-upload-archive",
        "/model.git/../model.git/config",
        "/%2e%2e/model.git/HEAD",
        "//model.git/hooks/pre-receive",
    ],
)
def test_nothing_else_is_served(repository, path):
    """One repository, three kinds of request."""
    assert repository.service.status_of(path, **basic(f"{USERNAME}:{PASSWORD}")) == 404


def test_healthz_needs_no_login(repository):
    """A probe gets its answer."""
    assert repository.service.status_of("/healthz") == 200


def test_a_fetch_by_a_clone_that_is_ahead_goes_through(repository, author, author_of):
    """git packs its questions where there are many; they are understood."""
    other = author_of("bob")
    theirs = other.commit("bob.md", "bob")
    assert other.push()[0] == 0
    for number in range(120):
        author.git("commit", "--quiet", "--allow-empty", "--message", f"commit {number}")

    author.git("fetch", "--quiet")

    assert author.git("rev-parse", "origin/main").strip() == theirs


def test_a_repository_may_begin_empty(tmp_path, service):
    """Whatever is pushed first becomes the branch, if it is right."""
    with served(tmp_path, None, service.url) as repository:
        author = Author.cloned(repository.address(), tmp_path / "ann", "ann")
        author.commit("eco.py", "rubbish")
        refused = author.push("origin", "HEAD:refs/heads/main")
        for name in ("eco.py", "dsg_platform_mapping.json"):
            author.commit(name, (DEMO / name).read_text())
        taken = author.push("origin", "HEAD:refs/heads/main")

    assert refused[0] == 1
    assert "nothing changes (there is no main yet)" in refused[1]
    assert taken[0] == 0, taken[1]
    assert repository.head() == author.revision()


@pytest.mark.parametrize("arguments", [["--branch", "a..b"], ["--seed", "/nonexistent"]])
def test_a_repository_that_cannot_be_made_leaves_nothing(tmp_path, arguments):
    """A branch that is none, a seed that is none: the message says so."""
    command = ["modelrepo", "init", "--directory", str(tmp_path / "model.git"), "--seed", str(DEMO), *arguments]

    result = CliRunner().invoke(cli, command)

    assert result.exit_code == 1
    assert "error: " in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_something_else_in_the_place_is_left_alone(tmp_path):
    """A directory that is no repository is an operator's to look at."""
    (tmp_path / "model.git").mkdir()

    result = CliRunner().invoke(cli, ["modelrepo", "init", "--directory", str(tmp_path / "model.git")])

    assert result.exit_code == 3
    assert "is no git repository" in result.stderr


@pytest.mark.row("M02")
def test_the_repository_begins_with_the_seed_once(tmp_path, seed):
    """The first commit holds the files of a mounted ConfigMap; a second start changes nothing of it."""
    directory = tmp_path / "repository" / "model.git"

    first = made(directory, seed)
    tree = git(directory, "ls-tree", "-r", "main").stdout
    revision = git(directory, "rev-parse", "main").stdout
    (seed / "..data" / "eco.py").write_text("other")
    again = made(directory, seed)

    assert (first.endswith(" is made\n"), again.endswith(" is there; nothing of it changes\n")) == (True, True)
    assert [line.split()[0] for line in tree.splitlines()] == ["100644", "100644"]
    assert git(directory, "show", "main:eco.py").stdout == (DEMO / "eco.py").read_text()
    assert git(directory, "rev-parse", "main").stdout == revision
    assert [path.name for path in directory.parent.iterdir()] == ["model.git"]


def test_a_start_restores_hook_and_settings(tmp_path, seed):
    """They belong to the platform, the history to its authors."""
    directory = tmp_path / "model.git"
    made(directory, seed)
    (directory / "hooks" / "pre-receive").write_text("#!/bin/sh\nexit 0\n")
    git(directory, "config", "http.receivepack", "false")
    (directory.parent / ".model.git.crashed").mkdir()

    made(directory, seed)

    assert "modelrepo hook" in (directory / "hooks" / "pre-receive").read_text()
    assert git(directory, "config", "http.receivepack").stdout == "true\n"
    assert not (directory.parent / ".model.git.crashed").exists()


def test_a_client_that_goes_away_leaves_no_process(repository, author):
    """git's processes end with the request."""
    import socket

    import psutil

    header = basic(f"{USERNAME}:{PASSWORD}")["Authorization"]
    author.commit("data.bin", os.urandom(20_000_000))
    assert author.push()[0] == 0
    with socket.create_connection(("127.0.0.1", repository.service.port)) as client:
        body = b"0098want " + author.revision().encode() + b" side-band-64k ofs-delta agent=git/2 x" + b" " * 60 + b"\n"
        client.sendall(
            b"POST /model.git/git-upload-pack HTTP/1.1\r\nHost: x\r\nAuthorization: " + header.encode()
            + b"\r\nContent-Type: application/x-git-upload-pack-request\r\nContent-Length: "
            + str(len(body)).encode() + b"\r\n\r\n" + body
        )  # fmt: skip
    deadline = time.monotonic() + 10
    while psutil.Process(repository.service.process.pid).children(recursive=True):
        assert time.monotonic() < deadline
        time.sleep(0.05)
