"""The end of the tour: how to go on with a server that was left running, and how to stop it later."""

import os
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from datasurface.demo.records import LeftRunning
from datasurface.demo.stage import Stage
from datasurface.errors import TransientError, UsageError
from datasurface.yellow.plan.views import ViewKind

_STOP_SECONDS: Final = 30


def leave_running(stage: Stage) -> LeftRunning:
    """Write a password file for psql and the simulator, and say how to use everything."""
    installation, reader = stage.installation, stage.reader
    endpoint = installation.endpoint(installation.plan.merge_database)
    password_file = installation.folder / "pgpass"
    password_file.touch(mode=0o600)
    logins = (reader, installation.login("customer_writer"))
    entries = [f"{endpoint.host}:{endpoint.port}:*:{login.username}:{login.password}\n" for login in logins]
    password_file.write_text("".join(entries), encoding="utf-8")
    psql = shutil.which("psql") or str(stage.server.binaries / "psql")
    datasurface = _shown(_installed("datasurface"))
    return LeftRunning(
        psql=[
            f"export PGPASSFILE={shlex.quote(str(password_file))}",
            f"{_shown(psql)} -h {endpoint.host} -p {endpoint.port} -U {reader.username} {endpoint.database}",
        ],
        queries=_queries(stage),
        commands=_commands(stage),
        stop=f"{datasurface} demo --stop {shlex.quote(str(stage.server.folder))}",
    )


def stop_server(folder: Path) -> None:
    """Stop a server that a tour left running and remove its folder; a server that is down already is fine.

    Raises UsageError for a folder that no tour made, TransientError if the server does not end.
    """
    folder = folder.resolve()
    data = folder / "data"
    if not (data / "PG_VERSION").is_file() or not (folder / "demo" / "connections.json").is_file():
        raise UsageError(f"{folder} is no folder of a tour", fix="Give the one that `--keep` printed")
    pid = _server_pid(data)
    if pid is not None:
        os.kill(pid, signal.SIGINT)
        _wait_for_end(data)
    shutil.rmtree(folder)


def _queries(stage: Stage) -> Sequence[str]:
    histories = [view for view in stage.plan.views if view.kind is ViewKind.HISTORY]
    named = [view for view in histories if view.dataset == stage.source.story_dataset]
    return [r"\dv", *(f"TABLE {view.name} LIMIT 20;" for view in named)]


def _commands(stage: Stage) -> Sequence[str]:
    """More changes, a run of a stream, which looks once, and what became of it; for a shell."""
    datasurface = _shown(_installed("datasurface"))
    stream = stage.streams[-1]
    dataset = "" if stream.dataset is None else f" --dataset {shlex.quote(stream.dataset)}"
    lines = [f"export DATASURFACE_CONNECTIONS={shlex.quote(str(stage.installation.connections_path))}"]
    if changes := stage.source.further_changes(stage.installation):
        lines += " \\\n  ".join([_shown(_installed("data-change-simulator")), *changes]).splitlines()
    where = f"--platform {shlex.quote(stream.platform)} --store {shlex.quote(stream.store)}{dataset}"
    return [*lines, f"{datasurface} job snapshot-merge {where}", f"{datasurface} status"]


def _installed(program: str) -> str:
    """A program beside the interpreter that runs this, as in a virtual environment; else its name alone."""
    beside = Path(sys.executable).with_name(program)
    return str(beside) if beside.is_file() else program


def _shown(program: str) -> str:
    """A program's path from here where that is shorter; its name alone where PATH finds the same one."""
    path = Path(program)
    if shutil.which(path.name) == program:
        return path.name
    return shlex.quote(os.path.relpath(path) if path.is_relative_to(Path.cwd()) else program)


def _server_pid(data: Path) -> int | None:
    """The server's process; None if it is down. A number that another process has got meanwhile is not taken for it."""
    try:
        pid = int((data / "postmaster.pid").read_text(encoding="utf-8").split("\n")[0])
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None
    return pid if os.fsencode(data) in arguments else None


def _wait_for_end(data: Path) -> None:
    deadline = time.monotonic() + _STOP_SECONDS
    while _server_pid(data) is not None:
        if time.monotonic() > deadline:
            raise TransientError(f"the server in {data} has not stopped after {_STOP_SECONDS} s", fix="Try again")
        time.sleep(0.05)
