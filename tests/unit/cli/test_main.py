"""The command line as a whole: what it offers, and how an error ends."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

import datasurface
from datasurface.cli import main
from datasurface.cli.groups import CommandGroup, Listed, RootGroup
from datasurface.errors import ModelError, StateError, TransientError, UsageError

HEAVY = ("psycopg2", "sqlalchemy", "pydantic", "rich", "structlog")


def group_that(work) -> RootGroup:
    """A command line with one command `do`, which calls `work`."""
    group = RootGroup("tool", {"do": Listed("nowhere", "Does it.")})

    @click.command("do")
    @click.option("--number", type=int)
    def do(number: int | None) -> None:
        work()

    group.listed = {"do": Loaded("nowhere", "Does it.", do)}
    return group


class Loaded(Listed):
    """A command that is there already."""

    def load(self) -> click.Command:
        return self.attribute


def ended(work, *arguments: str):
    return CliRunner().invoke(group_that(work), arguments or ("do",))


def fail(error: BaseException):
    def work() -> None:
        raise error

    return work


def listed_commands(group: CommandGroup, path: tuple[str, ...] = ()):
    for name in group.listed:
        command = group.get_command(click.Context(group), name)
        yield (*path, name), command
        if isinstance(command, CommandGroup):
            yield from listed_commands(command, (*path, name))


def test_help_lists_every_command_without_importing_one():
    """`datasurface --help` is quick because nothing heavy is loaded for it."""
    program = (
        "import sys\nfrom datasurface.cli.main import cli\n"
        "try:\n    cli(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )

    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert shown.splitlines()[-1] == "[]"
    assert all(f"  {name} " in shown for name in main.COMMANDS)


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_every_command_has_help(flag):
    """Every command that is listed can be imported and explains itself; each has --verbose."""
    for path, command in listed_commands(main.cli):
        shown = CliRunner().invoke(main.cli, [*path, flag])

        assert shown.exit_code == 0, path
        assert shown.stdout.startswith("Usage: "), path
        assert "--verbose" in shown.stdout, path
        assert command.help, path


def test_version_is_the_package_s():
    """`datasurface --version`."""
    assert CliRunner().invoke(main.cli, ["--version"]).stdout == f"datasurface {datasurface.__version__}\n"


@pytest.mark.parametrize("arguments", [["nothing"], ["audit", "--unknown"], ["job", "nothing"]], ids=" ".join)
def test_wrong_arguments_are_usage_errors(arguments):
    """Exit status 2 and a usage line on stderr."""
    shown = CliRunner().invoke(main.cli, arguments)

    assert (shown.exit_code, shown.stdout) == (2, "")
    assert shown.stderr.startswith("Usage: ")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ModelError("the model is wrong"), 1),
        (UsageError("the arguments are wrong"), 2),
        (StateError("the state is wrong"), 3),
        (TransientError("the server is away"), 75),
    ],
    ids=lambda value: type(value).__name__,
)
def test_error_is_one_message_on_stderr_and_its_status(error, status):
    """stdout stays for facts."""
    shown = ended(fail(error))

    assert (shown.exit_code, shown.stdout, shown.stderr) == (status, "", f"error: {error.message}\n")


def test_fix_stands_on_its_own_line():
    """What to do is easy to find."""
    shown = ended(fail(StateError("batch 4 is staged", fix="Run `datasurface reset-batch-state`")))

    assert shown.stderr == "error: batch 4 is staged\n  fix: Run `datasurface reset-batch-state`\n"


@pytest.mark.parametrize("arguments", [("do", "--verbose"), ("--verbose", "do")], ids=["command", "group"])
def test_verbose_shows_what_an_error_came_from(arguments):
    """Frames and types, without the text of an error that may quote a row."""

    def work() -> None:
        try:
            raise ValueError("SECRET-7")
        except ValueError as error:
            raise ModelError("the value does not fit") from error

    shown = ended(work, *arguments)

    assert shown.exit_code == 1
    assert "ValueError" in shown.stderr
    assert "test_main.py" in shown.stderr
    assert "SECRET-7" not in shown.stderr.replace('raise ValueError("SECRET-7")', "")
    assert "ValueError" not in ended(work).stderr


def test_unforeseen_error_exits_70_and_says_only_its_type():
    """A traceback is for --verbose; the text of the error is for nobody."""
    shown = ended(fail(ValueError("SECRET-7")))

    assert shown.exit_code == 70
    assert shown.stderr.startswith("error: ValueError, which nobody foresaw\n")
    assert "SECRET-7" not in shown.stderr + shown.stdout


def test_interrupted_command_can_be_tried_again():
    """Ctrl+C is no error of the model."""
    assert ended(fail(KeyboardInterrupt())).exit_code == 75


def test_exit_status_of_a_command_is_kept():
    """A command that found something exits by itself."""
    assert ended(lambda: click.get_current_context().exit(1)).exit_code == 1
