"""`datasurface lint MODEL`: every finding of a model, for its author or as JSON."""

from pathlib import Path

import click

from datasurface.cli.findings import show
from datasurface.errors import ExitStatus
from datasurface.lint.check import check
from datasurface.lint.report import Finding, Report
from datasurface.loader import LoadedModel, ModelNotLoaded, load
from datasurface.model import codec
from datasurface.model.collection_pause import without_collection
from datasurface.yellow.plan import findings as physical_names


@click.command("lint")
@click.argument("model", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one JSON document.")
@click.pass_context
def command(ctx: click.Context, model: Path, as_json: bool) -> None:
    """Check the model in the directory MODEL and print every finding, with what to change.

    eco.py runs in a process of its own, like any Python program of yours. Exit status 1 if anything has to be changed;
    warnings alone leave it at 0.
    """
    try:
        loaded = load(model)
        report, printed_bytes = whole_report(loaded), loaded.printed_bytes
    except ModelNotLoaded as refusal:
        report, printed_bytes = Report((refusal.finding,)), refusal.printed_bytes
    if as_json:
        click.echo(codec.dumps({"v": 1, "findings": report.findings}, indent=2))
    else:
        note_printed(printed_bytes)
        show(report.findings)
    ctx.exit(ExitStatus.DONE if report.is_clean else ExitStatus.FINDINGS)


def whole_report(loaded: LoadedModel) -> Report:
    """What lint finds, and what the plan finds about the physical names."""
    report = check(loaded.ecosystem, loaded.mapping, loaded.mapping_findings)
    with without_collection():
        physical: list[Finding] = physical_names.findings(loaded.ecosystem, loaded.mapping)
    return Report(tuple(sorted([*report.findings, *physical], key=lambda finding: finding.rule)))


def note_printed(printed_bytes: int) -> None:
    """Say on stderr that eco.py printed something, which is shown nowhere."""
    if printed_bytes:
        click.echo(f"eco.py printed {printed_bytes} bytes, which are not shown", err=True)
