"""`datasurface model watch LINK`: apply what the link leads to, now and whenever it changes."""

from pathlib import Path

import click


@click.command("watch")
@click.argument("link", type=click.Path(path_type=Path))
@click.option("--loader", required=True, metavar="URL", help="The loader service, like http://host:8080.")
@click.option(
    "--interval-seconds",
    type=click.FloatRange(min=0.05, max=60),
    default=2.0,
    show_default=True,
    help="How long to pause between two looks at the link.",
)
@click.option(
    "--wait-seconds",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    help="How long to wait for another merge, and for jobs and readers of what changes; then it is tried again.",
)
@click.option("--alive-file", type=click.Path(path_type=Path), help="File to touch every second, for a probe.")
@click.option(
    "--installation",
    type=click.Path(path_type=Path),
    help="File with the image, namespace, secrets and resources of the jobs. Default: DATASURFACE_INSTALLATION.",
)
def command(
    link: Path,
    loader: str,
    interval_seconds: float,
    wait_seconds: float,
    alive_file: Path | None,
    installation: Path | None,
) -> None:
    """Apply the model in the directory that LINK leads to, now and whenever the link is turned to another one.

    Runs until it is asked to end. What is away or in use is waited for; a model with findings is recorded as refused
    and changes nothing.
    """
    from datasurface.cli.connected import connected
    from datasurface.loader import remote
    from datasurface.runtime.model_sync.attempt import Attempts
    from datasurface.runtime.model_sync.service import Service
    from datasurface.runtime.model_sync.watch import Watch
    from datasurface.runtime.settings import read_settings
    from datasurface.yellow.plan.installation import read_installation

    links = connected("model watch")
    file = installation or read_settings().installation
    if file:
        read_installation(file)
    attempts = Attempts(
        links=links,
        runner=remote.runner(loader),
        installation_file=file,
        wait_seconds=wait_seconds,
    )
    watch = Watch(link=link, attempts=attempts)
    Service(watch, links, interval_seconds=interval_seconds, alive_file=alive_file).run()
