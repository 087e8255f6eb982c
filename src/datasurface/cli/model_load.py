"""`datasurface model load PATH`: the isolated loader, once; `--serve` is the same for others, over HTTP."""

import os
from collections.abc import Sequence
from pathlib import Path

import click

from datasurface.errors import ExitStatus
from datasurface.loader import LoadedModel, ModelNotLoaded, load
from datasurface.model import codec


@click.command("load")
@click.argument("path", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the whole model as one JSON document.")
@click.option("--serve", metavar="HOST:PORT", help="Serve loads of other pods over HTTP instead of loading PATH.")
@click.option(
    "--wipe",
    multiple=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory that is this service's alone, as in a container: ALL that it holds goes, now and after each load.",
)
@click.pass_context
def command(ctx: click.Context, path: Path | None, as_json: bool, serve: str | None, wipe: tuple[Path, ...]) -> None:
    """Run eco.py of the directory PATH in a process of its own and print the model that it gives.

    The document holds "v", "revision", "ecosystem", "mapping" and "mapping_findings", or "v" and "problem" where eco.py
    gives no model; then the exit status is 1. The model is read, not checked: `datasurface lint` does that.
    """
    if (path is None) == (serve is None):
        raise click.UsageError("give either the directory PATH or --serve")
    if wipe and serve is None:
        raise click.UsageError("--wipe goes with --serve alone")
    if serve is not None:
        _serve(serve, wipe)
    elif path is not None:
        _load(ctx, path, as_json=as_json)


def _serve(address: str, own_directories: Sequence[Path]) -> None:
    from datasurface.loader import tree_archive
    from datasurface.runtime import logs, web_server
    from datasurface.runtime.model_service import loader_service, own_process
    from datasurface.runtime.settings import read_settings

    settings = read_settings()
    logs.configure(settings.log_format, settings.log_level)
    own_process.shield()
    limits = loader_service.service_limits()
    service = loader_service.LoaderService(
        limits=limits,
        own_directories=own_directories,
        is_closed_to_own_pod=os.getpid() == own_process.FIRST_PID,
    )
    web_server.serve(
        service,
        web_server.bind_of(address),
        web_server.ServerLimits(
            request_bytes=tree_archive.largest_bytes(limits), answer_bytes=2 * limits.answer_bytes, idle_seconds=30
        ),
        name="loader",
    )


def _load(ctx: click.Context, path: Path, *, as_json: bool) -> None:
    from datasurface.cli.lint import note_printed

    try:
        loaded = load(path)
    except ModelNotLoaded as refusal:
        if not as_json:
            raise
        click.echo(codec.dumps({"v": 1, "problem": refusal.finding}))
        ctx.exit(ExitStatus.FINDINGS)
    if as_json:
        click.echo(_document(loaded))
        return
    note_printed(loaded.printed_bytes)
    click.echo(f"{summary(loaded)}\nrevision {loaded.revision}")


def summary(loaded: LoadedModel) -> str:
    """`Test: 1 store, 2 datasets, 2 platforms, 1 workspace`."""
    ecosystem = loaded.ecosystem
    counts = {
        "store": sum(1 for _ in ecosystem.stores()),
        "dataset": sum(1 for _ in ecosystem.datasets()),
        "platform": len(ecosystem.data_platforms),
        "workspace": sum(1 for _ in ecosystem.workspaces()),
    }
    return f"{ecosystem.name}: {', '.join(f'{n} {word}' if n == 1 else f'{n} {word}s' for word, n in counts.items())}"


def _document(loaded: LoadedModel) -> str:
    return codec.dumps(
        {
            "v": 1,
            "revision": loaded.revision,
            "ecosystem": loaded.ecosystem,
            "mapping": loaded.mapping,
            "mapping_findings": loaded.mapping_findings,
        }
    )
