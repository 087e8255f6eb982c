"""A stream that the site suspends in the installation's file is told as such, and is no failure."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from psycopg2 import sql

from datasurface.cli.main import cli
from datasurface.errors import ExitStatus
from tests.db.installation import Installation

DEMO = Path(__file__).parents[2] / "models" / "demo"
STREAM = "YellowLive/Store1"


@pytest.fixture
def datasurface(installation: Installation, tmp_path: Path):
    """Run a command where the installation's file suspends one of the demo's two streams; both are late by hours."""
    installed = tmp_path / "installation.json"
    document = {"v": 1, "image": "i:1", "namespace": "data"}
    environment = {
        "DATASURFACE_CONNECTIONS": str(installation.connections_path),
        "DATASURFACE_INSTALLATION": str(installed),
    }

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, [*arguments], env=environment)

    installed.write_text(json.dumps(document))
    installation.make_demo_source()
    assert run("model", "apply", str(DEMO)).exit_code == ExitStatus.DONE
    job = ("job", "snapshot-merge", "--store", "Store1", "--budget-seconds", "0", "--platform")
    assert run(*job, "YellowForensic").exit_code == ExitStatus.DONE
    installed.write_text(json.dumps({**document, "streams": {STREAM: {"suspended": True}}}))
    assert run("model", "apply", str(DEMO)).exit_code == ExitStatus.DONE
    execute(installation, "UPDATE public.ds_revision SET applied_at = applied_at - interval '9 hours'")
    return run


def execute(installation: Installation, statement: str | sql.Composable) -> None:
    """Run a statement as the superuser of the merge database."""
    with installation.session("admin") as session, session.raw.cursor() as cursor:
        cursor.execute(statement)
        session.commit()


@pytest.mark.row("K10")
def test_status_shows_it_and_breaks_no_promise(datasurface):
    """Its line says so instead of late, and the exit status is that of the others."""
    shown, parsed = datasurface("status"), datasurface("status", "--json")

    assert shown.exit_code == ExitStatus.DONE, shown.output
    (line,) = [line for line in shown.stdout.splitlines() if line.startswith("YellowLive ")]
    assert line.endswith("new, suspended")
    assert {each["platform"]: each["is_suspended"] for each in json.loads(parsed.stdout)["streams"]} == {
        "YellowForensic": False,
        "YellowLive": True,
    }


@pytest.mark.row("K10")
def test_doctor_notes_it(datasurface):
    """A note with the stream's name; nothing failed."""
    document = json.loads(datasurface("doctor", "--json").stdout)

    told = {check["verdict"]: check for check in document["checks"] if check["group"] == "streams"}
    assert set(told) == {"ok", "note"}
    assert told["note"]["title"] == "YellowLive: every stream runs"
    assert told["note"]["evidence"] == "the installation's file suspends Store1"


def test_without_the_right_to_know_a_stream_counts_as_running(datasurface, installation):
    """An installation whose rights are older is told about as before."""
    statement = sql.SQL("REVOKE SELECT ON public.yellowlive_airflow_dsg FROM {}")
    execute(installation, statement.format(sql.Identifier(installation.roles.monitor)))

    assert datasurface("status").exit_code == ExitStatus.FINDINGS
