"""Short transactions that need strong locks on tables and views which others read.

A statement that waits for such a lock keeps every later reader waiting behind it. So it gives up soon, lets the readers
pass and tries again, until its time is over. Nothing here knows what the transaction does.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from psycopg2 import sql

from datasurface.errors import TransientError
from datasurface.yellow.engine import database_errors
from datasurface.yellow.engine.connect import Session

T = TypeVar("T")

#: How long readers may have to wait behind us at a time.
LOCK_TIMEOUT_MILLISECONDS: Final = 500
#: How long they have the place to themselves then.
_PAUSE_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Until when locks are waited for, by `time.monotonic`; `sleep` may raise to end the waiting early."""

    deadline: float
    sleep: Callable[[float], None] = time.sleep

    @classmethod
    def of_seconds(cls, seconds: float, sleep: Callable[[float], None] = time.sleep) -> "Patience":
        """Patience that begins now."""
        return cls(deadline=time.monotonic() + seconds, sleep=sleep)

    @property
    def remaining_seconds(self) -> float:
        """What is left of it, 0 at least."""
        return max(0.0, self.deadline - time.monotonic())


def transaction(session: Session, work: Callable[[], T], patience: Patience) -> T:
    """Run `work` in a transaction of its own, commit it and return what it returns.

    A lock that is not to be had rolls the transaction back and runs `work` again; it is tried once at least. Raises the
    last TransientError when patience is over. Whatever else `work` raises rolls back, too.
    """
    while True:
        try:
            with database_errors.reporting(f"setting a lock timeout on {session.endpoint}"):
                _set_lock_timeout(session)
            result = work()
            session.commit()
            return result
        except TransientError:
            if session.raw.closed:
                raise
            session.rollback()
            if patience.remaining_seconds == 0:
                raise
        except BaseException:
            session.rollback()
            raise
        patience.sleep(min(_PAUSE_SECONDS, patience.remaining_seconds))


def _set_lock_timeout(session: Session) -> None:
    with session.raw.cursor() as cursor:
        cursor.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(LOCK_TIMEOUT_MILLISECONDS)))
