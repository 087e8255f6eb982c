"""PostgreSQL servers that the chaos test may crash, fill up, copy and promote.

They stand on small file systems of their own where the process may mount some: then a disk can be full.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg2
from psycopg2 import extensions, sql

from datasurface.demo.embedded import EmbeddedServer

SETTINGS: Final[Mapping[str, str]] = {
    "shared_buffers": "'24MB'",
    "max_connections": "60",
    "max_wal_size": "'16MB'",
    "min_wal_size": "'4MB'",
    "wal_retrieve_retry_interval": "'100ms'",
    "max_wal_senders": "4",
    "hot_standby": "on",
    "restart_after_crash": "on",
    "wal_receiver_status_interval": "'1s'",
    "bgwriter_delay": "'1s'",
}
#: A file system of the test's own: room for what a campaign needs, little enough to be filled at once.
DISK_BYTES: Final = 96 << 20
#: The tablespace on the small file system.
SMALL: Final = "small"


class ChaosServer(EmbeddedServer):
    """A server whose WAL, and whose tablespace `small`, stand on file systems of `DISK_BYTES` where `has_disks`."""

    def __init__(self, *, has_disks: bool) -> None:
        super().__init__(fast=True)
        self._settings |= SETTINGS
        self.has_disks = has_disks
        self._has_own_clock = False

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def disk(self, name: str) -> Path:
        """The folder of one of the small file systems: `wal` or `small`."""
        return self.folder / f"disk-{name}"

    def create(self) -> None:
        super().create()
        self._make_disks()
        self._move_wal()

    def _program(self, name: str, *arguments: str | Path) -> None:
        # Small segments: a disk for WAL need not be large, and a batch soon needs the next one.
        super()._program(name, *arguments, *(("--wal-segsize=1",) if name == "initdb" else ()))

    def _make_disks(self) -> None:
        for name in ("wal", SMALL):
            folder = self.disk(name)
            folder.mkdir()
            if self.has_disks:
                options = f"size={DISK_BYTES},mode=0700"
                subprocess.run(["mount", "-t", "tmpfs", "-o", options, "chaos", str(folder)], check=True)
            (folder / "files").mkdir(mode=0o700)
            self._owner.give(folder)

    def _move_wal(self) -> None:
        target = self.disk("wal") / "files"
        target.rmdir()
        shutil.move(self.data / "pg_wal", target)
        self._owner.give(target)
        (self.data / "pg_wal").symlink_to(target)
        self._owner.give(self.data)

    def make_tablespace(self) -> None:
        """Make the tablespace on the small file system."""
        with self.connected() as session, session.cursor() as cursor:
            cursor.execute(
                sql.SQL("CREATE TABLESPACE {} LOCATION {}").format(
                    sql.Identifier(SMALL), sql.Literal(str(self.disk(SMALL) / "files"))
                )
            )

    @contextmanager
    def connected(self, database: str = "postgres", name: str = "chaos") -> Iterator[extensions.connection]:
        """The superuser's connection, straight to the server, in autocommit mode."""
        connection = self.connection(database, name)
        try:
            connection.autocommit = True
            yield connection
        finally:
            connection.close()

    def connection(self, database: str = "postgres", name: str = "chaos") -> extensions.connection:
        """The superuser's connection, straight to the server."""
        return psycopg2.connect(
            host="127.0.0.1",
            port=self.port,
            user=self.login.username,
            password=self.login.password,
            dbname=database,
            application_name=name,
            connect_timeout=5,
        )

    def fill(self, name: str) -> Path:
        """Take all room of a small file system; returns the file to remove when there shall be room again."""
        filler = self.disk(name) / "filler"
        with filler.open("wb") as file:
            size = 1 << 22
            while size >= 1 << 12:
                try:
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), size)
                except OSError:
                    size >>= 1
        return filler

    def end_process(self, pid: int) -> None:
        """SIGKILL for one of the server's own processes."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def promote(self) -> None:
        """Make a standby a server of its own."""
        self._control("promote")

    def use_own_clock(self, yes: bool) -> None:
        """Restart with a clock that `turn_clock` moves, or with the machine's again."""
        self._has_own_clock = yes
        self.turn_clock(0)
        self.restart()

    def turn_clock(self, seconds: int) -> None:
        """Let the server's clock differ from the machine's by so much, from now on."""
        clock = self.folder / "clock"
        clock.write_text(f"{seconds:+d}s\n", encoding="ascii")
        clock.chmod(0o644)

    def _control(self, action: str, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        if not self._has_own_clock or action != "start":
            return super()._control(action, *arguments)
        clock = (
            "/usr/bin/env", f"LD_PRELOAD={clock_library()}", f"FAKETIME_TIMESTAMP_FILE={self.folder / 'clock'}",
            "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1",
        )  # fmt: skip
        started = (self.binaries / "pg_ctl", action, "-s", "-w", "-t", "60", "-D", self.data, *arguments)
        return self._owner.run([*clock, *started], self.folder)

    def retire(self) -> None:
        """Stop for good; the programs stay, which other servers may use."""
        self.stop("immediate")
        self._let_disks_go()
        shutil.rmtree(self.data, ignore_errors=True)

    def remove(self) -> None:
        """Stop the server and let its file systems and its folder go."""
        if self._folder is None:
            return
        self.stop("immediate")
        self._let_disks_go()
        super().remove()

    def _let_disks_go(self) -> None:
        if self.has_disks:
            for name in ("wal", SMALL):
                subprocess.run(["umount", "-l", str(self.disk(name))], check=False, capture_output=True)


class Standby(ChaosServer):
    """A copy of a server, which follows it."""

    def __init__(self, primary: ChaosServer, *, name: str) -> None:
        super().__init__(has_disks=primary.has_disks)
        self.login = primary.login
        self.binaries = primary.binaries
        self._primary = primary
        self._name = name

    def create(self) -> None:
        """Copy the primary as it is now."""
        self._folder = Path(tempfile.mkdtemp(prefix="datasurface-postgres-", dir=self._primary.folder.parent))
        self._owner.give(self._folder)
        self._make_disks()
        passwords = self.folder / "passwords"
        passwords.touch(mode=0o600)
        passwords.write_text(f"*:*:*:*:{self.login.password}\n")
        self._owner.give(self._folder)
        (self.disk("wal") / "files").rmdir()
        (self.disk(SMALL) / "files").rmdir()
        own, other = self.disk(SMALL) / "files", self._primary.disk(SMALL) / "files"
        address = (
            f"host=127.0.0.1 port={self._primary.port} user={self.login.username} passfile={passwords} "
            f"application_name={self._name}"
        )
        self._program(
            "pg_basebackup", "--pgdata", self.data, "--dbname", address, "--write-recovery-conf", "--checkpoint=fast",
            "--no-sync", "--wal-method=stream", "--waldir", self.disk("wal") / "files",
            f"--tablespace-mapping={other}={own}",
        )  # fmt: skip


def clock_library() -> Path | None:
    """libfaketime, if it is installed: the only way to turn one server's clock."""
    return next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)
