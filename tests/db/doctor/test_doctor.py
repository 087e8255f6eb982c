"""`datasurface doctor` on a real installation: all well, each thing that is not, and what it could not look at."""

import json
from pathlib import Path

import pytest

from datasurface.errors import ExitStatus
from tests.db.doctor.examination import DEMO, VIEW, checks, execute, with_merge


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
