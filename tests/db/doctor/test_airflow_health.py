"""What `datasurface doctor` says of Airflow: each part's health, pages that are none, waiting for it; and the text."""

import json
import threading

import pytest
from click.testing import CliRunner

from datasurface.cli.main import cli
from datasurface.errors import ExitStatus
from tests.db.doctor.examination import VIEW, checks, execute


@pytest.mark.row("K10", kind="refusal")
@pytest.mark.parametrize(
    ("part", "said", "container"),
    [
        ("metadatabase", {"status": "unhealthy"}, "api-server"),
        ("scheduler", {"status": "unhealthy", "latest_scheduler_heartbeat": "2026-01-01T00:00:00"}, "scheduler"),
        ("dag_processor", {"status": None}, "dag-processor"),
        ("dag_processor", None, "dag-processor"),
    ],
)
def test_unhealthy_part_of_airflow_is_found_behind_a_status_of_200(running, airflow, part, said, container):
    """The document is judged, not the status of the page."""
    airflow.says(**{part: said})

    (check,) = checks(running("doctor", "--json", "--airflow-url", airflow.url), "FAILED").values()

    assert check["title"] == f"Airflow's {part.replace('_', ' ')} is healthy"
    assert check["command"].endswith(f"component=airflow -c {container} --tail=50")


@pytest.mark.row("K10", kind="refusal")
@pytest.mark.parametrize(
    ("status", "text", "evidence"),
    [
        (502, "secret page", "HTTP status 502"),
        (200, "<html>", "a page that is no health document"),
        (200, "[1]", "a page that is no health document"),
        (302, "", "HTTP status 302"),
    ],
)
def test_page_that_is_not_airflows_is_told(running, airflow, status, text, evidence):
    """Whatever answers at the address is not repeated, and a redirect is not followed."""
    airflow.status, airflow.text, airflow.headers = status, text, {"Location": "http://127.0.0.1:1/"}

    (check,) = checks(running("doctor", "--json", "--airflow-url", airflow.url), "FAILED").values()

    assert check["evidence"] == evidence


@pytest.mark.row("K10", kind="refusal")
def test_airflow_that_is_not_there_is_told(running):
    """A refused connection is evidence, not an error of the doctor."""
    (check,) = checks(running("doctor", "--json", "--airflow-url", "http://127.0.0.1:1"), "FAILED").values()

    assert "refused" in check["evidence"]


@pytest.mark.row("K10", kind="refusal")
@pytest.mark.parametrize(
    "url", ["ftp://h", "file:///etc/passwd", "http://u:sesame@h:8080", "h:8080", "http://[", "http://h?x=1", ""]
)
def test_address_that_is_none_is_a_usage_error(url):
    """Status 2 before anything is asked; a password in it is not repeated."""
    result = CliRunner().invoke(cli, ["doctor", "--airflow-url", url])

    assert result.exit_code == ExitStatus.USAGE
    assert "sesame" not in result.output


@pytest.mark.row("K10")
def test_it_waits_until_all_is_well(running, airflow):
    """Started too early, it looks again until the time is over, and says in the log what it waits for."""
    airflow.says(scheduler={"status": "unhealthy"})
    healing = threading.Timer(1.0, airflow.says)
    healing.start()

    result = running("doctor", "--airflow-url", airflow.url, "--wait-seconds", "60")

    healing.join()
    assert result.exit_code == ExitStatus.DONE, result.output
    assert json.loads(result.stderr.splitlines()[0])["failed"] == ["Airflow's scheduler is healthy"]


@pytest.mark.row("K10")
def test_text_of_failures_fits_and_commands_can_be_copied(running, installation, airflow):
    """Evidence, cause and command in at most 100 columns; a long command is cut where a shell goes on."""
    airflow.says(scheduler={"status": "\x1b[31m" + "x" * 300})
    execute(
        installation,
        "UPDATE public.yellowlive_batch_counter SET checked_at = now() - interval '3 hours'",
        f"DROP VIEW public.{VIEW}",
    )

    shown = running("doctor", "--airflow-url", airflow.url)

    assert shown.exit_code == ExitStatus.FINDINGS
    assert max(map(len, shown.output.splitlines())) <= 100
    assert "\x1b" not in shown.output
    assert "likely: " in shown.output
    joined = " ".join(shown.output.replace("\\\n", " ").split())
    assert "kubectl -n data logs -l app.kubernetes.io/instance=acme,app.kubernetes.io/component=airflow" in joined
