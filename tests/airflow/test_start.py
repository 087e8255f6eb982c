"""Starting Airflow's processes: they wait for their database and its migration, quietly, and then become Airflow."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from datasurface.demo.embedded import EmbeddedServer
from datasurface.errors import ExitStatus, ModelError
from datasurface.runtime.dags import airflow_url, metadata_database
from datasurface.yellow.engine import airflow_database
from tests.airflow.merge_database import MergeDatabase

Start = Callable[..., subprocess.Popen[str]]
SECONDS = 60


@pytest.fixture
def url(merge_database: MergeDatabase) -> Iterator[str]:
    """A database that no migration has seen, as Airflow's address of it."""
    server: EmbeddedServer = merge_database.server
    server.start()
    merge_database.execute("DROP TABLE IF EXISTS public.datasurface_migrated")
    password = urllib.parse.quote(server.login.password, safe="")
    yield f"postgresql+psycopg2://{server.login.username}:{password}@127.0.0.1:{server.port}/datasurface_merge"
    server.start()
    merge_database.execute("DROP TABLE IF EXISTS public.datasurface_migrated")


@pytest.fixture
def start(url: str, tmp_path: Path) -> Iterator[Start]:
    """Starts a process as the chart does, with a program in Airflow's place that tells its arguments and its id."""
    (tmp_path / "url").write_text(url)
    program = tmp_path / "bin/airflow"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nimport os, sys\nprint(os.getpid(), *sys.argv[1:], flush=True)\n")
    program.chmod(0o755)
    bundles = [{"name": "streams", "kwargs": {"alive_file": str(tmp_path / "alive")}}]
    environment = {
        **os.environ,
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD": f"cat {tmp_path}/url",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(bundles),
        "DATASURFACE_LOG_FORMAT": "json",
    }
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "datasurface.runtime.dags.start", *arguments]
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, encoding="utf-8"))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def lines_of(text: str) -> list[dict[str, Any]]:
    """The log's lines."""
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.row("D15", "D16")
def test_it_waits_for_the_migration_and_becomes_airflow(start: Start, url: str, tmp_path: Path) -> None:
    """The process keeps its id, so Airflow gets the signals; the processor is alive while it waits."""
    process = start("dag-processor", "--some", "option")
    until = time.monotonic() + SECONDS
    while not (tmp_path / "alive").exists() and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(1)
    assert process.poll() is None

    airflow_database.record_migrated(url, airflow_url.release())
    out, log = process.communicate(timeout=SECONDS)

    assert out == f"{process.pid} dag-processor --some option\n"
    first, last = lines_of(log)
    assert first["event"].startswith("waiting: Airflow's database is not migrated to airflow 3")
    assert last["event"] == "goes on"


@pytest.mark.row("D16", kind="refusal")
def test_a_database_that_is_away_ends_no_process(
    start: Start, url: str, merge_database: MergeDatabase, tmp_path: Path
) -> None:
    """It says once that it waits, without the password, and goes on when the server is back."""
    airflow_database.record_migrated(url, airflow_url.release())
    merge_database.server.stop()
    process = start("scheduler")
    time.sleep(4)
    assert process.poll() is None
    assert not (tmp_path / "alive").exists()

    merge_database.server.start()
    out, log = process.communicate(timeout=SECONDS)

    assert out == f"{process.pid} scheduler\n"
    assert merge_database.server.login.password not in log
    assert len(lines_of(log)) <= 4


def test_it_ends_at_once_when_it_is_told_to(start: Start) -> None:
    """A first process of a container takes only the signals that it asked for."""
    process = start("api-server")
    assert process.stderr is not None
    assert "waiting" in process.stderr.readline()

    process.send_signal(signal.SIGTERM)

    assert process.wait(10) == 128 + signal.SIGTERM


@pytest.mark.row("D15", kind="refusal")
def test_another_release_is_not_this_one(url: str) -> None:
    """Tables of an older image are not good enough; nobody knows what a newer one needs."""
    airflow_database.record_migrated(url, "airflow 3.0.0 fab 3.0.0")

    with pytest.raises(airflow_database.TransientError, match="not migrated to airflow"):
        airflow_database.require_migrated(url, airflow_url.release())


@pytest.mark.row("D15", "K06", kind="refusal")
@pytest.mark.parametrize("newer", ["airflow 99.0.0 fab {fab}", "airflow {airflow} fab 99.10.1"])
def test_tables_of_a_newer_release_are_refused_at_once(
    start: Start, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, newer: str
) -> None:
    """After `helm rollback` the older image neither starts on them nor migrates them, although it did so once."""
    _, airflow, _, fab = airflow_url.release().split()
    airflow_database.record_migrated(url, airflow_url.release())
    airflow_database.record_migrated(url, newer.format(airflow=airflow, fab=fab))
    for name in ("admin_username", "admin_password"):
        (tmp_path / name).write_text("someone")
    monkeypatch.setenv(airflow_url.VARIABLE, url)

    _, log = (process := start("scheduler")).communicate(timeout=SECONDS)
    status = metadata_database.main(["migrate", str(tmp_path)])

    assert process.returncode == status == ExitStatus.STATE
    [line] = lines_of(log)
    assert line["event"].startswith("Airflow's database is at airflow ")
    assert "docs/kubernetes.md#going-back" in line["event"]


@pytest.mark.row("D15")
def test_a_release_that_was_left_and_came_back_waits_for_its_migration(url: str) -> None:
    """Of several migrations the last one counts: tables that were restored to an older release are that release's."""
    airflow_database.record_migrated(url, airflow_url.release())
    airflow_database.record_migrated(url, "airflow 3.0.0 fab 3.0.0")

    with pytest.raises(airflow_database.TransientError, match="not migrated to airflow"):
        airflow_database.require_migrated(url, airflow_url.release())

    airflow_database.record_migrated(url, airflow_url.release())
    airflow_database.require_migrated(url, airflow_url.release())


@pytest.mark.row("D15", kind="refusal")
@pytest.mark.parametrize("command", ["", "cat /nowhere/at/all", "true"])
def test_an_address_that_nobody_gives_is_named(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    """The message names the variable."""
    monkeypatch.delenv(airflow_url.VARIABLE, raising=False)
    monkeypatch.setenv(f"{airflow_url.VARIABLE}_CMD", command)

    with pytest.raises(ModelError, match=r"Airflow's database|gives no address"):
        airflow_url.database_url()


@pytest.mark.parametrize(
    ("arguments", "status"),
    [([], 2), (["upgrade"], 2), (["migrate", "/nowhere/at/all"], 1)],
    ids=["none", "other", "files"],
)
def test_a_wrong_migration_is_refused(arguments: list[str], status: int) -> None:
    """Before it waits for anything: a wrong call, a missing file."""
    assert metadata_database.main(arguments) == status
