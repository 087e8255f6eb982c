"""The errors that people and Airflow read: three families, what to do, an exit status each.

A family decides what happens next: a model error stops, a transient one is tried again, a state error asks an operator.
Messages name the object and what is wrong; they never hold a value of the data or a secret.
"""

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import ClassVar, Final


class Family(StrEnum):
    """Who has to act: the model's author, nobody (it is tried again), or an operator."""

    MODEL = "model"
    TRANSIENT = "transient"
    STATE = "state"


class ExitStatus(IntEnum):
    """Exit statuses of every command; `docs/exit-codes.md` has a row for each."""

    DONE = 0
    FINDINGS = 1
    USAGE = 2
    STATE = 3
    UNHANDLED = 70
    TRANSIENT = 75


def printable(text: str) -> str:
    """`text` with everything that a terminal would act on (control, direction, surrogates) written as an escape."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


class DatasurfaceError(Exception):
    """Something a person can act on.

    `message` says what was being done, to which object and what is wrong; `fix` says what to do, or is None where the
    message says it all. `family` is None for an error that nobody foresaw; it is retried like a transient one. Both
    texts may be shown on any terminal and in any log, one line each: what a name in them would do there is escaped.
    """

    family: ClassVar[Family | None] = None
    exit_status: ClassVar[ExitStatus] = ExitStatus.UNHANDLED

    def __init__(self, message: str, *, fix: str | None = None) -> None:
        self.message = printable(message)
        self.fix = None if fix is None else printable(fix)
        super().__init__(self.message if self.fix is None else f"{self.message}. {self.fix}")


class ModelError(DatasurfaceError):
    """The model, its mapping, a credential or the source's data is wrong; trying again does not help."""

    family = Family.MODEL
    exit_status = ExitStatus.FINDINGS


class TransientError(DatasurfaceError):
    """A connection, a lock or a server's resource was not to be had; the same call may go through later."""

    family = Family.TRANSIENT
    exit_status = ExitStatus.TRANSIENT


class StateError(DatasurfaceError):
    """What is stored forbids this; an operator has to choose."""

    family = Family.STATE
    exit_status = ExitStatus.STATE


class UsageError(DatasurfaceError):
    """The command line itself is wrong."""

    exit_status = ExitStatus.USAGE


#: What each exit status means, for the docs and for `--help`.
MEANINGS: Final[Mapping[ExitStatus, str]] = {
    ExitStatus.DONE: "done",
    ExitStatus.FINDINGS: "findings, a failed check or a model error",
    ExitStatus.USAGE: "the command line is wrong",
    ExitStatus.STATE: "a state error: an operator has to choose",
    ExitStatus.UNHANDLED: "an error that nobody foresaw; retried like a transient one",
    ExitStatus.TRANSIENT: "transient: try again",
}
