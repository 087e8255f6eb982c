"""`datasurface job snapshot-merge`: one run of an ingestion stream, as a pod or a person starts it."""

from typing import Any

import click


class JobCommand(click.Command):
    """A command whose result is reported also where its arguments are wrong or it cannot even begin."""

    def make_context(self, *arguments: Any, **extra: Any) -> click.Context:
        """Parse; wrong arguments are a result as well."""
        try:
            return super().make_context(*arguments, **extra)
        except click.UsageError as error:
            _report_failure(error.format_message())
            raise

    def invoke(self, ctx: click.Context) -> Any:
        """Run; what keeps the job from reporting by itself, a broken installation for one, is reported here."""
        try:
            return super().invoke(ctx)
        except click.exceptions.Exit:
            raise
        except BaseException:
            click.echo("DATASURFACE_RESULT_CODE=-1")
            raise


@click.command("snapshot-merge", cls=JobCommand)
@click.option("--platform", required=True, help="The platform, by its name in the model or its safe name.")
@click.option("--store", required=True, help="The datastore.")
@click.option("--dataset", help="The dataset, where those of the store are captured one by one.")
@click.option("--run-id", help="The same run twice has one effect.")
@click.option("--full", "in_full", is_flag=True, help="Compute every checksum from every row.")
@click.option(
    "--budget-seconds", type=click.FloatRange(min=0), help="Look again for so long. Default: as the platform says."
)
@click.pass_context
def command(
    ctx: click.Context,
    *,
    platform: str,
    store: str,
    dataset: str | None,
    run_id: str | None,
    in_full: bool,
    budget_seconds: float | None,
) -> None:
    """One run of an ingestion stream: compare its source with the merge tables and make batches of what changed.

    Prints a line per dataset of each batch and DATASURFACE_RESULT_CODE: 0 done, 1 keep working, -1 error. The result
    record goes to the file that DATASURFACE_RESULT_FILE names.
    """
    from datasurface.runtime.jobs import snapshot_merge
    from datasurface.yellow.engine.batch.run import RunRequest

    request = RunRequest(
        platform=platform,
        store=store,
        dataset=dataset,
        run_id=run_id or None,
        in_full=in_full,
        budget_seconds=budget_seconds,
    )
    ctx.exit(snapshot_merge.run_job(request, click.echo))


def _report_failure(message: str) -> None:
    from datasurface.errors import ModelError
    from datasurface.runtime.jobs import snapshot_merge
    from datasurface.yellow.engine.batch import run_result

    snapshot_merge.report(run_result.failed(None, ModelError(message)), click.echo)
