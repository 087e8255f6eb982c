"""Whether a server's lock table has room for what one transaction is about to lock: asked before, in numbers.

A lock table that runs full ends the statement with an error that looks as if it passed by itself (53200), and takes
other sessions with it. Reads settings and pg_locks in the caller's transaction; locks nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from datasurface.errors import ModelError, TransientError
from datasurface.yellow.engine import database_errors, queries
from datasurface.yellow.engine.connect import Session

#: So many locks any transaction may take: it is what PostgreSQL sets aside for each if nobody changed the setting.
ALWAYS_FIT: Final = 64
_STATEMENTS: Final = queries.load("lock_table.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A server's lock table: its size by the three settings, and how many objects other sessions hold in it."""

    locks_per_transaction: int
    connections: int
    prepared_transactions: int
    held: int

    @property
    def size(self) -> int:
        """How many objects can be locked at a time, by the server's own formula."""
        return self.locks_per_transaction * (self.connections + self.prepared_transactions)

    def setting_for(self, needed: int) -> int:
        """The least max_locks_per_transaction with which `needed` fit beside what is held now."""
        return -(-(needed + self.held) // (self.connections + self.prepared_transactions))


def room(session: Session) -> Room:
    """The lock table as it is now."""
    with database_errors.reporting(f"reading the lock table of {session.endpoint}"), session.raw.cursor() as cursor:
        cursor.execute(_STATEMENTS["read_room"])
        per_transaction, connections, prepared, held = cursor.fetchone() or (0, 0, 0, 0)
    return Room(
        locks_per_transaction=per_transaction, connections=connections, prepared_transactions=prepared, held=held
    )


def relations_locked(session: Session, schema: str, tables: Sequence[str]) -> int:
    """How many relations LOCK TABLE locks for these tables and views; one that does not exist counts nothing."""
    with database_errors.reporting(f"counting the tables of {session.endpoint}"), session.raw.cursor() as cursor:
        cursor.execute(_STATEMENTS["count_relations"], {"schema": schema, "tables": list(tables)})
        return int((cursor.fetchone() or (0,))[0])


def refuse_if_short(session: Session, needed: int, doing: str, *, instead: str) -> None:
    """Raise where `needed` locks do not fit; `instead` is what else helps besides a larger setting.

    ModelError if they never fit, TransientError if it is other sessions that leave no room now.
    """
    if needed <= ALWAYS_FIT:
        return
    found = room(session)
    if needed <= found.size - found.held:
        return
    size = (
        f"max_locks_per_transaction {found.locks_per_transaction} × (max_connections {found.connections} + "
        f"max_prepared_transactions {found.prepared_transactions}) = {found.size}"
    )
    message = f"{doing} needs {needed} locks at a time; the lock table of {session.endpoint} has {size}"
    raising = f"Set max_locks_per_transaction to {found.setting_for(needed)} or more there and restart the server"
    if needed > found.size:
        raise ModelError(message, fix=f"{raising}; or {instead}")
    raise TransientError(f"{message}, of which other sessions hold {found.held}", fix=f"It is tried again; {raising}")
