"""`datasurface modelrepo …`: the model repository that an installation brings with it."""

import sys
from pathlib import Path

import click

from datasurface.errors import ExitStatus, ModelError


@click.command("init")
@click.option("--directory", required=True, type=click.Path(path_type=Path), help="Where the bare repository is.")
@click.option("--seed", type=click.Path(path_type=Path), help="Directory with the first model; none: it begins empty.")
@click.option("--branch", default="main", show_default=True, help="The branch that is deployed.")
def init(directory: Path, seed: Path | None, branch: str) -> None:
    """Make the repository with the seed as its first commit. One that is there keeps everything it holds."""
    from datasurface.runtime.model_repository import bare_repository

    _configure_log()
    is_made = bare_repository.prepare(directory.absolute(), seed, branch)
    click.echo(f"{directory} {'is made' if is_made else 'is there; nothing of it changes'}")


@click.command("serve")
@click.option("--directory", required=True, type=click.Path(path_type=Path), help="Where the bare repository is.")
@click.option("--bind", required=True, metavar="HOST:PORT", help="Where to listen.")
@click.option(
    "--credentials",
    required=True,
    type=click.Path(path_type=Path),
    help="Directory with the files username and password of who may read and push.",
)
@click.option("--loader", required=True, metavar="URL", help="The loader service, like http://host:8080.")
def serve(directory: Path, bind: str, credentials: Path, loader: str) -> None:
    """Serve the repository by git over HTTP until asked to end; a push is checked before it is taken."""
    from datasurface.loader import remote
    from datasurface.runtime import web_server
    from datasurface.runtime.model_repository.bare_repository import PUSH_BYTES
    from datasurface.runtime.model_repository.git_http import GitHttp

    _configure_log()
    remote.runner(loader)
    application = GitHttp(directory=directory.absolute(), credentials=credentials, loader=loader)
    limits = web_server.ServerLimits(request_bytes=PUSH_BYTES, connections=30, idle_seconds=60)
    web_server.serve(application, web_server.bind_of(bind), limits, name="model-repo")


@click.command("hook")
@click.pass_context
def hook(ctx: click.Context) -> None:
    """Check a push; git calls this as the repository's pre-receive hook, in the repository."""
    from datasurface.errors import TransientError
    from datasurface.loader import remote
    from datasurface.runtime.model_repository.push_check import PushCheck, updates
    from datasurface.runtime.settings import read_settings

    loader = read_settings().hook_loader
    if not loader:
        raise ModelError("a push is checked by `datasurface modelrepo serve` alone", fix="Push to its address")
    check = PushCheck(directory=Path.cwd(), runner=remote.runner(loader), say=_say)
    try:
        is_let_through = check.is_let_through(updates(sys.stdin))
    except TransientError as error:
        _say(f"datasurface: the push cannot be checked now, nothing changes: {error.message}")
        _say("        try again in a moment")
        ctx.exit(ExitStatus.FINDINGS)
    ctx.exit(ExitStatus.DONE if is_let_through else ExitStatus.FINDINGS)


def _say(line: str) -> None:
    click.echo(line, err=True)


def _configure_log() -> None:
    from datasurface.runtime import logs
    from datasurface.runtime.settings import read_settings

    settings = read_settings()
    logs.configure(settings.log_format, settings.log_level)
