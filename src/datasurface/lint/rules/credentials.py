"""Credentials: of the kind that their user can log in with."""

from collections.abc import Iterator

from datasurface.lint.context import LintContext
from datasurface.lint.rule import Problem, rule
from datasurface.model.credentials import RESERVED_CREDENTIALS, Credential, CredentialType


@rule("DS601")
def database_login(context: LintContext) -> Iterator[Problem]:
    """Databases are logged in to with USER_PASSWORD."""
    for path, credential in context.credentials:
        if credential.kind is not CredentialType.USER_PASSWORD:
            yield Problem(
                path,
                f'credential "{credential.name}" is of kind {credential.kind.name}, a database takes USER_PASSWORD',
                f'write Credential("{credential.name}"), with the keys username and password in its secret',
            )


@rule("DS602")
def one_credential_per_name(context: LintContext) -> Iterator[Problem]:
    """Credentials whose names differ in case alone are not two: their secrets could not be told apart."""
    first: dict[str, tuple[str, Credential]] = {}
    for path, credential in context.credentials:
        first_path, known = first.setdefault(credential.name.lower(), (path, credential))
        if known.name != credential.name:
            yield Problem(
                path,
                f'credentials "{credential.name}" and "{known.name}" (of {first_path}) differ in case alone',
                "give both the same name, or different ones",
            )


@rule("DS603")
def name_of_its_own(context: LintContext) -> Iterator[Problem]:
    """Credentials have no name that an installation keeps for a Secret of its own."""
    for path, credential in context.credentials:
        if credential.name in RESERVED_CREDENTIALS:
            yield Problem(
                path,
                f'credential "{credential.name}" has a name that installations keep for a Secret of their own',
                f"rename it; the names kept are {', '.join(sorted(RESERVED_CREDENTIALS))}",
            )
