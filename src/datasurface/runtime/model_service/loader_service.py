"""POST /load: an archive of a model's tree comes in, how eco.py ended goes out. GET /healthz.

Models run one at a time, each in a directory of its own that goes with it, as does all that a model left in directories
that are the service's alone. The log has sizes and times and nothing of a model. Whether an answer is a model is not
looked at here.
"""

import contextlib
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from datasurface.loader import load_answer, model_process, tree_archive
from datasurface.loader.limits import Limits
from datasurface.loader.model_process import Outcome
from datasurface.loader.remote import QUEUE_SECONDS
from datasurface.loader.tree import TreeTooLarge
from datasurface.loader.tree_archive import ArchiveRefused
from datasurface.runtime import logs
from datasurface.runtime.model_service import leftovers
from datasurface.runtime.model_service.own_process import FIRST_PID
from datasurface.runtime.web_server import answer, is_health_check

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

#: A caller that waits longer for its turn is told to come again, before it gives up by itself.
TURN_SECONDS: Final = QUEUE_SECONDS * 0.75
MIB: Final = 1024 * 1024
#: Processes of a model, beside everything else that runs as the same user on the node.
USER_PROCESSES: Final = 2000
#: What the service itself needs of its container's memory.
_OWN_BYTES: Final = 96 * MIB
_LEAST_BYTES: Final = 128 * MIB
#: Where a container reads its memory limit, by the version of control groups.
_CONTAINER_LIMITS: Final = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def service_limits(container_limits: Sequence[Path] = _CONTAINER_LIMITS) -> Limits:
    """The loader's limits, with as much memory for a model as the container has beside the service."""
    limits = Limits(user_processes=USER_PROCESSES)
    for path in container_limits:
        with contextlib.suppress(OSError, ValueError):
            memory = max(_LEAST_BYTES, min(limits.memory_bytes, int(path.read_text()) - _OWN_BYTES))
            return replace(limits, memory_bytes=memory)
    return limits


@dataclass(kw_only=True)
class LoaderService:
    """The WSGI application. `own_directories` are nobody else's: all that they hold goes now and after each load.

    `is_closed_to_own_pod` refuses loads that come from an address of the pod: only a model would ask for them there.
    """

    limits: Limits
    own_directories: Sequence[Path] = ()
    is_closed_to_own_pod: bool = False
    run: Callable[[Path, Path, Limits], Outcome] = model_process.run
    turn_seconds: float = TURN_SECONDS
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._wipe()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request; what goes wrong is told by a status alone."""
        if is_health_check(environ):
            return answer(start_response, "200 OK", b"ok\n")
        refusal = self._refusal(environ)
        if refusal is not None:
            return answer(start_response, refusal)
        try:
            return self._load(environ, start_response)
        except ArchiveRefused as error:
            return answer(start_response, "400 Bad Request", f"{error}\n".encode())
        except TreeTooLarge as error:
            return answer(start_response, "413 Content Too Large", f"it {error}\n".encode())
        except Exception as error:
            logs.logger("loader").error("a load failed", exc_info=error)
            return answer(start_response, "500 Internal Server Error")

    def _load(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if not self._turn.acquire(timeout=self.turn_seconds):
            return answer(start_response, "503 Service Unavailable", headers=[("Retry-After", "5")])
        try:
            outcome = self._outcome(environ["wsgi.input"], int(environ["CONTENT_LENGTH"]))
        finally:
            try:
                self._wipe()
            finally:
                self._turn.release()
        start_response("200 OK", [("Content-Type", "application/json"), ("Cache-Control", "no-store")])
        return load_answer.encoded(outcome)

    def _outcome(self, archive: IO[bytes], archive_bytes: int) -> Outcome:
        begun = time.monotonic()
        with _private_directory() as private:
            model, scratch = private / "model", private / "scratch"
            unpacked = tree_archive.unpack(archive, model, self.limits)
            scratch.mkdir()
            try:
                outcome = self.run(model, scratch, self.limits)
            finally:
                _end_what_is_left()
        logs.logger("loader").info(
            "loaded",
            archive_bytes=archive_bytes,
            files=unpacked.files,
            content_bytes=unpacked.content_bytes,
            answer_bytes=len(outcome.answer),
            printed_bytes=outcome.printed_bytes,
            status=outcome.status,
            is_late=outcome.is_late,
            seconds=round(time.monotonic() - begun, 3),
        )
        return outcome

    def _refusal(self, environ: "WSGIEnvironment") -> str | None:
        """The status of a request that is none to load."""
        if environ["PATH_INFO"] != "/load":
            return "404 Not Found"
        if environ["REQUEST_METHOD"] != "POST":
            return "405 Method Not Allowed"
        if self.is_closed_to_own_pod and _is_own(environ["REMOTE_ADDR"]):
            return "403 Forbidden"
        return None if environ.get("CONTENT_LENGTH") else "411 Length Required"

    def _wipe(self) -> None:
        for directory in self.own_directories:
            if not leftovers.empty(directory):
                logs.logger("loader").warning("something of a load stays", directory=str(directory))


def _is_own(address: str) -> bool:
    """Whether an address is one of this pod: only those can be bound to."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family) as bound:
        bound.bind((address, 0))
        return True
    return False


@contextlib.contextmanager
def _private_directory() -> Iterator[Path]:
    """A directory that goes again, also where a model took the rights on its own files away."""
    private = Path(tempfile.mkdtemp(prefix="datasurface-load-"))
    try:
        yield private
    finally:
        leftovers.empty(private)
        with contextlib.suppress(OSError):
            private.rmdir()


def _end_what_is_left() -> None:
    """As a container's first process: end every other one at once, however fast they fork, and reap them."""
    if os.getpid() != FIRST_PID:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
