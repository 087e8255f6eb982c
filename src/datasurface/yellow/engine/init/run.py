"""Runs the steps of an initialisation against a server, as its superuser; a second run changes nothing.

Passwords come from the credential directories and go to the server as SCRAM verifiers. Only postgres_fdw's user mapping
needs the password itself; the server's logs are kept from it.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from psycopg2 import extensions, sql

from datasurface.connections import Endpoint, Login
from datasurface.errors import ModelError, StateError, TransientError
from datasurface.yellow.engine import connect, database_errors, locks, queries
from datasurface.yellow.engine.connect import Purpose, Session
from datasurface.yellow.engine.init import scram
from datasurface.yellow.engine.init.init_plan import InitPlan
from datasurface.yellow.engine.init.login_files import LoginFiles, ensure_login
from datasurface.yellow.engine.init.role_steps import login_roles
from datasurface.yellow.engine.init.step import Check, Outcome, SecretKind, Step
from datasurface.yellow.engine.init.steps import all_steps

_QUERIES: Final = queries.load("init_roles.sql")
_LOCK_SECONDS: Final = 120
_WRONG_PASSWORD: Final = "28P01"
_WRONG_PASSWORD_FIX: Final = (
    "Check the file of the superuser's password. A bundled server takes it when its data is first made: that secret "
    "and that volume belong together. Put the old secret back, or delete both to begin without data"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What came of one step."""

    title: str
    database: str
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class InitReport:
    """What an initialisation did. `new_credentials` are the directories, by name, whose password was made just now."""

    results: Sequence[StepResult]
    new_credentials: Sequence[str]

    def titles(self, outcome: Outcome) -> Sequence[str]:
        """The steps that ended so."""
        return [result.title for result in self.results if result.outcome is outcome]


def ensure_logins(plan: InitPlan, credentials: Path) -> Mapping[str, LoginFiles]:
    """The login of each role, by credential: read from its directory in `credentials`, or made there.

    Raises ModelError for a file that is wrong, or missing where none can be made. Needs no server.
    """
    return {role.credential: ensure_login(credentials / role.credential, role.role) for role in login_roles(plan)}


def initialise(server: Endpoint, admin: Login, plan: InitPlan, credentials: Path) -> InitReport:
    """`ensure_logins` and `initialise_with`, one after the other."""
    return initialise_with(server, admin, plan, ensure_logins(plan, credentials))


def initialise_with(server: Endpoint, admin: Login, plan: InitPlan, files: Mapping[str, LoginFiles]) -> InitReport:
    """Make all that `plan` says on `server`, logged in as a superuser; each step commits by itself.

    Raises StateError that names what stands in the way or what a step left undone, ModelError for a login that is
    refused, TransientError if the server is away or goes away; then all of it may be called again.
    """
    with Runner(server, admin, files) as runner:
        if not locks.lock(runner.session(plan.maintenance_database), locks.INIT_LOCK, timeout_seconds=_LOCK_SECONDS):
            raise TransientError(f"another initialisation of {server} is running")
        results = [result for step in all_steps(plan) if (result := runner.run(step)) is not None]
    return InitReport(results=results, new_credentials=[name for name, each in files.items() if each.is_new])


class Runner(ExitStack):
    """Runs single steps; opens one session per database and closes them with the `with` block."""

    def __init__(self, server: Endpoint, admin: Login, files: Mapping[str, LoginFiles]) -> None:
        super().__init__()
        self._server = server
        self._admin = admin
        self._files = files
        self._sessions: dict[str, Session] = {}

    def session(self, database: str) -> Session:
        """The session in one database."""
        if database not in self._sessions:
            self._sessions[database] = self.enter_context(self._opened(replace(self._server, database=database)))
        return self._sessions[database]

    def _opened(self, endpoint: Endpoint) -> Session:
        try:
            return connect.open_session(
                endpoint, self._admin, application_name="datasurface init", purpose=Purpose.CONTROL
            )
        except ModelError as error:
            if _WRONG_PASSWORD not in error.message:
                raise
            raise ModelError(error.message, fix=_WRONG_PASSWORD_FIX) from None

    def run(self, step: Step | Check) -> StepResult | None:
        """Run one step or check; a check that finds nothing gives no result."""
        session = self.session(step.database)
        if isinstance(step, Check):
            _refuse_findings(session, step)
            return None
        session.raw.autocommit = not step.in_transaction
        try:
            with database_errors.reporting(f"{step.title} ({session.endpoint})"):
                outcome = self._outcome(session, step)
            session.commit()
        finally:
            session.rollback()
            if not session.raw.closed:
                session.raw.autocommit = False
        return StepResult(title=step.title, database=step.database, outcome=outcome)

    def _outcome(self, session: Session, step: Step) -> Outcome:
        parameters = self._parameters(session, step)
        with session.raw.cursor() as cursor:
            if step.secret is not None:
                cursor.execute(_QUERIES["keep_out_of_logs"])
            if step.requires is not None and not _value(cursor, step.requires):
                return Outcome.UNAVAILABLE
            if self._is_done(cursor, step, parameters):
                return Outcome.UNCHANGED
            cursor.execute(step.statement, parameters)
            if step.is_done is not None and not _value(cursor, step.is_done, parameters):
                raise StateError(
                    f"{step.title} ({session.endpoint}): this is not so, though the server took the statement for it",
                    fix="Look for a grant of somebody else that stands against it, or ask the server's administrator",
                )
        return Outcome.MADE

    def _is_done(self, cursor: extensions.cursor, step: Step, parameters: Mapping[str, str] | None) -> bool:
        if step.is_done is not None:
            return bool(_value(cursor, step.is_done, parameters))
        if step.secret is None or step.role is None:
            raise TypeError(f"step {step.title} has no way to see whether it is done")
        stored = _value(cursor, _QUERIES["stored_verifier"].format(role_name=sql.Literal(step.role)))
        password = self._files[step.secret.credential].login.password
        return scram.matches(stored if isinstance(stored, str) else None, password)

    def _parameters(self, session: Session, step: Step) -> Mapping[str, str] | None:
        if step.secret is None:
            return None
        login = self._files[step.secret.credential].login
        value = login.password
        if step.secret.kind is SecretKind.VERIFIER:
            value = extensions.encrypt_password(login.password, login.username, session.raw, "scram-sha-256")
        return {step.secret.parameter: value}


def _refuse_findings(session: Session, check: Check) -> None:
    with database_errors.reporting(f"checking {check.title}"), session.raw.cursor() as cursor:
        cursor.execute(check.findings)
        findings = [text for (text,) in cursor.fetchall()]
    session.rollback()
    if findings:
        raise StateError(
            f"{check.title} cannot be used: {'; '.join(findings)}",
            fix="Nothing was changed. Take these rights away, or choose other names by `--prefix`",
        )


def _value(cursor: extensions.cursor, query: sql.Composable, parameters: Mapping[str, str] | None = None) -> object:
    cursor.execute(query, parameters)
    row = cursor.fetchone()
    return None if row is None else row[0]
