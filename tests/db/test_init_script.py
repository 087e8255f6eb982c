"""`datasurface init --print`: a script for psql that makes what `init` makes."""

import subprocess
from pathlib import Path

import pytest

from data_change_simulator import seed_sql, source_ddl
from datasurface.demo.embedded import EmbeddedServer
from datasurface.yellow.engine.init.init_plan import InitPlan
from datasurface.yellow.engine.init.run import initialise
from datasurface.yellow.engine.init.script import script
from datasurface.yellow.engine.init.step import Outcome
from tests.db.installation import rows


@pytest.fixture
def psql(bare_server: EmbeddedServer) -> list[str]:
    """A command line that runs a script on the server as its superuser."""
    program = bare_server.binaries / "psql"
    address = f"host={bare_server.endpoint().host} port={bare_server.port} user=postgres dbname=postgres"
    return [str(program), "--no-psqlrc", f"{address} passfile={bare_server.folder / 'pgpass'}"]


def run_script(
    psql: list[str], server: EmbeddedServer, text: str, *variables: str
) -> "subprocess.CompletedProcess[str]":
    """Run a script by psql."""
    passfile = server.folder / "pgpass"
    passfile.touch(mode=0o600)
    passfile.write_text(f"*:*:*:*:{server.login.password}\n")
    options = [part for variable in variables for part in ("-v", variable)]
    return subprocess.run([*psql, *options, "-f", "-"], input=text, text=True, capture_output=True, check=False)


def test_the_printed_script_makes_the_same(
    bare_server: EmbeddedServer, plan: InitPlan, psql: list[str], tmp_path: Path
) -> None:
    """After the script, run by psql twice, there is exactly what `init` itself leaves on a server."""
    text = script(plan)

    first, second = run_script(psql, bare_server, text), run_script(psql, bare_server, text)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "password of ds_job: left as it was" in first.stderr
    report = initialise(bare_server.endpoint(), bare_server.login, plan, tmp_path)
    assert [title for title in report.titles(Outcome.MADE) if not title.startswith("password of")] == []


def test_the_printed_script_takes_verifiers_as_variables(
    bare_server: EmbeddedServer, plan: InitPlan, psql: list[str]
) -> None:
    """A verifier that is handed to psql ends up with its role."""
    verifier = "SCRAM-SHA-256$4096:c2FsdHNhbHRzYWx0c2FsdA==$" + "A" * 43 + "=:" + "B" * 43 + "="

    outcome = run_script(psql, bare_server, script(plan), f"ds_job_verifier={verifier}")

    assert outcome.returncode == 0, outcome.stderr
    stored = rows(bare_server, "postgres", "SELECT rolpassword FROM pg_authid WHERE rolname = 'ds_job'")
    assert stored == [(verifier,)]


def test_the_printed_script_stops_at_a_misfit(bare_server: EmbeddedServer, plan: InitPlan, psql: list[str]) -> None:
    """The script makes the same check first, and ends with an error before it changes anything."""
    rows(bare_server, "postgres", "CREATE ROLE airflow SUPERUSER LOGIN")

    outcome = run_script(psql, bare_server, script(plan))

    assert outcome.returncode == 3
    assert "role airflow exists and has more rights than it may: SUPERUSER" in outcome.stderr
    assert rows(bare_server, "postgres", "SELECT rolname FROM pg_roles WHERE rolname ~ '^ds_'") == []


def test_demo_scripts_are_the_callers(plan: InitPlan) -> None:
    """The script holds the demo's statements as they were handed in."""
    assert plan.demo is not None
    assert plan.demo.ddl == source_ddl()
    assert seed_sql() in script(plan)
