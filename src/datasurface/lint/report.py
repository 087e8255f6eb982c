"""Findings: what is wrong with a model, where, and what to do. No rule and no printing here."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from datasurface.errors import printable

#: Longer names are cut in the middle of a finding's path; the model itself may hold anything.
PATH_CHARACTERS = 300


class Severity(StrEnum):
    """Whether a finding keeps the model from being deployed."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    `rule` is a stable id (`DS101`), `path` the object (`Test/USA/team1/Store1/customers/email`) or the line of a file
    (`dsg_platform_mapping.json:14`), `fix` says what to change. The texts may be shown on any terminal: what a model's
    author put into a name is escaped here.
    """

    rule: str
    path: str
    message: str
    fix: str
    severity: Severity = Severity.ERROR

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", printable(_cut(self.path)))
        object.__setattr__(self, "message", printable(self.message))
        object.__setattr__(self, "fix", printable(self.fix))


@dataclass(frozen=True, slots=True)
class Report:
    """All findings of a check, in the order of their rules and, within a rule, of the model."""

    findings: Sequence[Finding] = ()

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings that keep the model from being deployed."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Findings that are only said."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.WARNING)

    @property
    def is_clean(self) -> bool:
        """True where nothing keeps the model from being deployed."""
        return not self.errors


def _cut(path: str) -> str:
    if len(path) <= PATH_CHARACTERS:
        return path
    half = PATH_CHARACTERS // 2
    return f"{path[:half]}…{path[-half:]}"
