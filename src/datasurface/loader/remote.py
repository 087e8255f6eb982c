"""Has eco.py run by the loader service, and gives what came of it: everything around it is as on a shell.

A loader that is away, busy or breaks off is a transient error. Nothing of the answer is read here.
"""

import contextlib
import http.client
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final
from urllib.parse import urlsplit

from datasurface.errors import ModelError, TransientError
from datasurface.loader import load_answer, tree_archive
from datasurface.loader.limits import Limits
from datasurface.loader.model_process import Outcome
from datasurface.loader.tree import TreeTooLarge

Runner = Callable[[Path, Path, Limits], Outcome]

CONNECT_SECONDS: Final = 10.0
#: Other loads that are served first, and the way there and back.
QUEUE_SECONDS: Final = 120.0
_IN_MEMORY_BYTES: Final = 1024 * 1024
_FIX: Final = "Try again; the loader's own log says more"


class LoaderAway(TransientError):
    """The loader could not be asked, or said that it cannot serve now."""


class LoaderBroke(TransientError):
    """The loader took the model and then broke off: something ended it while eco.py ran."""


def runner(url: str) -> Runner:
    """A runner that asks the loader at `url`, like http://host:8080. Raises ModelError for another kind of address."""
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname or parts.username or parts.query or parts.path not in ("", "/"):
        raise ModelError(f"{url} is no address of a loader", fix="Give it as http://host:port")
    host, port = parts.hostname, parts.port or 80

    def run(model: Path, _scratch: Path, limits: Limits) -> Outcome:
        with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as archive:
            tree_archive.pack(model, archive)
            return _asked(host, port, archive, limits)

    return run


def _asked(host: str, port: int, archive: IO[bytes], limits: Limits) -> Outcome:
    place = f"the loader at {host}:{port}"
    size = archive.tell()
    archive.seek(0)
    connection = http.client.HTTPConnection(host, port, timeout=CONNECT_SECONDS)
    with contextlib.closing(connection):
        try:
            connection.connect()
        except OSError as error:
            raise LoaderAway(f"{place} cannot be reached: {error.strerror or error}", fix=_FIX) from error
        connection.sock.settimeout(limits.wall_seconds + QUEUE_SECONDS)
        try:
            headers = {"Content-Type": "application/x-tar", "Content-Length": str(size)}
            # One that refuses what we send answers and closes before it has read all.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.request("POST", "/load", body=archive, headers=headers)
            response = connection.getresponse()
            body = response.read(load_answer.largest_bytes(limits) + 1)
        except (OSError, http.client.HTTPException) as error:
            raise LoaderBroke(f"{place} broke off ({type(error).__name__})", fix=_FIX) from error
    return _outcome(place, response.status, body, limits)


def _outcome(place: str, status: int, body: bytes, limits: Limits) -> Outcome:
    if status == http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        raise TreeTooLarge("has more than the loader takes")
    if status != http.HTTPStatus.OK:
        raise LoaderAway(f"{place} answers with status {status}", fix=_FIX)
    try:
        return load_answer.decoded(body, limits)
    except load_answer.InvalidAnswer as error:
        raise LoaderAway(f"{place} answers with something else: {error}", fix=_FIX) from error
