"""`datasurface reset-batch-state`: let go of what an unfinished batch left behind."""

import json

import click

from datasurface.errors import DatasurfaceError, ExitStatus


@click.command("reset-batch-state")
@click.option("--platform", required=True, help="The platform, by its name in the model or its safe name.")
@click.option("--store", required=True, help="The datastore.")
@click.option("--dataset", help="The dataset, where those of the store are captured one by one.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
@click.pass_context
def command(ctx: click.Context, platform: str, store: str, dataset: str | None, as_json: bool) -> None:
    """Let go of an unfinished batch: its staging rows go, and the next run begins it again under the same id.

    Answers SUCCESS, or `ERROR: …` and changes nothing. A committed batch is never reset. Exit status: 0 reset,
    1 no such stream, 3 no batch that could be reset, 75 the stream is at work.
    """
    from datasurface.cli.connected import connected
    from datasurface.yellow.engine.batch import reset

    fix, status = None, ExitStatus.DONE
    try:
        answer = reset.reset_batch_state(connected("reset"), platform, store, dataset)
    except DatasurfaceError as error:
        answer, fix, status = reset.answer(error), error.fix, error.exit_status
    click.echo(json.dumps({"v": 1, "answer": answer, "fix": fix}, ensure_ascii=False) if as_json else answer)
    if fix and not as_json:
        click.echo(f"  fix: {fix}", err=True)
    ctx.exit(status)
