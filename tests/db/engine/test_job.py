"""A run as a process: what it prints, what it records and how it exits, whatever happens to it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from click.testing import CliRunner

from datasurface.cli.main import cli
from datasurface.dsl import MilestoneStrategy
from datasurface.errors import StateError
from datasurface.yellow.engine import locks
from datasurface.yellow.engine.batch import run
from tests.db.streams import Stream, column, plan, table

LIVE = MilestoneStrategy.LIVE_ONLY
ITEMS = table("items", column("id", is_key=True, is_classified=True), column("name"))
LINES = table("lines", column("name"), column("amount", "integer"))
SOURCE = (
    "CREATE TABLE items (id text PRIMARY KEY, name text)",
    "CREATE TABLE lines (name text, amount integer)",
    "INSERT INTO items SELECT 'K' || i, 'name ' || i FROM generate_series(1, 5) AS i",
    "INSERT INTO lines VALUES ('a', 1)",
)
PROGRAM = "from datasurface.cli.main import main; main()"
STREAM = ("--platform", "YellowLive", "--store", "Store1")


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a job ended: exit status, lines of stdout, stderr, and its result record."""

    status: int
    lines: Sequence[str]
    stderr: str
    record: dict[str, Any]


@pytest.fixture
def stream(deployed):
    """A live stream of two datasets."""
    return deployed(plan(LIVE, ITEMS, LINES), *SOURCE)


@pytest.fixture
def job(installation, tmp_path):
    """Run `datasurface job snapshot-merge` in this process."""

    def run_job(*arguments: str, **environment: str) -> Ended:
        record = tmp_path / "result.json"
        record.unlink(missing_ok=True)
        known = {
            "DATASURFACE_CONNECTIONS": str(installation.connections_path),
            "DATASURFACE_RESULT_FILE": str(record),
        }
        ended = CliRunner().invoke(cli, ["job", "snapshot-merge", *arguments], env=known | environment)
        return Ended(
            status=ended.exit_code,
            lines=ended.stdout.splitlines(),
            stderr=ended.stderr,
            record=json.loads(record.read_text()),
        )

    return run_job


def connections_with(stream: Stream, directory: Path, **merge: object) -> str:
    """A connections file that differs in its merge section."""
    document = json.loads(stream.installation.connections_path.read_text())
    document["merge"] |= merge
    path = directory / "other.json"
    path.write_text(json.dumps(document))
    return str(path)


@pytest.mark.row("I06", "I11")
def test_batch_is_told_by_dataset_and_in_total(stream, job):
    """New, changed, deleted and unchanged per dataset, a line of totals, the code last; the record says the same."""
    first = job(*STREAM)
    stream.source("UPDATE items SET name = 'x' WHERE id = 'K1'", "DELETE FROM items WHERE id IN ('K2', 'K3')")

    ended = job(*STREAM, "--run-id", "run 7")

    assert (first.status, first.lines[-1]) == (0, "DATASURFACE_RESULT_CODE=1")
    assert list(ended.lines) == [
        "YellowLive/Store1 batch 2  items  New 0  Changed 1  Deleted 2  Unchanged 2",
        "YellowLive/Store1 batch 2  lines  New 0  Changed 0  Deleted 0  Unchanged 1",
        "YellowLive/Store1 batch 2  total  New 0  Changed 1  Deleted 2  Unchanged 3",
        "DATASURFACE_RESULT_CODE=1",
    ]
    assert ended.record == {
        "v": 1,
        "rc": 1,
        "family": None,
        "outcome": "committed",
        "run_id": "run 7",
        "batch_id": 2,
        "inserted": 0,
        "updated": 1,
        "deleted": 2,
        "total": 4,
        "message": "",
    }


@pytest.mark.row("I07")
@pytest.mark.row("I11", kind="refusal")
def test_run_without_a_change_is_done_and_tells_no_counts(stream, job):
    """Code and exit status 0; a look that made no batch has no line per dataset."""
    job(*STREAM)

    ended = job(*STREAM)

    assert (ended.status, list(ended.lines)) == (
        0,
        ["YellowLive/Store1  unchanged, 6 rows", "DATASURFACE_RESULT_CODE=0"],
    )
    assert (ended.record["outcome"], ended.record["total"]) == ("unchanged", 6)


