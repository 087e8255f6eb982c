"""What a check of an installation came to: one record each, with what a person needs to act on it.

Nothing here looks at anything; each module beside this one looks at one group of things.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Group(StrEnum):
    """What a check is about, in the order in which one thing needs the other."""

    DATABASES = "databases"
    MODEL = "model"
    STREAMS = "streams"
    VIEWS = "views"
    AIRFLOW = "airflow"


class Verdict(StrEnum):
    """What a check came to."""

    OK = "ok"
    FAILED = "FAILED"
    #: Worth knowing; the installation works.
    NOTE = "note"
    #: There was no right or no address to look.
    NOT_LOOKED_AT = "not looked at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at: `title` says what should be so.

    `evidence` is what was seen, `cause` the likely reason, `command` what to run next; None where there is nothing to
    say. None of them holds a secret or a value of the data.
    """

    group: Group
    title: str
    verdict: Verdict
    evidence: str | None = None
    cause: str | None = None
    command: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """All checks of an installation, in the order of their groups."""

    checks: Sequence[Check]

    @property
    def is_ok(self) -> bool:
        """Whether nothing failed, and something was seen to be right."""
        verdicts = {check.verdict for check in self.checks}
        return Verdict.FAILED not in verdicts and Verdict.OK in verdicts

    def of(self, verdict: Verdict) -> Sequence[Check]:
        """The checks that came to this."""
        return [check for check in self.checks if check.verdict is verdict]
