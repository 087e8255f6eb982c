"""`datasurface reconcile-workspace-views`: bring the consumers' views to what the last merge stored."""

from typing import TYPE_CHECKING

import click

from datasurface.errors import ExitStatus

if TYPE_CHECKING:
    from datasurface.yellow.engine.views.view_reconcile import Reconciliation
    from datasurface.yellow.engine.views.workspace_views import WorkspaceViews


@click.command("reconcile-workspace-views")
@click.option("--platform", help="Only views of this platform, by its name in the model or its safe name.")
@click.option(
    "--wait-seconds",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    help="How long to wait for readers of views that change.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what became of each view as one JSON document.")
@click.pass_context
def command(ctx: click.Context, platform: str | None, wait_seconds: float, as_json: bool) -> None:
    """Bring every view to what the last model merge asked for, and print what became of each.

    Views that are right are not touched, and none but those that the platform made. Exit status: 0 all well, 1 a view
    failed, 75 a merge is under way.
    """
    from datasurface.cli.connected import connected
    from datasurface.model import codec
    from datasurface.yellow.engine.views import workspace_views

    outcome = workspace_views.reconcile(
        connected("reconcile-workspace-views"), platform=platform, wait_seconds=wait_seconds
    )
    if as_json:
        click.echo(codec.dumps({"v": 1, "is_ok": outcome.is_ok, **_fields(outcome)}, indent=2))
    else:
        _show(outcome)
    ctx.exit(ExitStatus.DONE if outcome.is_ok else ExitStatus.FINDINGS)


def _fields(outcome: "WorkspaceViews") -> dict[str, object]:
    return {"views": outcome.views.results, "counts": outcome.views.counts, "consumers": outcome.consumers}


def _show(outcome: "WorkspaceViews") -> None:
    _show_views(outcome.views, "")
    for consumer in outcome.consumers:
        if consumer.reason is not None:
            click.echo(f"failed     {consumer.database}: {consumer.reason}")
        _show_views(consumer.views, f"{consumer.database}: ")


def _show_views(views: "Reconciliation", where: str) -> None:
    for view in views.results:
        click.echo(f"{view.action:<10} {where}{view.name}")
        if view.reason is not None:
            click.echo(f"           {view.reason}")
    summary = ", ".join(f"{count} {action}" for action, count in views.counts.items())
    click.echo(f"Summary: {where}{summary}")
