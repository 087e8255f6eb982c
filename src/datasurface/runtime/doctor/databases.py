"""Whether each login whose credential is here gets into its database, and whether there is an installation inside."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from datasurface.connections import MERGE_LOGINS, Endpoint, Login, MergeRole
from datasurface.errors import DatasurfaceError, Family
from datasurface.runtime.doctor.checks import Check, Group, Verdict
from datasurface.runtime.doctor.surroundings import Surroundings
from datasurface.yellow.engine.audit import stream_status
from datasurface.yellow.engine.connect import Purpose, Session, open_session
from datasurface.yellow.engine.control import plan_store
from datasurface.yellow.plan.streams import SourcePlan

#: Logins that may read the control tables, the one with the fewest rights first.
READERS: Final[tuple[MergeRole, ...]] = ("monitor", "apply")
_ROLES: Final[Mapping[str, MergeRole]] = {login: role for role, login in MERGE_LOGINS.items()}
_CONTROL_TABLES: Final = "the control tables are there"
_LINK: Final = "ds_link"
#: What an SQLSTATE in a message mostly comes from.
_CAUSES: Final = {
    "28P01": "init has not run yet, or the secret was changed and init has not run since",
    "28000": "init has not run yet, or the server's pg_hba.conf keeps this address or login out",
    "42501": "init has not run yet, or somebody took the right away",
    "3D000": "init has not run yet, or the connections file names another database",
    "53300": "the server has no connection left",
}
_AWAY: Final = "the server is away or still starting, or a network policy closes the way to it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Databases:
    """What was seen of the databases; `role` is a login that reads the control tables, None if they cannot be read."""

    checks: Sequence[Check]
    role: MergeRole | None = None


def databases(here: Surroundings) -> Databases:
    """The logins of the merge database, its control tables, and the sources of the streams."""
    try:
        endpoint = here.connections.merge_endpoint()
    except DatasurfaceError as error:
        return Databases(checks=[_failure("the address of the merge database is known", error, None)])
    here_now, absent = _credentials(here)
    logins = dict(_logins(here, endpoint, here_now))
    checks = list(logins.values())
    if absent:
        checks.append(_not_looked_at(f"{', '.join(absent)} log in to {endpoint}", "their credentials are not here"))
    role = next((role for role in READERS if _is_ok(logins.get(MERGE_LOGINS[role]))), None)
    if role is None:
        return Databases(checks=checks)
    try:
        with here.open(role) as session:
            stream_status.refuse_uninitialised(session, here.connections.merge_schema)
            checks.append(Check(group=Group.DATABASES, title=_CONTROL_TABLES, verdict=Verdict.OK))
            checks += [_source(here, source) for source in _sources(session, here.connections.merge_schema)]
    except DatasurfaceError as error:
        checks.append(_failure(_CONTROL_TABLES, error, here.log_of("init", "datasurface init")))
        return Databases(checks=checks)
    return Databases(checks=checks, role=role)


def _is_ok(check: Check | None) -> bool:
    return check is not None and check.verdict is Verdict.OK


def _directory(here: Surroundings, name: str) -> Path:
    role = _ROLES.get(name)
    return here.connections.directory(name) if role is None else here.connections.role_directory(role)


def _credentials(here: Surroundings) -> tuple[Sequence[str], Sequence[str]]:
    """Credentials of the merge database: those that are here, and the platform's own that are not."""
    own = [*_ROLES, _LINK]
    present = [name for name in own if _directory(here, name).is_dir()]
    return [*present, *here.reader_credentials()], [name for name in own if name not in present]


def _logins(here: Surroundings, endpoint: Endpoint, names: Sequence[str]) -> Iterator[tuple[str, Check]]:
    """Each login; once the server did not answer, the others are not tried."""
    is_away = False
    for name in names:
        title = f"{name} logs in to {endpoint}"
        check = _not_looked_at(title, "the server did not answer") if is_away else _login_check(here, name, endpoint)
        is_away = is_away or check.cause == _AWAY
        yield name, check


def _login_check(here: Surroundings, name: str, endpoint: Endpoint) -> Check:
    """Whether a credential's login gets into the merge database."""
    role = _ROLES.get(name)
    try:
        login = here.connections.login(name) if role is None else here.connections.role_login(role)
    except DatasurfaceError as error:
        return _failure(f"{name} has a credential", error, None)
    return _connected(here, endpoint, login)


def _connected(here: Surroundings, endpoint: Endpoint, login: Login) -> Check:
    title = f"{login.username} logs in to {endpoint}"
    try:
        open_session(endpoint, login, application_name="datasurface doctor", purpose=Purpose.SOURCE).close()
    except DatasurfaceError as error:
        return _failure(title, error, here.log_of("init", "datasurface init"))
    return Check(group=Group.DATABASES, title=title, verdict=Verdict.OK)


def _sources(session: Session, schema: str) -> Sequence[SourcePlan]:
    deployed = plan_store.platforms(session, schema)
    found = {source for each in deployed for source in plan_store.sources(session, schema, each.platform)}
    return sorted(found, key=lambda source: (source.container, source.credential))


def _source(here: Surroundings, source: SourcePlan) -> Check:
    endpoint = here.connections.endpoint(source.container, host=source.host, port=source.port, database=source.database)
    directory = here.connections.directory(source.credential)
    if not directory.is_dir():
        return _not_looked_at(f"{source.credential} logs in to {endpoint}", f"{directory} is not here")
    try:
        return _connected(here, endpoint, here.connections.login(source.credential))
    except DatasurfaceError as error:
        return _failure(f"{source.credential} has a credential", error, None)


def _not_looked_at(title: str, why: str) -> Check:
    return Check(group=Group.DATABASES, title=title, verdict=Verdict.NOT_LOOKED_AT, evidence=why)


def _failure(title: str, error: DatasurfaceError, command: str | None) -> Check:
    known = next((cause for state, cause in _CAUSES.items() if f"({state} " in error.message), None)
    away = _AWAY if error.family is Family.TRANSIENT else error.fix
    return Check(
        group=Group.DATABASES,
        title=title,
        verdict=Verdict.FAILED,
        evidence=error.message,
        cause=known or away,
        command=command,
    )
