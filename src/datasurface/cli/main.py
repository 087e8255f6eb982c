"""The command `datasurface`: which commands there are, and how each of them ends.

A command parses, calls one function and prints. It is imported when it is called, so that `--help` costs nothing.
"""

import signal
from typing import Final

import click

from datasurface.cli.groups import CommandGroup, Listed, RootGroup

#: The commands in the order of the help: where each is, and what it does.
COMMANDS: Final = {
    "demo": Listed("datasurface.cli.demo", "The tour of the platform on an embedded PostgreSQL."),
    "init": Listed("datasurface.cli.init", "Make databases, roles, functions and the demo source; idempotent."),
    "lint": Listed("datasurface.cli.lint", "Check a model and report every finding."),
    "plan": Listed("datasurface.cli.plan", "Show what a model asks for, and what would change."),
    "model": Listed("datasurface.cli.main", "Load a model, or put it into the databases.", attribute="model"),
    "modelrepo": Listed("datasurface.cli.main", "The model repository of an installation.", attribute="modelrepo"),
    "job": Listed("datasurface.cli.main", "What runs in a pod.", attribute="job"),
    "chart": Listed("datasurface.cli.main", "The part that a model takes in the chart.", attribute="chart"),
    "reset-batch-state": Listed("datasurface.cli.reset", "Let go of an unfinished batch, which then begins again."),
    "reconcile-workspace-views": Listed("datasurface.cli.reconcile", "Bring the consumers' views to the plan."),
    "audit": Listed("datasurface.cli.audit", "Prove that the merge tables are what the batches recorded."),
    "status": Listed("datasurface.cli.status", "Streams, how fresh they are, and what failed."),
    "doctor": Listed("datasurface.cli.doctor", "What keeps an installation from working, and what to run."),
}

model = CommandGroup(
    "model",
    {
        "load": Listed("datasurface.cli.model_load", "Run eco.py in a process of its own and print the model as JSON."),
        "apply": Listed("datasurface.cli.model_apply", "Put one revision of a model into the databases."),
        "watch": Listed("datasurface.cli.model_watch", "Apply what a link leads to, now and whenever it changes."),
    },
    help="Load a model, or put it into the databases.",
)

modelrepo = CommandGroup(
    "modelrepo",
    {
        "init": Listed("datasurface.cli.model_repository", "Make it, once, with a first model.", "init"),
        "serve": Listed("datasurface.cli.model_repository", "Serve it by git over HTTP.", "serve"),
        "hook": Listed("datasurface.cli.model_repository", "Check a push; called by git.", "hook"),
    },
    help="The model repository that an installation brings with it.",
)

job = CommandGroup(
    "job",
    {"snapshot-merge": Listed("datasurface.cli.job", "One run of an ingestion stream.")},
    help="What runs in a pod.",
)

chart = CommandGroup(
    "chart",
    {
        "schema": Listed("datasurface.cli.chart", "Print the schema of the values, with the model's names.", "schema"),
        "values": Listed("datasurface.cli.chart", "Print the values that the model makes a site set.", "values"),
        "package": Listed("datasurface.cli.chart", "Make a chart of a site's own, with its model.", "package"),
    },
    help="The part that a model takes in the chart.",
)

cli = RootGroup(
    "datasurface",
    COMMANDS,
    help="A data landscape described as a model, and the platform that makes it true.",
    epilog="Exit status: 0 done, 1 findings or a model error, 2 usage, 3 an operator must choose, 75 try again.",
)
cli = click.version_option(
    None, "-V", "--version", package_name="datasurface", prog_name="datasurface", message="%(prog)s %(version)s"
)(cli)


def main() -> None:
    """Run the command line of this process and exit with its status; SIGTERM ends it as Ctrl+C does."""
    # The first process of a container ignores every signal that it has no handler for.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    cli.main(prog_name="datasurface")
