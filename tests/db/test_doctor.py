"""`datasurface doctor` on a real installation: all well, each thing that is not, and what it could not look at."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from datasurface.cli.main import cli
from datasurface.errors import ExitStatus
from tests.db.installation import Installation

DEMO = Path(__file__).parents[2] / "models" / "demo"
HEALTHY = {part: {"status": "healthy"} for part in ("metadatabase", "scheduler", "dag_processor")}
VIEW = "yellowlive_consumer1_livedsg_customers_view"


class Airflow:
    """A server that gives the health document, or whatever else a test says."""

    def __init__(self) -> None:
        self.status, self.text = 200, json.dumps(HEALTHY | {"triggerer": {"status": None}})
        self.headers: dict[str, str] = {}
        self.paths: list[str] = []
        outer = self

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.paths.append(self.path)
                self.send_response(outer.status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(outer.text.encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def says(self, **parts: object) -> None:
        """Let the document differ."""
        self.text = json.dumps(HEALTHY | parts)


@pytest.fixture
def airflow() -> Iterator[Airflow]:
    page = Airflow()
    yield page
    page.server.shutdown()
    page.server.server_close()


@pytest.fixture
def datasurface(installation: Installation, tmp_path: Path):
    """Run a command in this test's installation, as in a release called `acme`."""
    installed = tmp_path / "installation.json"
    installed.write_text(json.dumps({"v": 1, "image": "i:1", "namespace": "data", "instance": "acme"}))
    environment = {
        "DATASURFACE_CONNECTIONS": str(installation.connections_path),
        "DATASURFACE_INSTALLATION": str(installed),
    }

    def run(*arguments: str, **more: str | None) -> Result:
        budget = ("--budget-seconds", "0") if arguments[0] == "job" else ()
        return CliRunner().invoke(cli, [*arguments, *budget], env={**environment, **more})

    return run


@pytest.fixture
def running(datasurface, installation):
    """The same with the demo model applied and batch 1 of both platforms made."""
    installation.make_demo_source()
    assert datasurface("model", "apply", str(DEMO)).exit_code == 0
    for platform in ("YellowLive", "YellowForensic"):
        assert datasurface("job", "snapshot-merge", "--platform", platform, "--store", "Store1").exit_code == 0
    return datasurface


def execute(installation: Installation, *statements: str) -> None:
    """Run statements as the superuser of the merge database."""
    with installation.session("admin") as session, session.raw.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        session.commit()


def checks(result: Result, verdict: str) -> dict[str, dict[str, str]]:
    """The checks of a JSON document that came to this, by title."""
    document = json.loads(result.stdout)
    return {check["title"]: check for check in document["checks"] if check["verdict"] == verdict}


@pytest.mark.row("K10", "K03")
def test_installation_that_is_well_is_told_so(running, airflow):
    """Each credential at hand, the model, the streams, the views and Airflow's parts; nothing secret, 100 columns."""
    shown, parsed = running("doctor", "--airflow-url", airflow.url), running("doctor", "--json")

    assert shown.exit_code == ExitStatus.DONE, shown.output
    lines = shown.output.splitlines()
    assert max(map(len, lines)) <= 100
    assert [line for line in lines if not line.startswith(" ")][:-1] == [
        "databases", "model", "streams", "views", "airflow",
    ]  # fmt: skip
    assert lines[-1].startswith("0 of ")
    assert airflow.paths == ["/api/v2/monitor/health"]
    ok = checks(parsed, "ok")
    assert any(title.startswith("customer_reader logs in to ") for title in ok)
    assert any(title.startswith("YellowLive: 1 of 1 streams have committed and keep their promise") for title in ok)
    assert "6 of 6 views answer their readers" in ok
    assert list(checks(parsed, "not looked at")) == ["Airflow is healthy"]


@pytest.mark.row("K10", kind="refusal")
def test_stream_that_failed_shows_its_error_and_what_goes_on(running, installation):
    """The recorded failure as evidence; another run goes on, by Airflow in Kubernetes, else by a command."""
    with installation.session("admin", "source") as session, session.raw.cursor() as cursor:
        cursor.execute("ALTER TABLE public.customers RENAME COLUMN email TO mail")
        session.commit()
    running("job", "snapshot-merge", "--platform", "YellowLive", "--store", "Store1")

    (inside,) = checks(running("doctor", "--json"), "FAILED").values()
    (outside,) = checks(running("doctor", "--json", DATASURFACE_INSTALLATION=None), "FAILED").values()

    assert (inside["group"], inside["title"]) == ("streams", "YellowLive/Store1 has committed and keeps its promise")
    assert "email" in inside["evidence"]
    assert (inside["cause"], inside["command"]) == ("once that is mended it goes on by itself at its next run", None)
    assert outside["command"] == "datasurface job snapshot-merge --platform YellowLive --store Store1"


@pytest.mark.row("K10", kind="refusal")
def test_stream_that_is_late_leads_to_its_pods(running, installation):
    """Judged as `status` does: how long ago, and what was promised."""
    execute(installation, "UPDATE public.yellowlive_batch_counter SET checked_at = now() - interval '3 hours'")

    result = running("doctor", "--json")

    (check,) = checks(result, "FAILED").values()
    assert check["evidence"].startswith("it was last compared with its source 3 h ago, promised are ")
    assert check["command"] == (
        "kubectl -n data get pods -l app.kubernetes.io/instance=acme,app.kubernetes.io/component=job"
    )
    assert result.exit_code == ExitStatus.FINDINGS


