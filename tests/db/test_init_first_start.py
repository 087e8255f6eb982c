"""`datasurface init` as the first pod of an installation: no server yet, mounted secrets, an old volume."""

import errno
import json
import os
import tempfile
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from datasurface.cli.main import cli
from datasurface.demo.embedded import EmbeddedServer
from datasurface.errors import ExitStatus
from datasurface.yellow.engine.init import run
from datasurface.yellow.engine.init.step import Check, Step
from tests.db.test_init_command import call


@pytest.mark.row("K03")
def test_it_waits_for_a_server_that_is_not_there_yet(bare_server: EmbeddedServer, tmp_path: Path) -> None:
    """Refused at first, served later: one line of log when it begins to wait, one when it goes on, and all is made."""
    bare_server.stop()
    starting = threading.Timer(2, bare_server.start)
    starting.start()
    try:
        outcome = call(bare_server, tmp_path, "--wait-seconds", "60")
    finally:
        starting.join()

    assert outcome.exit_code == 0, outcome.output
    told = [json.loads(line) for line in outcome.stderr.splitlines()]
    assert told[0]["event"].startswith("waiting: connecting to postgres on ")
    assert told[-1]["event"] == "goes on"
    assert len({line["event"] for line in told}) == len(told)
    assert f"new password   {tmp_path}/logins/ds_job\n" in outcome.output


@pytest.mark.row("K03")
def test_a_server_that_goes_away_in_the_middle_is_waited_for_as_well(
    bare_server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every step is idempotent, so that all of them are taken once more when the server is back."""
    taken: list[str] = []
    run_step = run.Runner.run

    def restarting(runner: run.Runner, step: Step | Check) -> run.StepResult | None:
        taken.append(step.title)
        if len(taken) == 5:
            bare_server.restart("immediate")
        return run_step(runner, step)

    monkeypatch.setattr(run.Runner, "run", restarting)
    outcome = call(bare_server, tmp_path, "--wait-seconds", "60")

    assert outcome.exit_code == 0, outcome.output
    assert taken.count(taken[0]) == 2
    monkeypatch.undo()
    assert call(bare_server, tmp_path).output.splitlines()[-1].startswith("0 made, ")


@pytest.mark.row("K03", kind="refusal")
@pytest.mark.parametrize("wait", [(), ("--wait-seconds", "1")], ids=["no wait", "one second"])
def test_a_server_that_does_not_come_is_transient(tmp_path: Path, wait: tuple[str, ...]) -> None:
    """Status 75 when the time is over, so that the pod is tried again; an unknown host is waited for like the rest."""
    outcome = init_at("no-such-host.invalid", tmp_path, *wait)

    assert outcome.exit_code == ExitStatus.TRANSIENT
    assert "Traceback" not in outcome.output
    assert len(outcome.stderr.splitlines()) <= 3


@pytest.mark.row("K03", kind="refusal")
def test_a_wrong_password_is_not_waited_for(bare_server: EmbeddedServer, tmp_path: Path) -> None:
    """It would be as wrong in ten minutes; the error names the two objects that have to fit each other."""
    wrong = tmp_path / "wrong"
    wrong.write_text("not-it")

    outcome = call(bare_server, tmp_path, "--password-file", str(wrong), "--wait-seconds", "600")

    assert outcome.exit_code == ExitStatus.FINDINGS
    assert "waiting" not in outcome.output
    assert "that secret and that volume belong together" in outcome.output
    assert "not-it" not in outcome.output


def init_at(host: str, directory: Path, *options: str) -> Result:
    """Run the command against a server that nobody has."""
    password = directory / "password"
    password.write_text("x")
    return CliRunner().invoke(
        cli,
        ["init", "--host", host, "--password-file", str(password), "--credentials", str(directory / "c"), *options],
    )


def mounted(server: EmbeddedServer, directory: Path) -> Path:
    """Credential directories as Kubernetes mounts them: links to a folder that changes as a whole."""
    made = call(server, directory)
    assert made.exit_code == 0, made.output
    for each in (directory / "logins").iterdir():
        hidden = each / "..data"
        hidden.mkdir()
        for name in ("username", "password"):
            text = (each / name).read_text().strip()
            (each / name).unlink()
            (hidden / name).write_text(text)
            (each / name).symlink_to(f"..data/{name}")
    return directory / "logins"


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every attempt to make a file or a directory fail as on a mount that is read-only."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", refuse)
    monkeypatch.setattr(Path, "mkdir", refuse)


@pytest.mark.row("K03")
def test_mounted_secrets_are_only_read(
    bare_server: EmbeddedServer, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Where all files are there nothing is written, not even tried; files without a final newline are as good."""
    mounted(bare_server, tmp_path)
    request.getfixturevalue("read_only")

    outcome = call(bare_server, tmp_path)

    assert outcome.exit_code == 0, outcome.output
    assert "new password" not in outcome.output
    assert outcome.output.splitlines()[-1].startswith("0 made, ")


@pytest.mark.row("K03", kind="refusal")
def test_a_file_that_is_missing_in_a_mounted_secret_is_named(
    bare_server: EmbeddedServer, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The error names the file and why it cannot be made, before anything is changed on the server."""
    missing = mounted(bare_server, tmp_path) / "ds_dags" / "password"
    missing.unlink()
    request.getfixturevalue("read_only")

    outcome = call(bare_server, tmp_path)

    assert outcome.exit_code == ExitStatus.FINDINGS
    assert f"credential file {missing} is missing, and cannot be made there: Read-only file system" in outcome.output
