"""A streaming standby of a test's own server, made by pg_basebackup of the system's packages."""

from pathlib import Path

from datasurface.demo.embedded import EmbeddedServer, Owner
from datasurface.yellow.engine.connect import Session


class Standby(EmbeddedServer):
    """A hot standby of `primary`, which has to run; started and removed like any embedded server.

    A conflict between its readers and what it replays is decided at once, against the readers.
    """

    def __init__(self, primary: EmbeddedServer) -> None:
        super().__init__(fast=True, binaries=primary.binaries)
        self.primary = primary
        self.login = primary.login

    def create(self) -> None:
        """Copy the primary's cluster."""
        super().create()
        data, password = self.folder / "data", self.folder / "primary-password"
        Owner.suitable().run(["rm", "-rf", data], self.folder)
        password.touch(mode=0o600)
        password.write_text(f"127.0.0.1:{self.primary.port}:*:{self.login.username}:{self.login.password}\n")
        Owner.suitable().give(password)
        link = f"host=127.0.0.1 port={self.primary.port} user={self.login.username} passfile={password}"
        self._program("pg_basebackup", "-d", link, "-D", data, "-R", "-X", "stream", "-c", "fast", "--no-sync")
        with (data / "postgresql.conf").open("a", encoding="utf-8") as configuration:
            configuration.write("max_standby_streaming_delay = 0\nwal_receiver_status_interval = 1\n")


def can_copy(binaries: Path) -> bool:
    """Whether these programs include the one that copies a cluster."""
    return (binaries / "pg_basebackup").is_file()


def replayed(primary: Session, standby: Session) -> bool:
    """Whether the standby shows all that the primary has committed; both sessions are in autocommit mode."""
    with primary.raw.cursor() as ours, standby.raw.cursor() as theirs:
        ours.execute("SELECT pg_current_wal_lsn()")
        theirs.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", ours.fetchone())
        return theirs.fetchone() == (True,)
