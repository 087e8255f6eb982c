"""Serves a small WSGI application by waitress, within limits, until the process is asked to end.

Which application, and what it answers, is the caller's matter. Requests are received in full, to disk where they are
large, before the application sees them, and answers are sent from a buffer: a slow client holds no worker.
"""

import contextlib
import logging
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Final

from waitress.server import create_server

from datasurface.errors import ModelError, TransientError
from datasurface.runtime import logs

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MIB: Final = 1024 * 1024
MAX_PORT: Final = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """Where a server listens; port 0 takes any that is free."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLimits:
    """What clients may take. `idle_seconds` is how long one may send or take nothing at all."""

    request_bytes: int
    answer_bytes: int = 64 * MIB
    threads: int = 8
    connections: int = 100
    idle_seconds: int = 60


def bind_of(text: str) -> Bind:
    """`0.0.0.0:8080` or `[::]:8080`. Raises ModelError for anything else."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > MAX_PORT:
        raise ModelError(f"{text} is no address to listen at", fix="Give it as HOST:PORT, like 0.0.0.0:8080")
    return Bind(host=host, port=int(port))


def serve(application: "WSGIApplication", bind: Bind, limits: ServerLimits, *, name: str) -> None:
    """Serve until SIGTERM or SIGINT; requests under way get a few seconds. Raises TransientError if the port is taken.

    Must be called in the main thread.
    """
    log = logs.logger(name)
    logging.getLogger("waitress").addHandler(_Forwarding(name))
    try:
        server = create_server(
            application,
            host=bind.host,
            port=bind.port,
            threads=limits.threads,
            connection_limit=limits.connections,
            channel_timeout=limits.idle_seconds,
            cleanup_interval=max(1, min(30, limits.idle_seconds // 2)),
            max_request_body_size=limits.request_bytes,
            outbuf_high_watermark=limits.answer_bytes,
            ident="datasurface",
            clear_untrusted_proxy_headers=True,
        )
    except OSError as error:
        raise TransientError(f"cannot listen at {bind.host}:{bind.port}: {error.strerror}") from error
    signal.signal(signal.SIGTERM, _end)
    log.info("serving", host=bind.host, port=int(getattr(server, "effective_port", bind.port)))
    with contextlib.suppress(SystemExit):
        server.run()
    log.info("asked to end")


def answer(
    start_response: "StartResponse", status: str, body: bytes = b"", headers: Iterable[tuple[str, str]] = ()
) -> list[bytes]:
    """A short answer of plain text, or of the type that `headers` say."""
    given = list(headers)
    if not any(name.lower() == "content-type" for name, _ in given):
        given.append(("Content-Type", "text/plain; charset=utf-8"))
    start_response(status, [*given, ("Content-Length", str(len(body)))])
    return [body]


def is_health_check(environ: "WSGIEnvironment") -> bool:
    """Whether the cluster asks how we are."""
    return environ["PATH_INFO"] == "/healthz" and environ["REQUEST_METHOD"] in ("GET", "HEAD")


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit


class _Forwarding(logging.Handler):
    """What the server itself says goes to our log, errors without their text: that may quote a request."""

    def __init__(self, name: str) -> None:
        super().__init__(level=logging.WARNING)
        self._log = logs.logger(name)

    def emit(self, record: logging.LogRecord) -> None:
        """Log the server's sentence, and of an error its frames."""
        error = record.exc_info[1] if record.exc_info else None
        self._log.warning("web server", says=str(record.msg)[:200], exc_info=error)
