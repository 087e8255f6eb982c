"""pgbouncer of the system's packages between a test and its server."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from datasurface.demo.embedded import Owner
from tests.db.installation import Installation

PROGRAM = "pgbouncer"
_SETTINGS = """
[databases]
* = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users
pool_mode = {mode}
max_client_conn = 100
default_pool_size = 5
"""
_SECONDS = 20


@contextmanager
def pooled(installation: Installation, mode: str, folder: Path) -> Iterator[int]:
    """Run it in that mode (`transaction`, `session`) in front of the installation's server; yields its port."""
    program = shutil.which(PROGRAM) or shutil.which(PROGRAM, path="/usr/sbin")
    if program is None:
        pytest.skip(f"no {PROGRAM} here: install Debian's package {PROGRAM}")
    owner = Owner.suitable()
    port = _free_port()
    settings = _SETTINGS.format(server=installation.endpoint().port, port=port, folder=folder, mode=mode)
    (folder / "settings").write_text(settings)
    (folder / "users").write_text("".join(_users(installation)))
    owner.give(folder)
    log = (folder / "log").open("w")
    process = subprocess.Popen(
        [program, folder / "settings"],
        user=owner.uid,
        group=owner.gid,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )
    try:
        _wait_for(port, process, folder / "log")
        yield port
    finally:
        process.terminate()
        process.wait()
        log.close()


def _users(installation: Installation) -> Iterator[str]:
    for directory in installation.template.credentials.iterdir():
        username, password = ((directory / name).read_text().strip() for name in ("username", "password"))
        yield f'"{username}" "{password}"\n'


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
