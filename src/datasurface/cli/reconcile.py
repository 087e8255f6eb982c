"""`datasurface reconcile-workspace-views`: bring the consumers' views to what the last merge stored, and try them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from datasurface.errors import ExitStatus

if TYPE_CHECKING:
    from datasurface.yellow.engine.links import Links
    from datasurface.yellow.engine.views.reader_checks import ReaderAnswer
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
@click.option(
    "--wait-for-revision-seconds",
    type=click.FloatRange(min=0),
    help="Ask for an applied revision, and wait so long for the first one, the database and its initialisation.",
)
@click.option("--check-readers", is_flag=True, help="Then SELECT from every view as its workspace's role.")
@click.option("--json", "as_json", is_flag=True, help="Print what became of each view as one JSON document.")
@click.pass_context
def command(
    ctx: click.Context,
    *,
    platform: str | None,
    wait_seconds: float,
    wait_for_revision_seconds: float | None,
    check_readers: bool,
    as_json: bool,
) -> None:
    """Bring every view to what the last model merge asked for, and print what became of each.

    Views that are right are not touched, and none but those that the platform made. Exit status: 0 all well, 1 a view
    failed or did not answer its reader, 75 a merge is under way or no revision came.
    """
    from datasurface.cli.connected import connected
    from datasurface.model import codec
    from datasurface.yellow.engine.views import reader_checks

    links = connected("reconcile-workspace-views")
    outcome = _reconciled(links, platform, wait_seconds, wait_for_revision_seconds)
    answers = reader_checks.ask(links, platform=platform) if check_readers else None
    is_ok = outcome.is_ok and all(answer.is_ok for answer in answers or ())
    if as_json:
        asked = {} if answers is None else {"readers": answers}
        click.echo(codec.dumps({"v": 1, "is_ok": is_ok, **_fields(outcome), **asked}, indent=2))
    else:
        _show(outcome)
        _show_answers(answers)
    ctx.exit(ExitStatus.DONE if is_ok else ExitStatus.FINDINGS)


def _reconciled(
    links: "Links", platform: str | None, wait_seconds: float, revision_seconds: float | None
) -> "WorkspaceViews":
    """Reconcile; with `revision_seconds` as soon as a revision is applied."""
    from datasurface.runtime import logs, waiting
    from datasurface.yellow.engine.control import revisions
    from datasurface.yellow.engine.views import workspace_views

    def attempt() -> "WorkspaceViews":
        with links.apply() as session:
            revisions.refuse_before_first(session, links.schema)
        return workspace_views.reconcile(links, platform=platform, wait_seconds=wait_seconds)

    if revision_seconds is None:
        return workspace_views.reconcile(links, platform=platform, wait_seconds=wait_seconds)
    return waiting.until_it_works(
        attempt, seconds=revision_seconds, log=logs.logger("views"), is_worth_waiting=waiting.comes_with_init
    )


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


def _show_answers(answers: "Sequence[ReaderAnswer] | None") -> None:
    if answers is None:
        return
    for answer in answers:
        click.echo(f"{'answers' if answer.is_ok else 'silent':<10} {answer.database}: {answer.view} as {answer.reader}")
        if answer.reason is not None:
            click.echo(f"           {answer.reason}")
    click.echo(f"Summary: {sum(answer.is_ok for answer in answers)} of {len(answers)} views answer their readers")
