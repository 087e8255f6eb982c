"""The embedded model repository, by git itself over HTTP."""

import base64
import os
import re
import threading
import time

import pytest

from tests.git.repositories import DEMO, PASSWORD, USERNAME, git, made, served
from tests.git.services import small_loader


@pytest.mark.row("M02", "Q01")
def test_a_right_push_is_taken_and_told_so(repository, author):
    """The author's terminal says that nothing is wrong, and another clone has the commit."""
    revision = author.commit("notes.md", "more")

    status, told = author.push()

    assert status == 0, told
    assert "remote: datasurface: 0 findings" in told
    assert repository.head() == revision


@pytest.mark.row("M02", "Q01", kind="refusal")
def test_a_wrong_push_is_refused_with_its_findings(repository, author):
    """What is wrong, where and what to do stand in the author's own terminal; the branch stays."""
    before = repository.head()
    author.replace("dsg_platform_mapping.json", '"YellowLive"', '"YelowLive"')

    status, told = author.push()

    assert status == 1
    assert f"remote: datasurface: 1 finding, nothing changes (main stays {before[:7]})\n" in told
    assert re.search(r"remote:   DS301 dsg_platform_mapping\.json:\d+\nremote: {9}names platform .*YelowLive", told)
    assert 'did you mean "YellowLive"?' in told
    assert "docs/lint.md#ds301" in told
    assert "[remote rejected] main -> main" in told
    assert max(map(len, told.splitlines())) <= 100
    assert repository.head() == before


@pytest.mark.row("Q01", kind="refusal")
def test_a_push_that_breaks_what_consumers_have_is_refused(repository, author):
    """The tree that the branch has is what the new one is compared with."""
    source = (author.clone / "eco.py").read_text()
    line = next(each for each in source.splitlines() if '"phone"' in each)
    author.commit("eco.py", source.replace(line + "\n", ""))

    status, told = author.push()

    assert status == 1
    assert "DS203 Test/USA/team1/Store1/customers/phone" in told


@pytest.mark.row("M02", kind="refusal")
def test_a_model_that_does_not_run_is_refused(repository, author):
    """The line of eco.py is named."""
    author.commit("eco.py", "def create_ecosystem():\n    return 1 / 0\n")

    status, told = author.push()

    assert status == 1
    assert "DS002 eco.py:2" in told
    assert "ZeroDivisionError" in told


def test_other_branches_are_where_changes_are_looked_at(repository, author):
    """A branch that is not deployed takes anything, may be forced and deleted."""
    author.commit("eco.py", "rubbish")
    assert author.push("origin", "HEAD:refs/heads/try")[0] == 0
    author.git("commit", "--quiet", "--amend", "--message", "again")
    assert author.push("--force", "origin", "HEAD:refs/heads/try")[0] == 0
    assert repository.head("try") == author.revision()
    assert author.push("origin", ":refs/heads/try")[0] == 0
    assert repository.head("try") == ""


@pytest.mark.row("Q01", kind="refusal")
def test_what_was_deployed_does_not_vanish(repository, author):
    """The branch neither goes back nor away, with or without force."""
    before = repository.head()
    author.commit("notes.md", "more")
    assert author.push()[0] == 0
    deployed = repository.head()
    author.git("reset", "--quiet", "--hard", before)
    author.commit("notes.md", "other")

    forced, deleted = author.push("--force"), author.push("origin", ":main")

    assert (forced[0], deleted[0]) == (1, 1)
    assert "main only goes forward, nothing changes" in forced[1]
    assert "cannot be deleted" in deleted[1]
    assert repository.head() == deployed


def test_a_wrong_part_of_a_push_refuses_the_whole(repository, author):
    """git takes all references of a push or none."""
    before = repository.head()
    author.commit("eco.py", "rubbish")

    assert author.push("origin", "HEAD:refs/heads/try", "HEAD:refs/heads/main")[0] == 1
    assert (repository.head(), repository.head("try")) == (before, "")


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


def test_a_big_push_goes_through(repository, author, author_of):
    """Many megabytes, sent in chunks of unknown number, arrive whole in another clone."""
    content = os.urandom(12_000_000)
    author.commit("data.bin", content)

    status, told = author.push()

    assert status == 0, told
    assert (author_of("bob").clone / "data.bin").read_bytes() == content


def test_of_two_pushes_at_once_one_wins(repository, author, author_of):
    """The other one is told to fetch first, and nothing is lost."""
    authors = [author, author_of("bob"), author_of("eve")]
    revisions = [each.commit(f"{each.name}.md", each.name) for each in authors]
    results: list[tuple[int, str]] = []
    threads = [threading.Thread(target=lambda each=each: results.append(each.push())) for each in authors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(status for status, _ in results) == [0, 1, 1]
    assert repository.head() in revisions


def test_attributes_of_a_tree_hide_nothing_from_the_check(repository, author):
    """What the branch would hold is what is checked, also where the tree asks to leave a file out."""
    author.commit("dsg_platform_mapping.json", "rubbish")
    author.commit(".gitattributes", "dsg_platform_mapping.json export-ignore\n")

    status, told = author.push()

    assert status == 1
    assert "dsg_platform_mapping.json" in told
    assert "is missing" not in told


def test_a_link_out_of_the_tree_is_refused(repository, author):
    """The finding says so."""
    (author.clone / "outside").symlink_to("/etc/passwd")
    author.commit("notes.md", "x")

    status, told = author.push()

    assert status == 1
    assert "DS001 ." in told
    assert "a link that leads out of it" in told


@pytest.mark.row("M02", kind="refusal")
def test_a_loader_that_is_away_refuses_and_says_try_again(tmp_path, service):
    """Nothing unchecked gets in; nothing is lost but a moment."""
    with small_loader(tmp_path / "log") as away:
        url = away.url
    with served(tmp_path, DEMO, url) as repository:
        from tests.git.repositories import Author

        author = Author.cloned(repository.address(), tmp_path / "ann", "ann")
        before = author.revision()
        author.commit("notes.md", "x")
        status, told = author.push()

    assert status == 1
    assert "datasurface: the push cannot be checked now, nothing changes: the loader at" in told
    assert "try again in a moment" in told
    assert repository.head() == before


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
