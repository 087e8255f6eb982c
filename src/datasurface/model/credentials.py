"""Credentials by name; what they hold is the installation's and never in the model."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from datasurface.model.records import check_name, check_type

#: Names that an installation has for Secrets of its own: the logins of jobs and of model merges, and two tokens.
RESERVED_CREDENTIALS: Final = frozenset({"apply", "git", "job", "slack"})


class CredentialType(StrEnum):
    """What a credential holds: keys `username` and `password`, or `token`."""

    USER_PASSWORD = "user_password"
    API_TOKEN = "api_token"


@dataclass(frozen=True, slots=True)
class Credential:
    """The name of a secret of the installation."""

    name: str
    kind: CredentialType = CredentialType.USER_PASSWORD

    def __post_init__(self) -> None:
        check_name(self)
        check_type(self, "kind", CredentialType)
