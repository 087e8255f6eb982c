"""Writes the steps of an initialisation as a script for psql, for an administrator to read and run.

It has no password: those come in as psql's variables, or by `\\password`.
"""

from collections.abc import Iterator
from typing import Final

from datasurface.yellow.engine import queries
from datasurface.yellow.engine.init.init_plan import InitPlan
from datasurface.yellow.engine.init.psql_text import argument, quoted, rendered
from datasurface.yellow.engine.init.role_steps import login_roles
from datasurface.yellow.engine.init.step import Check, Step
from datasurface.yellow.engine.init.steps import all_steps

_QUERIES: Final = queries.load("init_roles.sql")


def script(plan: InitPlan) -> str:
    """The whole script; running it again changes nothing."""
    lines = list(_heading(plan))
    database = None
    for step in all_steps(plan):
        if step.database != database:
            database = step.database
            lines += ["", f"\\connect {quoted(database)}", "SET search_path = pg_catalog;"]
        lines += ["", f"-- {step.title}", *(_check(step) if isinstance(step, Check) else _step(step))]
    return "\n".join(lines) + "\n"


def _heading(plan: InitPlan) -> Iterator[str]:
    yield "-- Makes the databases and roles of a datasurface installation: psql -f THIS-FILE, as a superuser."
    yield "-- Running it again changes nothing. No password stands here. Afterwards give each login its password:"
    for login in login_roles(plan):
        yield f"--   \\password {quoted(login.role)}"
    yield "-- or run `datasurface init` with the credential directories. Variables that are set before are used:"
    secrets = [step.secret.parameter for step in all_steps(plan) if isinstance(step, Step) and step.secret]
    yield f"--   {', '.join(secrets)}"
    yield "\\set ON_ERROR_STOP on"
    yield "\\set QUIET on"


def _check(check: Check) -> Iterator[str]:
    yield rendered(_QUERIES["summarize_findings"].format(findings=check.findings))
    yield "\\gset"
    yield "\\if :is_wrong"
    yield "\\warn :findings"
    yield "DO $$BEGIN RAISE EXCEPTION 'stopped before anything was changed'; END$$;"
    yield "\\endif"


def _step(step: Step) -> Iterator[str]:
    if step.in_transaction:
        yield "BEGIN;"
    if step.secret is not None:
        yield rendered(_QUERIES["keep_out_of_logs"])
        yield f"\\if :{{?{step.secret.parameter}}}"
    if step.requires is not None:
        yield f"SELECT ({rendered(step.requires)}) AS is_available"
        yield "\\gset"
        yield "\\if :is_available"
    if step.is_done is not None:
        yield f"SELECT ({rendered(step.is_done)}) AS is_done"
        yield "\\gset"
        yield "\\if :is_done"
        yield "\\else"
    yield rendered(step.statement)
    if step.is_done is not None:
        yield "\\endif"
    if step.requires is not None:
        yield "\\else"
        yield f"\\warn {argument(f'{step.title}: not available on this server')}"
        yield "\\endif"
    if step.secret is not None:
        yield "\\else"
        yield f"\\warn {argument(f'{step.title}: left as it was, {step.secret.parameter} is not set')}"
        yield "\\endif"
    if step.in_transaction:
        yield "COMMIT;"
