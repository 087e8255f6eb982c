"""Who may work on a stream: session advisory locks in the merge database, which die with their holder.

A lock outlives transactions and ends with its connection, so a killed job frees its stream at once and nothing is left
to clean up. Nothing here waits inside the server: a wait is a loop of tries, so that a signal ends it.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from psycopg2.extensions import TRANSACTION_STATUS_INERROR

from datasurface.errors import StateError
from datasurface.yellow.engine import database_errors, queries
from datasurface.yellow.engine.connect import Session

_POLL_SECONDS: Final = 0.1


class LockKind(StrEnum):
    """What a lock keeps others from."""

    #: The same run twice: `key` is the stream's key and the run_id. Held for the whole run.
    RUN_ID = "run_id"
    #: Two runs of one stream: `key` is the stream's key. Held for the whole run; the second run ends as busy.
    RUN = "run"
    #: Changing a stream's tables while it reads or writes them: `key` is the stream's key. A job holds it for one look
    #: and lets go between looks; the model merge and reset hold it while they work on the stream.
    LOOK = "look"
    #: Two model merges at a time: platform and key are empty. Held from reading the deployed revision to recording.
    MERGE = "merge"
    #: Two initialisations at a time, in the database that they start from: platform and key are empty.
    INIT = "init"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockRef:
    """A lock's name. Locks are of one database, so two installations never meet."""

    kind: LockKind
    platform_name: str = ""
    key: str = ""

    @property
    def number(self) -> int:
        """The signed 64-bit number that stands for the lock on the server; equal on every machine and version."""
        # Each part with its length, so that no two names give the same bytes.
        parts = (part.encode() for part in ("datasurface", self.kind, self.platform_name, self.key))
        digest = hashlib.sha256(b"".join(b"%d:%s" % (len(part), part) for part in parts)).digest()
        return int.from_bytes(digest[:8], "big", signed=True)

    def __str__(self) -> str:
        return " ".join(part for part in (f"the {self.kind} lock", self.platform_name, self.key) if part)


def run_id_lock(platform_name: str, stream_key: str, run_id: str) -> LockRef:
    """The lock of one run of one stream."""
    return LockRef(kind=LockKind.RUN_ID, platform_name=platform_name, key=f"{stream_key}\n{run_id}")


def run_lock(platform_name: str, stream_key: str) -> LockRef:
    """The lock that makes a stream serial."""
    return LockRef(kind=LockKind.RUN, platform_name=platform_name, key=stream_key)


def look_lock(platform_name: str, stream_key: str) -> LockRef:
    """The lock of one comparison of a stream, and of changes to its tables."""
    return LockRef(kind=LockKind.LOOK, platform_name=platform_name, key=stream_key)


MERGE_LOCK: Final = LockRef(kind=LockKind.MERGE)
INIT_LOCK: Final = LockRef(kind=LockKind.INIT)


def try_lock(session: Session, ref: LockRef) -> bool:
    """Take a lock if it is free, and say whether it is ours now.

    A session that holds it already gets it once more and has to unlock it as often. An open transaction stays open and
    one is not left behind.
    """
    return bool(_ask(session, ref, "try_lock"))


def lock(
    session: Session, ref: LockRef, *, timeout_seconds: float, sleep: Callable[[float], None] = time.sleep
) -> bool:
    """Take a lock, trying for so long; False if it was never free. A signal's handler runs between the tries.

    `sleep` is what is done between them; it may raise to give up.
    """
    deadline = time.monotonic() + timeout_seconds
    while not try_lock(session, ref):
        if time.monotonic() >= deadline:
            return False
        sleep(min(_POLL_SECONDS, max(0.0, deadline - time.monotonic())))
    return True


def unlock(session: Session, ref: LockRef) -> None:
    """Let go of a lock; StateError if this session did not hold it: somebody else may have worked beside it."""
    if not _ask(session, ref, "unlock"):
        raise StateError(f"{ref} was not held any more by {session!r}", fix="Run the stream again; it checks its state")


def holds(session: Session, ref: LockRef) -> bool:
    """Whether this session holds a lock, as the server sees it."""
    return bool(_ask(session, ref, "count_held"))


@contextmanager
def held(
    session: Session, ref: LockRef, *, timeout_seconds: float = 0, sleep: Callable[[float], None] = time.sleep
) -> Iterator[bool]:
    """Hold a lock for the block, which is told whether it was to be had; it is freed only if so.

    A transaction that failed inside the block is rolled back, since it could not even free the lock. A connection that
    broke has freed it already.
    """
    is_ours = lock(session, ref, timeout_seconds=timeout_seconds, sleep=sleep)
    try:
        yield is_ours
    finally:
        if is_ours and not session.raw.closed:
            if session.raw.info.transaction_status == TRANSACTION_STATUS_INERROR:
                session.rollback()
            unlock(session, ref)


def refuse_pooler(session: Session) -> None:
    """Raise StateError if a pooler sits between, which may hand the lock's connection to somebody else.

    A pooler tells its clients a process id of its own making; the server tells the true one.
    """
    backend = _ask(session, MERGE_LOCK, "select_backend")
    if backend != session.raw.info.backend_pid:
        raise StateError(
            f"{session.endpoint} is reached through a pooler, which does not keep session locks",
            fix="Give the jobs the address of the server itself (host and port of `merge` in the connections file)",
        )


def _ask(session: Session, ref: LockRef, statement: str) -> object:
    """Run one statement; a transaction that it had to begin is ended, one that was open stays so."""
    parameters: Mapping[str, object] = {"number": ref.number}
    was_in_transaction = session.in_transaction
    with database_errors.reporting(f"{ref} on {session.endpoint}"), session.raw.cursor() as cursor:
        cursor.execute(queries.load("locks.sql")[statement], parameters)
        row = cursor.fetchone()
        if not was_in_transaction:
            session.raw.commit()
    return None if row is None else row[0]
