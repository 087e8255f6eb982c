"""`datasurface init`: databases, roles, functions, the link and the demo source, made or printed."""

import dataclasses
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from datasurface.connections import (
    CREDENTIALS_DIRECTORY,
    ROLE_PREFIX,
    Endpoint,
    Login,
    SslMode,
    read_login,
    read_password,
)
from datasurface.errors import UsageError

if TYPE_CHECKING:
    from datasurface.yellow.engine.init.init_plan import DemoSource, InitPlan, ReaderLogin
    from datasurface.yellow.engine.init.run import InitReport

#: A login for readers: a role that could not be taken for one of the platform's own.
_READER_LOGIN: Final = "[a-z][a-z0-9_-]{0,39}"
_OWN_NAMES: Final = "^(ds_|pg_|customer_|airflow$|postgres$)|(_reader|_tables|_job)$"


@click.command("init")
@click.option("--host", default="localhost", show_default=True, help="The server.")
@click.option("--port", type=click.IntRange(1, 65535), default=5432, show_default=True)
@click.option(
    "--sslmode",
    type=click.Choice(["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]),
    default="prefer",
    show_default=True,
)
@click.option("--user", default="postgres", show_default=True, help="A superuser.")
@click.option("--password-file", type=click.Path(path_type=Path), help="File with the superuser's password.")
@click.option(
    "--superuser",
    type=click.Path(path_type=Path),
    help="Directory with the superuser's files username and password, in place of the two above.",
)
@click.option(
    "--credentials",
    type=click.Path(path_type=Path),
    default=CREDENTIALS_DIRECTORY,
    show_default=True,
    help="Directory with a directory per login (files username, password); what is missing is made.",
)
@click.option("--prefix", default="", help="What all role names begin with, where installations share a server.")
@click.option("--platform-job", "platform_jobs", multiple=True, help="A platform whose jobs get a login of their own.")
@click.option("--merge-database", default="datasurface_merge", show_default=True)
@click.option("--merge-schema", default="public", show_default=True)
@click.option("--airflow-database", default="airflow_db", show_default=True)
@click.option("--consumer-database", default="consumer_db", show_default=True)
@click.option("--customer-database", default="customer_db", show_default=True, help="The demo source.")
@click.option("--maintenance-database", default="postgres", show_default=True, help="Where roles are made from.")
@click.option("--link-host", help="The server's address as it sees itself, for postgres_fdw. Default: --host.")
@click.option("--demo-source/--no-demo-source", default=True, show_default=True, help="Make the demo source as well.")
@click.option(
    "--reader",
    "readers",
    multiple=True,
    metavar="LOGIN=WORKSPACE",
    help="A login that reads a workspace's views; its credential directory is reader_LOGIN. May be repeated.",
)
@click.option(
    "--wait-seconds",
    type=click.FloatRange(min=0),
    default=0.0,
    show_default=True,
    help="How long to wait for a server that is not there yet.",
)
@click.option("--print", "as_script", is_flag=True, help="Print a script for psql instead; no server is needed.")
@click.option("--json", "as_json", is_flag=True, help="Print every step and what came of it as one JSON document.")
def command(
    *,
    host: str,
    port: int,
    sslmode: SslMode,
    user: str,
    password_file: Path | None,
    superuser: Path | None,
    credentials: Path,
    prefix: str,
    platform_jobs: tuple[str, ...],
    merge_database: str,
    merge_schema: str,
    airflow_database: str,
    consumer_database: str,
    customer_database: str,
    maintenance_database: str,
    link_host: str | None,
    demo_source: bool,
    readers: tuple[str, ...],
    wait_seconds: float,
    as_script: bool,
    as_json: bool,
) -> None:
    """Make the databases, roles, functions and the demo source of an installation; a second call changes nothing.

    Passwords come from the credential directories or are made there. --print gives the same as a script for an
    administrator to read and to run with psql; it holds no password.
    """
    from datasurface.yellow.engine.init.init_plan import InitPlan
    from datasurface.yellow.engine.init.script import script
    from datasurface.yellow.engine.roles import Roles

    if not re.fullmatch(ROLE_PREFIX, prefix):
        raise UsageError(
            f"--prefix {prefix} cannot begin names of roles", fix="Up to 16 of a-z, 0-9, _; a letter first"
        )
    plan = InitPlan(
        roles=Roles(prefix),
        merge_database=merge_database,
        merge_schema=merge_schema,
        airflow_database=airflow_database,
        consumer_database=consumer_database,
        customer_database=customer_database,
        maintenance_database=maintenance_database,
        link_host=link_host or host,
        link_port=port,
        demo=_demo_source() if demo_source else None,
        platform_jobs=platform_jobs,
        readers=_readers(readers),
    )
    if as_script:
        click.echo(script(plan), nl=False)
        return
    login = _superuser(user, password_file, superuser)
    server = Endpoint(host=host, port=port, database=maintenance_database, sslmode=sslmode)
    report = _initialised(server, login, plan, credentials, wait_seconds)
    click.echo(_document(report) if as_json else _text(report, credentials))


def _superuser(user: str, password_file: Path | None, directory: Path | None) -> Login:
    if directory is not None:
        return read_login(directory, fix="Give another directory by --superuser")
    if password_file is None:
        raise UsageError(
            "the superuser's password is missing", fix="Give a file with it by --password-file, or a --superuser"
        )
    return Login(username=user, password=read_password(password_file, option="--password-file"))


def _initialised(
    server: Endpoint, login: Login, plan: "InitPlan", credentials: Path, wait_seconds: float
) -> "InitReport":
    from datasurface.runtime import logs, waiting
    from datasurface.runtime.settings import read_settings
    from datasurface.yellow.engine.init import run

    settings = read_settings()
    logs.configure(settings.log_format, settings.log_level)
    files = run.ensure_logins(plan, credentials)
    return waiting.until_it_works(
        lambda: run.initialise_with(server, login, plan, files), seconds=wait_seconds, log=logs.logger("init")
    )


def _readers(given: tuple[str, ...]) -> "tuple[ReaderLogin, ...]":
    """The logins of `--reader`, each with all workspaces that were given for it."""
    from datasurface.yellow.engine.init.init_plan import ReaderLogin

    workspaces: dict[str, list[str]] = {}
    for option in given:
        login, _, workspace = option.partition("=")
        if not re.fullmatch(_READER_LOGIN, login) or re.search(_OWN_NAMES, login) or not workspace:
            raise UsageError(
                f"--reader {option} is not LOGIN=WORKSPACE",
                fix="LOGIN: a new role of a-z, 0-9, _, -, a letter first, with no name of the platform's own roles",
            )
        workspaces.setdefault(login, []).append(workspace)
    return tuple(ReaderLogin(login=login, workspaces=tuple(listed)) for login, listed in workspaces.items())


def _demo_source() -> "DemoSource":
    from datasurface.yellow.engine.init.init_plan import DemoSource

    try:
        from data_change_simulator import seed_sql, source_ddl
    except ImportError:
        raise UsageError(
            "the demo source's tables come from the package data-change-simulator, which is not installed",
            fix="Install it, or go without a demo source by --no-demo-source",
        ) from None
    return DemoSource(ddl=source_ddl(), seed=seed_sql())


def _document(report: "InitReport") -> str:
    return json.dumps({"v": 1, **dataclasses.asdict(report)}, indent=2, ensure_ascii=False)


def _text(report: "InitReport", credentials: Path) -> str:
    from datasurface.yellow.engine.init.step import Outcome

    made = report.titles(Outcome.MADE)
    lines = [f"made           {title}" for title in made]
    lines += [f"not available  {title}" for title in report.titles(Outcome.UNAVAILABLE)]
    lines += [f"new password   {credentials / name}" for name in report.new_credentials]
    return "\n".join([*lines, f"{len(made)} made, {len(report.titles(Outcome.UNCHANGED))} unchanged"])