@pytest.mark.row("K10", kind="refusal")
def test_model_that_was_never_applied_and_streams_without_a_batch(datasurface, installation):
    """Before the first revision, and between it and the first batch."""
    before = checks(datasurface("doctor", "--json"), "FAILED")
    installation.make_demo_source()
    datasurface("model", "apply", str(DEMO))
    after = checks(datasurface("doctor", "--json"), "FAILED")

    assert before["a revision of the model is applied"]["evidence"] == "no revision was ever tried"
    assert "component=model-sync" in before["a revision of the model is applied"]["command"]
    assert {check["evidence"] for check in after.values()} == {"no batch is committed yet"}
    assert len(after) == 2


@pytest.mark.row("K10")
def test_refused_revision_is_a_note_with_its_findings(running, tmp_path):
    """What is deployed goes on, so it is no failure; what was wrong with the last commit is told."""
    broken = tmp_path / "model"
    broken.mkdir()
    for file in DEMO.iterdir():
        if file.is_file():
            (broken / file.name).write_bytes(file.read_bytes())
    mapping = next(broken.glob("*mapping*.json"))
    mapping.write_text(mapping.read_text().replace('"YellowLive"', '"YellowDead"'))
    assert running("model", "apply", str(broken)).exit_code == ExitStatus.FINDINGS

    result = running("doctor", "--json")

    assert result.exit_code == ExitStatus.DONE, result.stdout
    (note,) = checks(result, "note").values()
    assert " was refused at " in note["evidence"]
    assert "YellowDead" in note["evidence"]


@pytest.mark.row("K10", "V06", kind="refusal")
def test_view_that_does_not_answer_is_told_with_its_reader(running, installation):
    """The reason as the server gives it, and the command that heals."""
    execute(installation, f"DROP VIEW public.{VIEW}")

    (check,) = checks(running("doctor", "--json"), "FAILED").values()

    assert check["title"].endswith(f": {VIEW} answers {installation.roles.reader('Consumer1')}")
    assert "42P01" in check["evidence"]
    assert check["command"] == "datasurface reconcile-workspace-views --check-readers"


def with_merge(installation: Installation, directory: Path, *, roles: dict[str, str] | None = None, **merge) -> str:
    """A connections file with another merge section; `roles` are credential directories that replace known ones."""
    document = json.loads(installation.connections_path.read_text())
    document["merge"] |= merge
    for role, folder in (roles or {}).items():
        document["merge"]["credentials"][role] = {"directory": folder}
    path = directory / "other.json"
    path.write_text(json.dumps(document))
    return str(path)


@pytest.mark.row("K03", "K10", kind="refusal")
def test_password_that_does_not_match_is_found(running, installation, tmp_path):
    """The login that is refused is named, with the likely cause; the password itself is nowhere."""
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    (wrong / "username").write_text(installation.login("job").username)
    (wrong / "password").write_text("sesame-99")
    other = with_merge(installation, tmp_path, roles={"job": str(wrong)})

    result = running("doctor", "--json", DATASURFACE_CONNECTIONS=other)

    (check,) = checks(result, "FAILED").values()
    assert check["title"].startswith(f"{installation.login('job').username} logs in to ")
    assert "28P01" in check["evidence"]
    assert "the secret was changed" in check["cause"]
    assert "component=init" in check["command"]
    assert "sesame-99" not in result.output


@pytest.mark.row("K10")
def test_what_there_is_no_right_to_look_at_is_said(running, installation, tmp_path):
    """With the monitor alone: streams are judged, views are not looked at, and that is no failure."""
    nowhere = {role: "/nowhere" for role in ("job", "apply", "dags")}
    other = with_merge(installation, tmp_path, roles=nowhere)

    result = running("doctor", "--json", DATASURFACE_CONNECTIONS=other)

    assert result.exit_code == ExitStatus.DONE, result.stdout
    unseen = checks(result, "not looked at")
    assert unseen["every view answers its reader"]["evidence"] == "/nowhere is not here"
    assert any(title.startswith("ds_job, ds_merge, ds_dags log in to ") for title in unseen)


@pytest.mark.row("K10", kind="refusal")
def test_without_any_credential_nothing_is_well(datasurface, installation, tmp_path):
    """Nothing could be looked at: that is no good news either."""
    nowhere = {role: "/nowhere" for role in ("job", "apply", "dags", "monitor")}
    document = json.loads(Path(with_merge(installation, tmp_path, roles=nowhere)).read_text()) | {"credentials": {}}
    (tmp_path / "other.json").write_text(json.dumps(document))

    result = datasurface("doctor", "--json", DATASURFACE_CONNECTIONS=str(tmp_path / "other.json"))

    assert result.exit_code == ExitStatus.FINDINGS
    assert checks(result, "FAILED") == checks(result, "ok") == {}


@pytest.mark.row("K10", kind="refusal")
def test_server_that_is_away_is_told_once(running, installation, tmp_path):
    """One login failed for it; the others, the model, the streams and the views are not looked at."""
    other = with_merge(installation, tmp_path, port=1)

    result = running("doctor", "--json", DATASURFACE_CONNECTIONS=other)

    assert len(checks(result, "FAILED")) == 1
    unseen = checks(result, "not looked at")
    assert {check["group"] for check in unseen.values()} == {"databases", "model", "streams", "views", "airflow"}


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
