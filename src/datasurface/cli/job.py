"""`datasurface job snapshot-merge`: one run of an ingestion stream, as a pod or a person starts it."""

import json
import os
import sys
from pathlib import Path
from typing import Any, Final

import click

from datasurface.runtime.jobs.stop_request import StopRequest

#: Airflow's ids of DAG and run have up to 250 characters each. What is longer does not fit into the record.
_MOST_RUN_ID_BYTES: Final = 1_000


class JobCommand(click.Command):
    """A command that hears of signals from its first moment, and reports also where it cannot even begin."""

    def make_context(self, *arguments: Any, **extra: Any) -> click.Context:
        """Parse; wrong arguments are a result as well."""
        stop = StopRequest()
        stop.take()
        try:
            ctx = super().make_context(*arguments, **extra)
        except click.UsageError as error:
            _report_failure(error.format_message())
            stop.give_back()
            raise
        except BaseException:
            stop.give_back()
            raise
        ctx.obj = stop
        ctx.call_on_close(stop.give_back)
        return ctx

    def invoke(self, ctx: click.Context) -> Any:
        """Run; what keeps the job from reporting by itself, a broken installation for one, is reported here."""
        try:
            return super().invoke(ctx)
        except click.exceptions.Exit:
            raise
        except BaseException as error:
            _last_resort(error, ctx.params.get("run_id"))
            raise


def _text(_ctx: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """An argument that is text and fits into a record. Bytes that are none arrive as lone surrogates."""
    try:
        size = len((value or "").encode())
    except UnicodeEncodeError:
        raise click.BadParameter("it is not UTF-8 text", param=option) from None
    if size > _MOST_RUN_ID_BYTES:
        raise click.BadParameter(f"it has {size} bytes, more than {_MOST_RUN_ID_BYTES}", param=option)
    return value


@click.command("snapshot-merge", cls=JobCommand)
@click.option(
    "--platform", required=True, callback=_text, help="The platform, by its name in the model or its safe name."
)
@click.option("--store", required=True, callback=_text, help="The datastore.")
@click.option("--dataset", callback=_text, help="The dataset, where those of the store are captured one by one.")
@click.option("--run-id", callback=_text, help="The same run twice has one effect.")
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
    ctx.exit(snapshot_merge.run_job(request, click.echo, ctx.obj))


def _report_failure(message: str) -> None:
    from datasurface.errors import ModelError, printable
    from datasurface.runtime.jobs import snapshot_merge
    from datasurface.yellow.engine.batch import run_result

    snapshot_merge.report(run_result.failed(None, ModelError(printable(message))), click.echo)


def _last_resort(error: BaseException, run_id: str | None) -> None:
    """Report with nothing but the standard library: what should have reported cannot be loaded.

    The text of an ImportError is the interpreter's; of anything else only the type is said.
    """
    told = f": {error}" if isinstance(error, ImportError) else ""
    record = {
        "v": 1, "rc": -1, "family": None, "outcome": "failed", "run_id": run_id, "batch_id": None,
        "inserted": 0, "updated": 0, "deleted": 0, "total": 0,
        "message": f"{type(error).__name__}{told}"[:1000],
    }  # fmt: skip
    file = os.environ.get("DATASURFACE_RESULT_FILE")
    if file:
        try:
            Path(file).write_text(json.dumps(record), encoding="utf-8")
        except OSError as refused:
            sys.stderr.write(f"the result cannot be written to {file}: {refused.strerror}\n")
    click.echo("DATASURFACE_RESULT_CODE=-1")
