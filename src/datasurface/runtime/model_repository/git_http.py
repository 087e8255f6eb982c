"""git over HTTP for one repository: asks who it is, and hands the request to git's own http-backend.

Three kinds of request are let through, those of git's smart protocol. What a push may bring is for the repository's
hook to say.
"""

import os
import re
import threading
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from datasurface.runtime import git, logs
from datasurface.runtime.model_repository import basic_auth
from datasurface.runtime.model_repository.bare_repository import PUSH_BYTES
from datasurface.runtime.model_repository.cgi_bridge import CgiAnswer, CgiFailed
from datasurface.runtime.settings import PREFIX
from datasurface.runtime.web_server import answer, is_health_check

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

#: A push waits for its check, which may wait for other loads.
REQUEST_SECONDS: Final = 600.0
_LOADER_VARIABLE: Final = f"{PREFIX}HOOK_LOADER"
#: Other pushes that are checked first.
PUSH_WAIT_SECONDS: Final = 120.0
#: Pushes that are checked or wait; more are sent away, so that a worker of the server is left for others.
PUSHES_AT_ONCE: Final = 4
_SERVICES: Final = ("git-upload-pack", "git-receive-pack")
#: What the CGI standard and git's backend read, as WSGI has it.
_PASSED: Final = (
    "REQUEST_METHOD",
    "PATH_INFO",
    "QUERY_STRING",
    "CONTENT_TYPE",
    "CONTENT_LENGTH",
    "REMOTE_ADDR",
    "SERVER_PROTOCOL",
    "HTTP_CONTENT_ENCODING",
    "HTTP_GIT_PROTOCOL",
    "HTTP_USER_AGENT",
)
_PROTOCOL: Final = re.compile(r"version=[0-2](:[a-z0-9=:._-]{0,100})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHttp:
    """The WSGI application. `directory` is the bare repository, served under its own name.

    One push is checked at a time: each takes the memory of a model.
    """

    directory: Path
    credentials: Path
    loader: str
    _push: threading.Lock = field(default_factory=threading.Lock)
    _places: threading.Semaphore = field(default_factory=lambda: threading.BoundedSemaphore(PUSHES_AT_ONCE))

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request; what goes wrong is told by a status alone."""
        if is_health_check(environ):
            return answer(start_response, "200 OK" if self._is_there() else "503 Service Unavailable")
        try:
            user = basic_auth.user_of(environ.get("HTTP_AUTHORIZATION"), self.credentials)
        except OSError as error:
            logs.logger("model-repo").error("the credentials cannot be read", problem=error.strerror)
            return answer(start_response, "503 Service Unavailable")
        if user is None:
            return answer(start_response, "401 Unauthorized", b"who are you?\n", [basic_auth.CHALLENGE])
        if not self._is_served(environ):
            return answer(start_response, "404 Not Found")
        return self._by_git(environ, start_response, user)

    def _by_git(self, environ: "WSGIEnvironment", start_response: "StartResponse", user: str) -> Iterable[bytes]:
        is_push = environ["REQUEST_METHOD"] == "POST" and environ["PATH_INFO"].endswith("/git-receive-pack")
        turn = ExitStack()
        try:
            if is_push and not self._has_turn(turn):
                turn.close()
                return answer(start_response, "503 Service Unavailable", headers=[("Retry-After", "10")])
            variables = self._environment(environ, user)
            command, body = ["git", "http-backend"], environ["wsgi.input"]
            cgi = CgiAnswer(command, variables, body, timeout_seconds=REQUEST_SECONDS, at_end=turn.close)
        except CgiFailed as error:
            logs.logger("model-repo").error("git gave no answer", problem=str(error))
            return answer(start_response, "502 Bad Gateway")
        except BaseException:
            turn.close()
            raise
        try:
            start_response(cgi.status, cgi.headers)
        except BaseException:
            cgi.close()
            raise
        return cgi

    def _has_turn(self, turn: ExitStack) -> bool:
        """Take a place among the pushes and wait for the turn; `turn` gives both back, once, when it is closed."""
        if not self._places.acquire(blocking=False):
            return False
        turn.callback(self._places.release)
        if not self._push.acquire(timeout=PUSH_WAIT_SECONDS):
            return False
        turn.callback(self._push.release)
        return True

    def _is_there(self) -> bool:
        return (self.directory / "HEAD").is_file()

    def _is_served(self, environ: "WSGIEnvironment") -> bool:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        place = f"/{self.directory.name}"
        if method == "GET" and path == f"{place}/info/refs":
            return environ["QUERY_STRING"] in {f"service={service}" for service in _SERVICES}
        return method == "POST" and path in {f"{place}/{service}" for service in _SERVICES}

    def _environment(self, environ: "WSGIEnvironment", user: str) -> dict[str, str]:
        """Variables for git, and for the hook that it starts."""
        passed = {name: str(environ[name]) for name in _PASSED if environ.get(name)}
        protocol = passed.pop("HTTP_GIT_PROTOCOL", "")
        if _PROTOCOL.fullmatch(protocol):
            passed["GIT_PROTOCOL"] = passed["HTTP_GIT_PROTOCOL"] = protocol
        variables = {
            **git.environment({"receive.maxInputSize": str(PUSH_BYTES)}),
            **passed,
            "GATEWAY_INTERFACE": "CGI/1.1",
            "GIT_PROJECT_ROOT": str(self.directory.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REMOTE_USER": user,
            _LOADER_VARIABLE: self.loader,
        }
        return variables | {name: os.environ[name] for name in ("TMPDIR",) if name in os.environ}
