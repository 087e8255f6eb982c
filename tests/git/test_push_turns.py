"""Pushes are checked one at a time: the turn comes back whatever goes wrong, and those who wait hold up nobody else."""

import base64
import threading
from collections.abc import Callable
from io import BytesIO

import pytest

from datasurface.runtime.model_repository import git_http
from datasurface.runtime.model_repository.git_http import GitHttp
from tests.git.repositories import PASSWORD, USERNAME, made
from tests.git.services import until


@pytest.fixture
def application(tmp_path, monkeypatch) -> GitHttp:
    """The application in this process, in front of an empty repository."""
    monkeypatch.setattr(git_http, "PUSH_WAIT_SECONDS", 0.2)
    made(tmp_path / "model.git", None)
    (tmp_path / "username").write_text(USERNAME)
    (tmp_path / "password").write_text(PASSWORD)
    return GitHttp(directory=tmp_path / "model.git", credentials=tmp_path, loader="http://127.0.0.1:1")


def asked(application: GitHttp, method: str, path: str, started: Callable[..., object] | None = None) -> str:
    """The status of the answer to a request, which is read to its end."""
    said: list[str] = []
    login = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "HTTP_AUTHORIZATION": f"Basic {login}",
        "CONTENT_TYPE": "application/x-git-receive-pack-request",
        "CONTENT_LENGTH": "4",
        "wsgi.input": BytesIO(b"0000"),
    }
    answer = application(environ, started or (lambda status, _headers: said.append(status)))
    try:
        b"".join(answer)
    finally:
        getattr(answer, "close", lambda: None)()
    return said[0]


def push(application: GitHttp, started: Callable[..., object] | None = None) -> str:
    return asked(application, "POST", "/model.git/git-receive-pack", started)


def fail(*_arguments: object, **_more: object) -> None:
    raise RuntimeError("can't start new thread")


def test_a_turn_comes_back_where_no_thread_can_start(application, monkeypatch):
    """git ends, the author is told, and the next push is served."""
    with monkeypatch.context() as short:
        short.setattr(threading.Thread, "start", fail)
        assert push(application).startswith("502 ")

    assert push(application) == "200 OK"


@pytest.mark.parametrize("broken", ["_environment", "start_response"])
def test_a_turn_comes_back_after_any_error(application, monkeypatch, broken):
    """Before git runs and after it has begun to answer."""
    with monkeypatch.context() as short:
        if broken == "_environment":
            short.setattr(GitHttp, broken, fail)
        with pytest.raises(RuntimeError):
            push(application, fail)

    assert push(application) == "200 OK"


@pytest.mark.row("M02", kind="refusal")
def test_of_many_pushes_most_are_sent_away_at_once(application, monkeypatch):
    """Some wait for their turn; the server's other workers stay free for a probe and for reading."""
    monkeypatch.setattr(git_http, "PUSH_WAIT_SECONDS", 60)
    told: list[str] = []
    threads = [threading.Thread(target=lambda: told.append(push(application)), daemon=True) for _ in range(8)]
    with application._push:
        for thread in threads:
            thread.start()
        until(lambda: len(told) == 8 - git_http.PUSHES_AT_ONCE)
        assert asked(application, "GET", "/healthz") == "200 OK"
    for thread in threads:
        thread.join(30)

    assert sorted(told) == ["200 OK"] * git_http.PUSHES_AT_ONCE + ["503 Service Unavailable"] * 4
