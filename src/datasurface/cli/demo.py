"""`datasurface demo`: the tour of the platform on an embedded PostgreSQL."""

import dataclasses
import json
import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from datasurface.errors import UsageError

if TYPE_CHECKING:
    from rich.progress import Progress

    from datasurface.demo.records import Record


@click.command("demo")
@click.option(
    "--model",
    type=click.Path(path_type=Path),
    default=Path("models/demo"),
    show_default=True,
    help="Directory of the model; models/flights plays real data.",
)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="The same seed changes the source in the same way."
)
@click.option("--changes", type=click.IntRange(min=1), default=200, show_default=True, help="Changes of the simulator.")
@click.option("--keep", is_flag=True, help="Leave the server running and print how to look at it.")
@click.option("--stop", type=click.Path(path_type=Path), help="Stop the server that was left running in this folder.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as one JSON document, at the end.")
def command(model: Path, seed: int, changes: int, keep: bool, stop: Path | None, as_json: bool) -> None:
    """Show the whole data path on an embedded PostgreSQL: a model, a changing source, live and historical views, proof.

    Everything happens in a temporary folder, which is removed at the end. Any failure stops the tour.
    """
    if stop is not None:
        from datasurface.demo import leaving

        leaving.stop_server(stop)
        click.echo(f"stopped and removed {stop}")
        return
    if not (model / "eco.py").is_file():
        raise UsageError(
            f"there is no model in {model}", fix="Run it in a clone of the project, or give the directory by --model"
        )
    from datasurface.demo import tour
    from datasurface.demo.stage import TourOptions

    # Being asked to end is like Ctrl+C: the server must go first.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = TourOptions(model=model, seed=seed, changes=changes, keep=keep)
    if as_json:
        click.echo(_document(tour.run(options, _Silence())))
        return
    with _Paper() as paper:
        tour.run(options, paper)
    if not keep:
        click.echo(f"  look       {_keep_hint(model)} keeps the server, prints the psql line")


class _Silence:
    """Nobody looks on."""

    def begins(self, title: str) -> None:
        """Say nothing."""

    def advances(self, done: int, total: int) -> None:
        """Say nothing."""

    def happened(self, record: "Record") -> None:
        """Say nothing."""


class _Paper:
    """Prints each record as it happens; on a terminal a bar below says what is being done."""

    def __init__(self) -> None:
        self._closing = ExitStack()
        self._progress: Progress | None = None
        self._task: Any = None

    def __enter__(self) -> "_Paper":
        if sys.stdout.isatty():
            from rich.progress import BarColumn, Progress, TextColumn

            columns = (TextColumn("  {task.description}"), BarColumn(bar_width=30))
            self._progress = self._closing.enter_context(Progress(*columns, transient=True))
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def begins(self, title: str) -> None:
        """A new bar, which moves without end until the step says how far it is."""
        if self._progress is not None:
            if self._task is not None:
                self._progress.remove_task(self._task)
            self._task = self._progress.add_task(title, total=None)

    def advances(self, done: int, total: int) -> None:
        """Move the bar."""
        if self._progress is not None:
            self._progress.update(self._task, completed=done, total=total)

    def happened(self, record: "Record") -> None:
        """Print the record's lines above the bar."""
        from datasurface.demo.lines import lines

        for line in lines(record):
            if self._progress is None:
                click.echo(line)
            else:
                self._progress.console.print(line, markup=False, highlight=False, soft_wrap=True)


def _keep_hint(model: Path) -> str:
    """The command that was given, with what makes it keep the server."""
    is_default = model == Path("models/demo")
    if "MAKELEVEL" in os.environ:
        return "make demo KEEP=1" if is_default else f"make demo KEEP=1 MODEL={model}"
    return "datasurface demo --keep" if is_default else f"datasurface demo --keep --model {model}"


def _document(records: Any) -> str:
    facts = [{"kind": type(record).__name__} | dataclasses.asdict(record) for record in records]
    return json.dumps({"v": 1, "records": facts}, indent=2, ensure_ascii=False, default=str)
