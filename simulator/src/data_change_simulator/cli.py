"""The command line: parse, run, print. What a change is and when it counts is decided elsewhere."""

import io
import logging
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

import click

from data_change_simulator.changes import Change
from data_change_simulator.connection import ConnectionParameters
from data_change_simulator.errors import SimulatorError
from data_change_simulator.simulator import Simulator
from data_change_simulator.terminal import change_line, row_lines, summary_line

_PASSWORD_HELP = """Better avoided: the password is in the process list until the program, in its first moments, has
started itself again without it, and it may stay in your shell's history. Prefer --password-file."""
_SECONDS = click.FloatRange(min=0, max=86_400)


@click.command(context_settings={"show_default": True, "max_content_width": 100})
@click.option("--host", default="localhost", envvar="PGHOST", show_envvar=True, help="Server of the source database.")
@click.option(
    "--port", default=5432, type=click.IntRange(1, 65535), envvar="PGPORT", show_envvar=True, help="Its port."
)
@click.option("--database", default="customer_db", envvar="PGDATABASE", show_envvar=True, help="The source database.")
@click.option("--user", envvar="PGUSER", show_envvar=True, help="Login role.  [default: your user name]")
@click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File whose first line is the password. Without it PGPASSWORD counts, then the file that PGPASSFILE names.",
)
@click.option("--password", help=_PASSWORD_HELP)
@click.option("--create-tables", is_flag=True, help="First make the tables if missing and fill them if empty.")
@click.option("--max-changes", default=0, type=click.IntRange(min=0), help="Stop after so many; 0: never.")
@click.option("--min-interval", default=5.0, type=_SECONDS, help="Shortest wait between changes, seconds.")
@click.option("--max-interval", default=15.0, type=_SECONDS, help="Longest wait between changes, seconds.")
@click.option(
    "--seed", type=int, help="Same seed, same rows to start from: same changes.  [default: drawn, and printed]"
)
@click.option(
    "--wait-seconds", default=0.0, type=_SECONDS, help="How long to wait at start for a source that is not there yet."
)
@click.option(
    "--alive-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Touch this file at every change, and every few seconds while there is none.",
)
@click.option("--verbose", is_flag=True, help="Also print each row touched, with its hashes.")
@click.option(
    "--log-json",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Append one JSON object per committed change to this file: keys and hashes, no values.",
)
def main(
    *,
    host: str,
    port: int,
    database: str,
    user: str | None,
    password_file: Path | None,
    password: str | None,
    create_tables: bool,
    max_changes: int,
    min_interval: float,
    max_interval: float,
    seed: int | None,
    wait_seconds: float,
    alive_file: Path | None,
    verbose: bool,
    log_json: Path | None,
) -> None:
    """Keep a customer database changing: new and changed customers, new, changed and removed addresses.

    Ctrl+C or SIGTERM ends it after the change it is at, with a summary and exit status 0. A server that goes away is
    waited for; no change is lost or counted twice by it. One that is not there at start is an error, unless
    --wait-seconds says how long to wait for server, login, database and tables.
    """
    if not min_interval <= max_interval:
        raise click.UsageError(f"--min-interval {min_interval:g} is not below --max-interval {max_interval:g}")
    parameters = ConnectionParameters(
        host=host, port=port, database=database, user=user, password=_password(password_file, password)
    )
    beat = None if alive_file is None else alive_file.touch
    simulator = Simulator(parameters, seed=seed, wait_seconds=wait_seconds, beat=beat)
    _prepare_output()
    _stop_on_signals(simulator)
    try:
        if create_tables:
            _create_tables(simulator)
        limit = f"{max_changes} changes" if max_changes else "until stopped"
        click.echo(f"{parameters}: {limit}, every {min_interval:g} to {max_interval:g} s, seed {simulator.seed}")
        with ExitStack() as files:
            log = files.enter_context(log_json.open("a", encoding="utf-8")) if log_json else None
            summary = simulator.run(max_changes, min_interval, max_interval, _reporter(log, verbose))
    except (SimulatorError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(summary_line(summary))
    if summary.is_last_change_in_doubt:
        raise click.ClickException("stopped while the server was away: one further change may have been committed")


def _password(password_file: Path | None, password: str | None) -> str | None:
    if password_file is None:
        return password
    if password is not None:
        raise click.UsageError("--password and --password-file exclude each other")
    try:
        return password_file.read_text(encoding="utf-8").partition("\n")[0]
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"--password-file cannot be read: {type(error).__name__}") from error


def _prepare_output() -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal without Unicode shows a question mark and goes on.
        sys.stdout.reconfigure(errors="replace")
    logging.basicConfig(format="%(message)s", level=logging.WARNING, stream=sys.stderr)


def _stop_on_signals(simulator: Simulator) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: simulator.stop())


def _create_tables(simulator: Simulator) -> None:
    setup = simulator.create_tables()
    if setup is None:
        return
    made = f"made tables {', '.join(setup.created_tables)}" if setup.created_tables else "the tables are there"
    click.echo(f"{made}; {f'put in {setup.seeded_rows} rows' if setup.seeded_rows else 'they are not empty'}")


def _reporter(log: TextIO | None, verbose: bool) -> Callable[[Change], None]:
    def report(change: Change) -> None:
        if log is not None:
            log.write(f"{change.to_json()}\n")
            log.flush()
        click.echo(change_line(change))
        if verbose:
            for line in row_lines(change):
                click.echo(line)

    return report
