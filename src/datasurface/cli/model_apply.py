"""`datasurface model apply PATH`: put one revision of a directory into the databases."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from datasurface.errors import ExitStatus

if TYPE_CHECKING:
    from datasurface.loader import ModelNotLoaded
    from datasurface.yellow.engine.links import Links
    from datasurface.yellow.engine.model_merge.model_apply import ApplyOutcome


@click.command("apply")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--wait-seconds",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    help="How long to wait for another merge, and for jobs and readers of what changes.",
)
@click.option(
    "--installation",
    type=click.Path(path_type=Path),
    help="File with the image, namespace, secrets and resources of the jobs. Default: DATASURFACE_INSTALLATION.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON document.")
@click.pass_context
def command(ctx: click.Context, path: Path, wait_seconds: float, installation: Path | None, as_json: bool) -> None:
    """Put the model in the directory PATH into the databases: tables, views, stream plans and DAG rows.

    A model with findings changes nothing. Exit status: 0 applied, 1 refused or a view of another database failed,
    75 something is in use: apply again.
    """
    from datasurface.cli.connected import connected
    from datasurface.cli.lint import note_printed
    from datasurface.loader import ModelNotLoaded, load
    from datasurface.runtime.settings import read_settings
    from datasurface.yellow.engine.model_merge import model_apply
    from datasurface.yellow.plan.installation import read_installation

    links = connected("model apply")
    file = installation or read_settings().installation
    installed = read_installation(file) if file else None
    try:
        loaded = load(path)
    except ModelNotLoaded as refusal:
        _refuse(links, path, refusal, as_json=as_json)
        ctx.exit(ExitStatus.FINDINGS)
    if not as_json:
        note_printed(loaded.printed_bytes)
    outcome = model_apply.apply_revision(links, loaded, installed, wait_seconds=wait_seconds)
    _show(outcome, as_json=as_json)
    ctx.exit(_status(outcome))


def _status(outcome: "ApplyOutcome") -> ExitStatus:
    from datasurface.yellow.engine.control.control_tables import RevisionOutcome

    if outcome.outcome is RevisionOutcome.WAITING:
        return ExitStatus.TRANSIENT
    is_done = outcome.outcome is RevisionOutcome.APPLIED and all(consumer.is_ok for consumer in outcome.consumers)
    return ExitStatus.DONE if is_done else ExitStatus.FINDINGS


def _refuse(links: "Links", path: Path, refusal: "ModelNotLoaded", *, as_json: bool) -> None:
    """Say and record that eco.py gave no model; a directory that cannot be read has no revision to record."""
    from datasurface.cli.findings import show
    from datasurface.cli.lint import note_printed
    from datasurface.loader import Commit, revision_of
    from datasurface.model import codec
    from datasurface.yellow.engine.model_merge import model_apply

    if as_json:
        click.echo(codec.dumps({"v": 1, "outcome": "refused", "findings": [refusal.finding]}, indent=2))
    else:
        note_printed(refusal.printed_bytes)
        show([refusal.finding])
        click.echo("nothing changes")
    if (path / "eco.py").is_file():
        model_apply.refuse(links, Commit(revision=revision_of(path)), [refusal.finding])


def _show(outcome: "ApplyOutcome", *, as_json: bool) -> None:
    from datasurface.cli.findings import show
    from datasurface.model import codec
    from datasurface.yellow.engine.control.control_tables import RevisionOutcome
    from datasurface.yellow.engine.model_merge import model_summary
    from datasurface.yellow.engine.model_merge.model_findings import errors

    if as_json:
        click.echo(codec.dumps(_document(outcome), indent=2))
        return
    if outcome.outcome is RevisionOutcome.APPLIED:
        click.echo(model_summary.headline(outcome))
        click.echo(f"  {model_summary.figures(outcome)}")
    else:
        show(errors(outcome.findings))
        stays = "nothing is deployed" if outcome.parent is None else f"deployed revision stays {outcome.parent}"
        click.echo(f"revision {outcome.revision} {outcome.outcome}: nothing changes ({stays})")
    for consumer in outcome.consumers:
        if consumer.reason is not None:
            click.echo(f"  {consumer.database}: {consumer.reason}", err=True)
        for view in consumer.views.results:
            if view.reason is not None:
                click.echo(f"  {consumer.database}: {view.name}: {view.reason}", err=True)
    if any(not consumer.is_ok for consumer in outcome.consumers):
        click.echo("  `datasurface reconcile-workspace-views` tries these again", err=True)


def _document(outcome: "ApplyOutcome") -> dict[str, Any]:
    from datasurface.yellow.engine.model_merge import model_summary

    return {
        "v": 1,
        "outcome": outcome.outcome,
        "revision": outcome.revision,
        "parent": outcome.parent,
        "findings": outcome.findings,
        "changes": model_summary.sentences(outcome.changes),
        "counts": outcome.counts,
        "waiting_for": outcome.waiting_for,
        "consumers": outcome.consumers,
        "seconds": round(outcome.seconds, 3),
    }
