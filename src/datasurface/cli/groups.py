"""Groups that import a command only to run it, and the one place where an error becomes text and an exit status."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import click

from datasurface.errors import DatasurfaceError, ExitStatus

#: Where a context's `meta`, which commands and their groups share, has whether causes are shown.
_VERBOSE: Final = "datasurface.verbose"
_CONTEXT: Final = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@dataclass(frozen=True, slots=True)
class Listed:
    """A command that a group offers: the module that has it as `attribute`, and its line of the help."""

    module: str
    summary: str
    attribute: str = "command"

    def load(self) -> click.Command:
        """Import the command."""
        found: click.Command = getattr(importlib.import_module(self.module), self.attribute)
        return found


class CommandGroup(click.Group):
    """A group that knows its commands by name, and imports the one that is called; each of them has `--verbose`."""

    def __init__(self, name: str, listed: Mapping[str, Listed], **settings: Any) -> None:
        super().__init__(name, context_settings=dict(_CONTEXT), **settings)
        self.listed = listed

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the help."""
        return list(self.listed)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command of that name."""
        if cmd_name not in self.listed:
            return None
        command = self.listed[cmd_name].load()
        if not any(parameter.name == "verbose" for parameter in command.params):
            command.params.append(_verbose_option())
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands with their lines, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, listed.summary) for name, listed in self.listed.items()])


class RootGroup(CommandGroup):
    """The outermost group: whatever a command raises ends as one message on stderr and an exit status."""

    def __init__(self, name: str, listed: Mapping[str, Listed], **settings: Any) -> None:
        super().__init__(name, listed, **settings)
        self.params.append(_verbose_option())

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; click itself deals with usage errors and with the status of `Exit`."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise
        except KeyboardInterrupt:
            click.echo("interrupted; run it again", err=True)
            ctx.exit(ExitStatus.TRANSIENT)
        except DatasurfaceError as error:
            report(error, with_causes=ctx.meta.get(_VERBOSE, False))
            ctx.exit(error.exit_status)
        except Exception as error:
            unforeseen = DatasurfaceError(
                f"{type(error).__name__}, which nobody foresaw", fix="--verbose shows where; please report it"
            )
            unforeseen.__cause__ = error
            report(unforeseen, with_causes=ctx.meta.get(_VERBOSE, False))
            ctx.exit(ExitStatus.UNHANDLED)


def report(error: DatasurfaceError, *, with_causes: bool) -> None:
    """Say on stderr what is wrong and what to do; with `with_causes` also where it came from, without data."""
    click.echo(f"error: {error.message}", err=True)
    if error.fix:
        click.echo(f"  fix: {error.fix}", err=True)
    if with_causes:
        from datasurface.runtime import logs

        click.echo(logs.frames(error), err=True)


def _verbose_option() -> click.Option:
    return click.Option(
        ["--verbose"],
        is_flag=True,
        expose_value=False,
        callback=_note_verbose,
        help="Show what an error came from.",
    )


def _note_verbose(ctx: click.Context, _option: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta[_VERBOSE] = True