@pytest.mark.row("I13")
@pytest.mark.parametrize("tables", [(), (ITEMS,)], ids=["no dataset", "no row"])
def test_run_with_nothing_to_read_makes_an_empty_first_batch(deployed, job, tables):
    """A stream without a dataset or a row has a batch 1 of 0 rows, and no counter is left without a value."""
    deployed(plan(LIVE, *tables), SOURCE[0])

    ended = job(*STREAM)

    assert (ended.status, ended.record["batch_id"], ended.record["total"]) == (0, 1, 0)
    assert ended.lines[-2] == "YellowLive/Store1 batch 1  total  New 0  Changed 0  Deleted 0  Unchanged 0"


def test_busy_stream_ends_the_second_job_without_an_error(stream, job):
    """Exit status 0, outcome busy, and a word for people."""
    with locks.held(stream.installation.session("job"), locks.run_lock("yellowlive", "Store1")):
        ended = job(*STREAM)

    assert (ended.status, ended.record["outcome"], ended.record["rc"]) == (0, "busy", 0)
    assert "another run is at work" in ended.lines[0]


@pytest.mark.row("I06", "I07", kind="refusal")
def test_source_that_does_not_fit_is_a_model_error(stream, job):
    """Code -1, exit status 1, and the message says what is wrong and what to do."""
    stream.source("DROP TABLE lines")

    ended = job(*STREAM)

    assert (ended.status, ended.lines[-1]) == (1, "DATASURFACE_RESULT_CODE=-1")
    assert (ended.record["family"], ended.record["outcome"]) == ("model", "failed")
    assert "there is no table public.lines" in ended.record["message"]
    assert "there is no table public.lines" in ended.stderr


def test_unknown_stream_is_a_model_error(stream, job):
    """Nothing is planned of that name."""
    ended = job("--platform", "YellowLive", "--store", "Nowhere")

    assert (ended.status, ended.record["family"], ended.lines[-1]) == (1, "model", "DATASURFACE_RESULT_CODE=-1")


def test_state_error_exits_3(stream, job, monkeypatch):
    """An operator has to choose."""

    def refuse(*_: object) -> None:
        raise StateError("two jobs wrote", fix="Run the audit")

    monkeypatch.setattr(run, "run", refuse)
    ended = job(*STREAM)

    assert (ended.status, ended.record["family"], ended.record["message"]) == (
        3,
        "state",
        "two jobs wrote. Run the audit",
    )


@pytest.mark.row("I08")
def test_first_run_without_the_merge_database_ends_cleanly(stream, job, tmp_path):
    """Code -1 and exit status 75: it is tried again until the database is there."""
    ended = job(*STREAM, DATASURFACE_CONNECTIONS=connections_with(stream, tmp_path, database="not_yet"))

    assert (ended.status, ended.lines[-1]) == (75, "DATASURFACE_RESULT_CODE=-1")
    assert ended.record["family"] == "transient"
    assert "Traceback" not in ended.stderr


@pytest.mark.row("I08", kind="refusal")
def test_server_that_is_not_there_is_transient(stream, job, tmp_path):
    """No connection, the same end."""
    ended = job(*STREAM, DATASURFACE_CONNECTIONS=connections_with(stream, tmp_path, port=1))

    assert (ended.status, ended.record["family"], ended.lines[-1]) == (75, "transient", "DATASURFACE_RESULT_CODE=-1")


