"""`datasurface doctor`: what keeps an installation from working, as a list of checks that fits 100 columns."""

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import click

from datasurface.errors import DatasurfaceError, ExitStatus, UsageError

if TYPE_CHECKING:
    from datasurface.runtime.doctor.checks import Check, Diagnosis
    from datasurface.runtime.doctor.surroundings import Surroundings

_WIDTH: Final = 100
_INDENT: Final = " " * 17


@click.command("doctor")
@click.option("--airflow-url", metavar="URL", help="Airflow's address, such as http://datasurface-airflow:8080.")
@click.option(
    "--wait-seconds",
    type=click.FloatRange(min=0),
    default=0.0,
    show_default=True,
    help="Look again for so long, until all is well.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the checks as one JSON document.")
@click.pass_context
def command(ctx: click.Context, *, airflow_url: str | None, wait_seconds: float, as_json: bool) -> None:
    """Look at databases, model, streams, views and Airflow; of each failure say what was seen and what to run.

    It uses the credentials that it finds, changes nothing, and says what it could not look at. Exit status: 0 all that
    it looked at is well, 1 something is not, or there was nothing to look at.
    """
    from datasurface.model import codec
    from datasurface.runtime import logs
    from datasurface.runtime.doctor import examination

    here = _surroundings(_checked(airflow_url))
    diagnosis = examination.examine_until_well(here, wait_seconds=wait_seconds, log=logs.logger("doctor"))
    if as_json:
        click.echo(codec.dumps({"v": 1, "ok": diagnosis.is_ok, "checks": diagnosis.checks}, indent=1))
    else:
        for line in lines(diagnosis):
            click.echo(line)
    ctx.exit(ExitStatus.DONE if diagnosis.is_ok else ExitStatus.FINDINGS)


def lines(diagnosis: "Diagnosis") -> Iterator[str]:
    """The diagnosis as text of at most 100 columns, commands cut where a shell goes on."""
    from datasurface.runtime.doctor.checks import Group, Verdict

    for group in Group:
        checks = [check for check in diagnosis.checks if check.group is group]
        if checks:
            yield group
            for check in checks:
                yield from _check_lines(check)
    counts = {verdict: len(diagnosis.of(verdict)) for verdict in Verdict}
    looked = sum(counts.values()) - counts[Verdict.NOT_LOOKED_AT]
    yield f"{counts[Verdict.FAILED]} of {looked} checks failed, {counts[Verdict.NOT_LOOKED_AT]} not looked at"


def _check_lines(check: "Check") -> Iterator[str]:
    yield from _wrapped(f"  {check.verdict:<15}", check.title)
    if check.evidence:
        yield from _wrapped(f"{_INDENT}seen:   ", check.evidence)
    if check.cause:
        yield from _wrapped(f"{_INDENT}likely: ", check.cause)
    if check.command:
        yield from _command_lines(check.command)


def _wrapped(label: str, text: str) -> list[str]:
    """`text` behind `label`; words that are longer than a line are cut."""
    return textwrap.wrap(
        text,
        width=_WIDTH,
        initial_indent=label,
        subsequent_indent=" " * len(label),
        break_on_hyphens=False,
    )


def _command_lines(text: str) -> Iterator[str]:
    """A command that can be copied: cut between its words alone, with a backslash for the shell."""
    label = f"{_INDENT}run:    "
    parts = textwrap.wrap(
        text,
        width=_WIDTH - 2,
        initial_indent=label,
        subsequent_indent=f"{' ' * len(label)}  ",
        break_on_hyphens=False,
        break_long_words=False,
    )
    yield from (f"{part} \\" for part in parts[:-1])
    yield parts[-1]


def _surroundings(airflow_url: str | None) -> "Surroundings":
    """The connections of this environment and, in Kubernetes, the names that commands need."""
    from datasurface.cli.connected import connections
    from datasurface.runtime.doctor.surroundings import Surroundings
    from datasurface.runtime.settings import read_settings
    from datasurface.yellow.plan.installation import read_installation

    known = connections()
    path = read_settings().installation
    namespace, release = None, None
    if path is not None:
        try:
            installation = read_installation(path)
            namespace, release = installation.namespace, installation.instance
        except DatasurfaceError as error:
            click.echo(f"note: {error.message}", err=True)
    return Surroundings(connections=known, airflow_url=airflow_url, namespace=namespace, release=release)


def _checked(url: str | None) -> str | None:
    """The address, if it is one of a web server and holds no password."""
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or parts.query or parts.fragment:
        raise UsageError("--airflow-url is not the address of a web server", fix="Give it as http://HOST:PORT")
    if "@" in parts.netloc:
        raise UsageError("--airflow-url holds a user name", fix="Leave it out: Airflow's health needs no login")
    return url
