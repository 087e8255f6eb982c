"""A step of the initialisation: one thing that shall be so, how to see it, how to make it. Pure data."""

from dataclasses import dataclass
from enum import StrEnum

from psycopg2 import sql


class SecretKind(StrEnum):
    """What of a password the server is given."""

    #: What proves a password without telling it.
    VERIFIER = "verifier"
    PASSWORD = "password"


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A value that a step needs and that stands in no text: it goes in as a parameter of this name."""

    credential: str
    kind: SecretKind

    @property
    def parameter(self) -> str:
        """Name of the parameter, and of psql's variable in the printed script."""
        return f"{self.credential}_{self.kind}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that shall be so in `database`.

    `is_done` is a query with one boolean: nothing to do. It must hold after `statement` too, or else the step failed.
    None: the runner compares the stored verifier of `role` with the password. `requires` is a query with one boolean:
    without it the step cannot be and is reported so. All of a step is one transaction, where it can be in one.
    """

    title: str
    database: str
    statement: sql.Composable
    is_done: sql.Composable | None
    requires: sql.Composable | None = None
    secret: Secret | None = None
    role: str | None = None
    in_transaction: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Something that must not be so: `findings` is a query whose rows, one text each, stop the initialisation."""

    title: str
    database: str
    findings: sql.Composable


class Outcome(StrEnum):
    """What came of a step."""

    MADE = "made"
    UNCHANGED = "unchanged"
    UNAVAILABLE = "not available"