@pytest.mark.row("I06", kind="refusal")
@pytest.mark.parametrize(
    "error",
    [ValueError("value SECRET-7"), psycopg2.DataError("Key (id)=(SECRET-7)"), KeyError("SECRET-7")],
    ids=lambda error: type(error).__name__,
)
def test_unforeseen_error_is_reported_with_its_frames_and_without_data(stream, job, monkeypatch, error):
    """Code -1, exit status 70, a traceback in the log; what an error quotes from a row is nowhere."""

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(run, "run", fail)
    ended = job(*STREAM, "--run-id", "run 1")

    assert (ended.status, ended.lines[-1]) == (70, "DATASURFACE_RESULT_CODE=-1")
    assert (ended.record["family"], ended.record["outcome"], ended.record["run_id"]) == (None, "failed", "run 1")
    assert "test_job.py" in ended.stderr
    assert type(error).__name__ in ended.stderr
    assert "SECRET-7" not in ended.stderr + json.dumps(ended.record)


@pytest.mark.parametrize(
    ("arguments", "environment", "status"),
    [
        (("--platform", "YellowLive"), {}, 2),
        ((*STREAM, "--unknown"), {}, 2),
        (STREAM, {"DATASURFACE_CONNECTIONS": "/nowhere/connections.json"}, 1),
        (STREAM, {"DATASURFACE_LOG_FORMAT": "xml"}, 1),
    ],
    ids=["missing option", "unknown option", "no connections file", "wrong setting"],
)
def test_job_that_cannot_begin_reports_as_well(stream, job, arguments, environment, status):
    """Wrong arguments and settings give a code and a record that is not retried."""
    ended = job(*arguments, **environment)

    assert (ended.status, ended.lines[-1], ended.record["family"]) == (status, "DATASURFACE_RESULT_CODE=-1", "model")


def test_result_that_cannot_be_written_keeps_the_exit_status(stream, installation):
    """The run happened; the log says that its record is missing."""
    environment = {
        "DATASURFACE_CONNECTIONS": str(installation.connections_path),
        "DATASURFACE_RESULT_FILE": "/nowhere/result.json",
    }

    ended = CliRunner().invoke(cli, ["job", "snapshot-merge", *STREAM], env=environment)

    assert ended.exit_code == 0
    assert ended.stdout.splitlines()[-1] == "DATASURFACE_RESULT_CODE=1"
    assert "the result cannot be written to /nowhere/result.json" in ended.stderr


def test_same_run_id_has_one_effect_and_one_record(stream, job):
    """A job that is started again with its run_id returns what the first one did."""
    first = job(*STREAM, "--run-id", "run 1")
    stream.source("DELETE FROM items")

    again = job(*STREAM, "--run-id", "run 1")

    assert again.record == first.record
    assert len(stream.rows("items")) == 5


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_signal_ends_a_run_that_waits_for_its_source_at_once(stream, tmp_path, asked):
    """Exit status 75 within moments, code and record say so, nothing is left behind but a free stream."""
    stream.run()
    record = tmp_path / "result.json"
    environment = os.environ | {
        "DATASURFACE_CONNECTIONS": str(stream.installation.connections_path),
        "DATASURFACE_RESULT_FILE": str(record),
    }
    with stream.installation.session("admin", "source") as blocking:
        with blocking.raw.cursor() as cursor:
            cursor.execute("LOCK TABLE public.items IN ACCESS EXCLUSIVE MODE")
        command = [sys.executable, "-c", PROGRAM, "job", "snapshot-merge", *STREAM]
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            wait_for_a_waiting_reader(stream)
            asked_at = time.monotonic()
            process.send_signal(asked)
            stdout, stderr = process.communicate(timeout=30)

    assert process.returncode == 75, stderr
    assert time.monotonic() - asked_at < 10
    assert stdout.splitlines()[-1] == "DATASURFACE_RESULT_CODE=-1"
    result = json.loads(record.read_text())
    assert (result["family"], result["outcome"]) == ("transient", "failed")
    assert f"{asked.name}: the job was asked to end" in result["message"]
    assert stream.run().outcome == "unchanged"


def wait_for_a_waiting_reader(stream: Stream) -> None:
    """Until a session of the source waits for a lock."""
    with stream.installation.session("admin", "source") as session:
        session.raw.autocommit = True
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with session.raw.cursor() as cursor:
                cursor.execute(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE wait_event_type = 'Lock' AND datname = current_database()"
                )
                if cursor.fetchone() != (0,):
                    return
            time.sleep(0.05)
    raise AssertionError("no reader came")
