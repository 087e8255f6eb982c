"""The roles of an installation: owners and groups that nobody logs in as, and logins with their passwords."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from psycopg2 import sql

from datasurface.yellow.engine import queries
from datasurface.yellow.engine.init.init_plan import InitPlan
from datasurface.yellow.engine.init.psql_text import quoted
from datasurface.yellow.engine.init.step import Check, Secret, SecretKind, Step

_QUERIES: Final = queries.load("init_roles.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRole:
    """A role that logs in. `credential` names its directory; `groups` are the roles that it is a member of.

    One that does not inherit has the rights of its groups only after SET ROLE. Of one that `meets_data`, a login of
    jobs, the server logs no errors, since those may quote a row.
    """

    credential: str
    role: str
    inherits: bool = True
    groups: Sequence[str] = ()
    meets_data: bool = False


def login_roles(plan: InitPlan) -> Sequence[LoginRole]:
    """All logins of the installation."""
    roles = plan.roles
    demo = [
        LoginRole(credential="customer_reader", role=roles.customer_reader, meets_data=True),
        LoginRole(credential="customer_writer", role=roles.customer_writer),
    ]
    own_jobs = [roles.platform_job(platform) for platform in plan.platform_jobs]
    return [
        LoginRole(credential="airflow", role=roles.airflow),
        # A table or view that the model merge makes without SET ROLE would have the wrong owner: so it cannot.
        LoginRole(credential="ds_merge", role=roles.merge, inherits=False, groups=(roles.views, roles.plans)),
        LoginRole(credential="ds_job", role=roles.job, groups=(roles.jobs,), meets_data=True),
        LoginRole(credential="ds_link", role=roles.link),
        LoginRole(credential="ds_dags", role=roles.dags),
        LoginRole(credential="ds_monitor", role=roles.monitor),
        *(
            LoginRole(credential=job.removeprefix(roles.prefix), role=job, groups=(roles.jobs,), meets_data=True)
            for job in own_jobs
        ),
        *(demo if plan.demo else ()),
        *(LoginRole(credential=reader.credential, role=roles.named(reader.login)) for reader in plan.readers),
    ]


def group_roles(plan: InitPlan) -> Sequence[str]:
    """All roles that nobody logs in as, apart from those that the model merge has made."""
    roles = plan.roles
    owners = [roles.customer_owner] if plan.demo else []
    return [roles.control, roles.plans, roles.views, roles.jobs, roles.readers, *owners]


def role_steps(plan: InitPlan) -> Iterator[Step | Check]:
    """Look at what is there, then make roles, memberships and passwords."""
    logins, groups = login_roles(plan), group_roles(plan)
    names = [*groups, *(login.role for login in logins)]
    yield Check(
        title="this server and its roles",
        database=plan.maintenance_database,
        findings=_QUERIES["find_misfits"].format(role_names=sql.Literal(names)),
    )
    for group in groups:
        yield _role(plan, group, can_login=False, inherits=True)
    for login in logins:
        yield _role(plan, login.role, can_login=True, inherits=login.inherits)
    for login in logins:
        for group in login.groups:
            yield _membership(plan, group, login.role)
    for login in logins:
        if login.meets_data:
            yield _quiet(plan, login.role)
    for login in logins:
        yield _password(plan, login)


def _role(plan: InitPlan, name: str, *, can_login: bool, inherits: bool) -> Step:
    return Step(
        title=f"role {name}",
        database=plan.maintenance_database,
        is_done=_QUERIES["has_role"].format(
            role_name=sql.Literal(name), can_login=sql.Literal(can_login), inherits=sql.Literal(inherits)
        ),
        statement=_QUERIES["make_role"].format(
            role_name=sql.Literal(name),
            role=sql.Identifier(name),
            login=sql.SQL("LOGIN" if can_login else "NOLOGIN"),
            inherit=sql.SQL("INHERIT" if inherits else "NOINHERIT"),
        ),
    )


def _quiet(plan: InitPlan, role: str) -> Step:
    return Step(
        title=f"errors of {role} stay out of the server's log",
        database=plan.maintenance_database,
        is_done=_QUERIES["keeps_errors_from_log"].format(role_text=sql.Literal(quoted(role))),
        statement=_QUERIES["keep_errors_from_log"].format(role=sql.Identifier(role)),
    )


def _membership(plan: InitPlan, group: str, role: str) -> Step:
    return Step(
        title=f"role {role} is a member of {group}",
        database=plan.maintenance_database,
        is_done=_QUERIES["is_member"].format(
            group_text=sql.Literal(quoted(group)), role_text=sql.Literal(quoted(role))
        ),
        statement=_QUERIES["add_member"].format(group=sql.Identifier(group), role=sql.Identifier(role)),
    )


def _password(plan: InitPlan, login: LoginRole) -> Step:
    secret = Secret(credential=login.credential, kind=SecretKind.VERIFIER)
    return Step(
        title=f"password of {login.role}",
        database=plan.maintenance_database,
        is_done=None,
        statement=_QUERIES["set_password"].format(
            role=sql.Identifier(login.role), verifier=sql.Placeholder(secret.parameter)
        ),
        secret=secret,
        role=login.role,
    )
