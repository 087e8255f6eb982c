"""`datasurface plan MODEL`: what a model asks for, as tables for people or as JSON."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from datasurface.errors import ModelError
from datasurface.lint.check import check
from datasurface.loader import load
from datasurface.loader.loaded_model import LoadedModel
from datasurface.model import codec
from datasurface.runtime.settings import read_settings
from datasurface.yellow.plan.ecosystem_plan import EcosystemPlan, plan_ecosystem
from datasurface.yellow.plan.findings import findings
from datasurface.yellow.plan.installation import read_installation
from datasurface.yellow.plan.tables import ColumnPlan, TablePlan

WIDTH: Final = 100
#: Digits of a hash that a person compares.
SHOWN_DIGITS: Final = 12


@click.command("plan")
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--installation",
    type=click.Path(path_type=Path),
    help="File with the image, namespace, secrets and resources of the jobs. Default: DATASURFACE_INSTALLATION.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the whole plan as one JSON document.")
def command(model: Path, installation: Path | None, as_json: bool) -> None:
    """Show what the model in the directory MODEL asks for: streams, tables, views and DAG rows. Nothing is changed."""
    loaded = load(model)
    refuse_findings(loaded, model)
    path = installation or read_settings().installation
    plan = plan_ecosystem(loaded.ecosystem, loaded.mapping, read_installation(path) if path else None)
    if as_json:
        click.echo(codec.dumps(plan, indent=2))
        return
    console = Console(width=min(Console().width, WIDTH) if Console().is_terminal else WIDTH, highlight=False)
    console.print(_headline(plan), markup=False)
    for table in _tables(plan):
        console.print()
        console.print(table)


def refuse_findings(loaded: LoadedModel, model: Path) -> None:
    """Raise ModelError for a model that lint refuses: its plan would say what never comes."""
    report = check(loaded.ecosystem, loaded.mapping, loaded.mapping_findings)
    count = len(report.errors) + len(findings(loaded.ecosystem, loaded.mapping))
    if count:
        raise ModelError(
            f"the model {model} has {counted(count, 'finding')} and is not planned",
            fix=f"`datasurface lint {model}` says where and what to change",
        )


def _headline(plan: EcosystemPlan) -> str:
    tables = sum(len(stream.tables) for stream in plan.streams)
    counts = (
        counted(len(plan.platforms), "platform"),
        counted(len(plan.streams), "stream"),
        counted(tables, "table"),
        counted(len(plan.views), "view"),
        counted(len(plan.workspaces), "workspace"),
    )
    return f"{plan.ecosystem}: {', '.join(counts)}\nplan {plan.plan_hash[:SHOWN_DIGITS]}"


def counted(count: int, word: str) -> str:
    """`1 stream`, `2 streams`."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _tables(plan: EcosystemPlan) -> Iterator[Table]:
    """The tables that have rows, in the order in which a plan comes about."""
    merge_tables = (_merge_table(table) for stream in plan.streams for table in stream.tables)
    of_each = (_platforms(plan), _streams(plan), *merge_tables, _views(plan), _dags(plan))
    return (table for table in of_each if table.row_count)


def _platforms(plan: EcosystemPlan) -> Table:
    rows = (
        (p.platform, p.platform_name, p.strategy, f"{p.merge_database} on {p.merge_host}:{p.merge_port}")
        for p in plan.platforms
    )
    return _table("Platforms", ("platform", "safe name", "keeps", "merge database"), rows)


def _streams(plan: EcosystemPlan) -> Table:
    rows = (
        (
            f"{s.platform}/{s.stream_key}",
            f"{s.source.database} on {s.source.host}:{s.source.port}",
            ", ".join(table.dataset for table in s.tables),
            f"{s.latency_seconds} s",
        )
        for s in plan.streams
    )
    return _table("Streams", ("stream", "reads", "datasets", "promise"), rows)


def _merge_table(table: TablePlan) -> Table:
    rows = ((column.name, column.sql_type, _remarks(column)) for column in table.columns)
    return _table(f"Table {table.merge_table}", ("column", "type", ""), rows)


def _remarks(column: ColumnPlan) -> str:
    """`key`, else `not null` where nulls are refused; `classified` where values stay out of logs."""
    duty = "key" if column.is_key else "not null" if column.is_required else ""
    return ", ".join(word for word in (duty, "classified" if column.is_classified else "") if word)


def _views(plan: EcosystemPlan) -> Table:
    rows = ((v.name, v.kind, f"{v.store}/{v.dataset}") for v in plan.views)
    return _table("Views", ("view", "shows", "of"), rows)


def _dags(plan: EcosystemPlan) -> Table:
    rows = (
        (row.config["dag_id"], row.config["schedule"] or "from outside", row.config["timezone"], row.status)
        for row in plan.dags
    )
    return _table("DAGs", ("DAG", "schedule", "zone", "status"), rows)


def _table(title: str, header: Iterable[str], rows: Iterable[tuple[str, ...]]) -> Table:
    """A table that folds what does not fit, so that nothing is lost, and takes no name for markup."""
    table = Table(title=Text(title), title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, show_edge=False)
    for name in header:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table
