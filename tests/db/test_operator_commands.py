"""An operator's day on the demo model: apply, run, look, audit, by commands alone and with the rights `init` gives."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from data_change_simulator.schema import evolve_sql
from datasurface.cli.main import cli
from tests.db.installation import Installation

MODELS = Path(__file__).parents[2] / "models"
BOTH = ("YellowForensic", "YellowLive")


@pytest.fixture
def datasurface(installation: Installation):
    """Run a command in this test's installation."""

    def run(*arguments: str) -> Result:
        environment = {"DATASURFACE_CONNECTIONS": str(installation.connections_path)}
        budget = ("--budget-seconds", "0") if arguments[0] == "job" else ()
        return CliRunner().invoke(cli, [*arguments, *budget], env=environment)

    return run


@pytest.fixture
def applied(datasurface, installation):
    """The same, with the demo model applied and batch 1 of both platforms made."""
    installation.make_demo_source()
    shown = datasurface("model", "apply", str(MODELS / "demo"))
    assert shown.exit_code == 0, shown.output
    for platform in BOTH:
        made = datasurface("job", "snapshot-merge", "--platform", platform, "--store", "Store1")
        assert made.exit_code == 0, made.output
    return datasurface


def change_source(installation: Installation, *statements: str) -> None:
    with installation.session("customer_writer", "source") as session:
        with session.raw.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        session.commit()


@pytest.mark.row("I16")
def test_both_platforms_run_look_well_and_are_proven(applied, installation):
    """Batch after batch on both platforms, each with its own tables; status and audit agree."""
    change_source(
        installation,
        "UPDATE public.customers SET email = NULL WHERE id = 'CUST001'",
        "DELETE FROM public.addresses WHERE id = 'ADDR008'",
    )
    for platform in BOTH:
        made = applied("job", "snapshot-merge", "--platform", platform.lower(), "--store", "Store1")
        assert made.stdout.splitlines()[-1] == "DATASURFACE_RESULT_CODE=1", made.output

    status = json.loads(applied("status", "--json").stdout)
    assert [(each["platform"], each["batch_id"], each["rows"]) for each in status["streams"]] == [
        (platform, 2, 12) for platform in BOTH
    ]
    proven = applied("audit")
    assert proven.exit_code == 0, proven.output
    assert proven.stdout.splitlines()[-1].startswith("audit  merge tables equal the 3 recorded batches; ")


@pytest.mark.row("I16", kind="refusal")
def test_platform_that_fails_leaves_the_other_one_alone(applied, installation):
    """A damaged table of one platform is found there, and the other one makes its next batch and is proven."""
    with installation.session("admin") as session:
        with session.raw.cursor() as cursor:
            cursor.execute("ALTER TABLE public.yellowlive_store1_customers_merge RENAME TO gone")
        session.commit()
    change_source(installation, "UPDATE public.customers SET phone = NULL WHERE id = 'CUST002'")

    live = applied("job", "snapshot-merge", "--platform", "YellowLive", "--store", "Store1")
    forensic = applied("job", "snapshot-merge", "--platform", "YellowForensic", "--store", "Store1")

    assert (live.exit_code, forensic.exit_code) == (1, 0)
    assert applied("audit", "--platform", "YellowForensic").exit_code == 0
    broken = applied("audit", "--platform", "YellowLive")
    assert broken.exit_code == 1
    assert "customers: batch 1 cannot be audited: its merge table was dropped" in broken.stdout


@pytest.mark.row("I17")
def test_schema_change_of_the_demo_keeps_every_batch_provable(applied, installation):
    """Columns arrive between two batches; batch 1 is still audited in its own columns."""
    with installation.session("admin", "source") as session:
        with session.raw.cursor() as cursor:
            cursor.execute("SET search_path = public")
            cursor.execute(evolve_sql())
            cursor.execute("UPDATE addresses SET country = 'US'")
        session.commit()
    shown = applied("model", "apply", str(MODELS / "demo-evolved"))
    assert shown.exit_code == 0, shown.output

    for platform in BOTH:
        made = applied("job", "snapshot-merge", "--platform", platform, "--store", "Store1")
        assert "addresses  New 0  Changed 8  Deleted 0  Unchanged 0" in made.stdout, made.output

    proven = json.loads(applied("audit", "--platform", "YellowForensic", "--json").stdout)
    assert (proven["ok"], proven["streams"][0]["batches"]) == (True, 2)


@pytest.mark.row("R02", kind="refusal")
def test_reset_of_a_committed_batch_is_refused_with_the_job_s_own_rights(applied):
    """The contract's message, from the stored plan."""
    shown = applied("reset-batch-state", "--platform", "YellowLive", "--store", "Store1")

    assert (shown.exit_code, shown.stdout) == (3, "ERROR: Batch is COMMITTED and cannot be reset\n")


def test_commands_before_a_model_say_what_to_do(datasurface):
    """Nothing is planned yet: no traceback, and a way on."""
    audit, status, job = (
        datasurface("audit"),
        datasurface("status"),
        datasurface("job", "snapshot-merge", "--platform", "YellowLive", "--store", "Store1"),
    )

    assert (audit.exit_code, status.exit_code, job.exit_code) == (1, 0, 1)
    assert "no stream of that platform and store is planned" in audit.stderr
    assert status.stdout == "no stream is planned\n"
    assert "`datasurface model apply` plans them" in job.stderr
