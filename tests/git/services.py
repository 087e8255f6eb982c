"""The loader and the model repository as processes of their own, and what a client says to them."""

import http.client
import json
import os
import select
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CLI = ["-c", "from datasurface.cli.main import main; main()"]


@dataclass(kw_only=True)
class Service:
    """A process that listens."""

    process: subprocess.Popen[bytes]
    log: Path
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def logged(self) -> list[dict[str, Any]]:
        """Every line of the log so far."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.endswith("}")]

    def post(self, body: bytes, path: str = "/load", **headers: str) -> tuple[int, bytes]:
        """Status and body of the answer to a POST."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("POST", path, body=body, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def status_of(self, path: str, method: str = "GET", **headers: str) -> int:
        """Status of the answer to a request without a body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, headers=headers)
            return connection.getresponse().status
        finally:
            connection.close()


@contextmanager
def running(command: list[str], log: Path, prefix: tuple[str, ...] = (), **env: str) -> Iterator[Service]:
    """A service with an environment of its own, until the end of the block; then it has to end by itself."""
    environment = {"PATH": os.environ["PATH"], "DATASURFACE_LOG_FORMAT": "json", "LANG": "C.UTF-8", **env}
    with log.open("wb") as written:
        process = subprocess.Popen(
            [*prefix, sys.executable, *command],
            env=environment,
            stderr=written,
            stdout=subprocess.DEVNULL,
            cwd=HERE.parents[1],
        )
    service = Service(process=process, log=log)
    try:
        until(lambda: process.poll() is not None or any(line["event"] == "serving" for line in service.logged()))
        assert process.poll() is None, log.read_text()
        service.port = next(line["port"] for line in service.logged() if line["event"] == "serving")
        yield service
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0, log.read_text()


def until(is_so: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until it is so; fail if it never is."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to be in time"
        time.sleep(0.02)


def loader(log: Path) -> Any:
    """The loader service as the chart runs it."""
    return running([*CLI, "model", "load", "--serve", "127.0.0.1:0"], log)


def small_loader(log: Path, prefix: tuple[str, ...] = (), **limits: float) -> Any:
    """A loader service with other limits; `turn_seconds` and `idle_seconds` are its own."""
    return running([str(HERE / "small_loader.py"), json.dumps(limits)], log, prefix)


def archive(**files: str | bytes) -> bytes:
    """A tar of files; a double underscore in a name is a dot."""
    written = BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name.replace("__", "."))
            member.size = len(data)
            tar.addfile(member, BytesIO(data))
    return written.getvalue()


def is_closed_by_peer(connection: Any, seconds: float) -> bool:
    """Whether the other end closes the connection in time."""
    readable, _, _ = select.select([connection], [], [], seconds)
    return bool(readable) and connection.recv(1000) == b""
