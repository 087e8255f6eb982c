"""Trying again until what is not there yet has come: a server that starts, or an initialisation by another process.

Pods of one installation start in any order, so that the first tries of most of them fail. Which errors are worth
waiting for is the caller's to say; nothing here knows what is tried.
"""

import time
from collections.abc import Callable
from typing import Final, TypeVar

from structlog.typing import FilteringBoundLogger

from datasurface.errors import DatasurfaceError, Family

Result = TypeVar("Result")

_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 5.0
#: SQLSTATEs, as messages have them, of a login that is not made yet or has no rights yet.
_BEFORE_INIT: Final = ("(28P01 ", "(28000 ", "(42501 ")


def is_transient(error: DatasurfaceError) -> bool:
    """Whether the same call may go through later."""
    return error.family is Family.TRANSIENT


def comes_with_init(error: DatasurfaceError) -> bool:
    """Whether an initialisation that is still to run, or runs, would cure it: logins, rights, databases, tables.

    A server says of a login that it does not know that its password is wrong.
    """
    return is_transient(error) or error.family is Family.STATE or any(state in error.message for state in _BEFORE_INIT)


def until_it_works(
    attempt: Callable[[], Result],
    *,
    seconds: float,
    log: FilteringBoundLogger,
    is_worth_waiting: Callable[[DatasurfaceError], bool] = is_transient,
) -> Result:
    """The result of `attempt`, which is tried again for `seconds` while its error is one that may pass.

    The log gets a line when the error changes and one at the end, and is quiet in between. Raises the last error.
    """
    began = time.monotonic()
    pause_seconds = _FIRST_PAUSE_SECONDS
    told: str | None = None
    while True:
        try:
            result = attempt()
        except DatasurfaceError as error:
            left_seconds = began + seconds - time.monotonic()
            if left_seconds <= 0 or not is_worth_waiting(error):
                raise
            if error.message != told:
                told = error.message
                log.warning(f"waiting: {told}", for_at_most_seconds=round(left_seconds))
            time.sleep(min(pause_seconds, left_seconds))
            pause_seconds = min(pause_seconds * 2, _LONGEST_PAUSE_SECONDS)
        else:
            if told is not None:
                log.warning("goes on", waited_seconds=round(time.monotonic() - began, 1))
            return result
