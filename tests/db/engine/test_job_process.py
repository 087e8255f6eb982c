"""A job as the process of a pod: whenever it is asked to end and whatever is broken, its record is there."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from datasurface.dsl import MilestoneStrategy
from tests.db.streams import Stream, column, plan, table

STREAM = ("--platform", "YellowLive", "--store", "Store1")
RUN = "from datasurface.cli.main import main; main()"
#: Ask the process to end, or break it, when it begins to import a module.
AT_IMPORT = """
import os, signal, sys
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            {act}
sys.meta_path.insert(0, Watch())
"""
#: Ask the process to end right before a function is called, and once more right after.
AT_CALL = """
import os, signal
from datasurface.runtime.jobs import snapshot_merge, stop_request
owner = {owner}
real = owner.{name}
def asked(*arguments, **more):
    os.kill(os.getpid(), signal.{asked})
    given = real(*arguments, **more)
    os.kill(os.getpid(), signal.{asked})
    return given
owner.{name} = asked
"""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How the process ended."""

    status: int
    stdout: str
    stderr: str
    text: str

    @property
    def record(self) -> dict[str, Any]:
        """The record; empty where there is none."""
        found: dict[str, Any] = json.loads(self.text or "{}")
        return found


@pytest.fixture
def stream(deployed) -> Stream:
    """A live stream of one dataset of a row."""
    return deployed(
        plan(MilestoneStrategy.LIVE_ONLY, table("lines", column("name"))),
        "CREATE TABLE lines (name text)",
        "INSERT INTO lines VALUES ('a')",
    )


@pytest.fixture
def process(stream, tmp_path):
    """Run `datasurface job snapshot-merge` as a process of its own, after some preparation inside it."""

    def run(preparation: str = "", *arguments: str | bytes, **environment: str) -> Ended:
        record = tmp_path / "result.json"
        known = {
            "DATASURFACE_CONNECTIONS": str(stream.installation.connections_path),
            "DATASURFACE_RESULT_FILE": str(record),
        }
        command = [sys.executable, "-c", preparation + RUN, "job", "snapshot-merge", *(arguments or STREAM)]
        ended = subprocess.run(
            command, env=os.environ | known | environment, capture_output=True, text=True, check=False, timeout=60
        )
        return Ended(
            status=ended.returncode,
            stdout=ended.stdout,
            stderr=ended.stderr,
            text=record.read_text(encoding="utf-8") if record.exists() else "",
        )

    return run


@pytest.mark.parametrize(
    ("asked", "module"), [("SIGTERM", "datasurface.runtime.jobs.snapshot_merge"), ("SIGINT", "psycopg2")]
)
def test_signal_before_the_run_ends_it_with_a_record(stream, process, asked, module):
    """A pod that is deleted while its job still loads: status 75, nothing was begun."""
    ended = process(AT_IMPORT.format(module=module, act=f"os.kill(os.getpid(), signal.{asked})"))

    assert (ended.status, ended.record.get("family")) == (75, "transient"), ended.stderr
    assert f"{asked}: the job was asked to end" in ended.record["message"]
    assert ended.stdout.splitlines()[-1] == "DATASURFACE_RESULT_CODE=-1"
    assert stream.batch(1) is None


@pytest.mark.parametrize(
    ("asked", "owner", "name"),
    [
        ("SIGTERM", "snapshot_merge", "report"),
        ("SIGINT", "snapshot_merge", "_write"),
        ("SIGTERM", "stop_request.StopRequest", "give_back"),
    ],
    ids=["before the report", "in the report", "after the report"],
)
def test_signal_after_the_run_takes_nothing_away(stream, process, asked, owner, name):
    """What was committed is reported: the same record and the same status as without the signal."""
    preparation = AT_CALL.format(owner=owner, name=name, asked=asked)

    ended = process(preparation)

    assert (ended.status, ended.record.get("outcome"), ended.record.get("batch_id")) == (0, "committed", 1)
    assert ended.stdout.splitlines()[-1] == "DATASURFACE_RESULT_CODE=1"


def test_program_that_cannot_be_loaded_leaves_a_record(process):
    """A library that is missing from the image: status 70, a record of no family, and what is missing."""
    act = "raise ImportError('libpq.so.5: cannot open shared object file')"

    ended = process(AT_IMPORT.format(module="psycopg2", act=act), *STREAM, "--run-id", "dag/run 1")

    assert ended.status == 70, ended.stderr
    assert (ended.record["rc"], ended.record["family"], ended.record["outcome"]) == (-1, None, "failed")
    assert ended.record["run_id"] == "dag/run 1"
    assert "libpq.so.5" in ended.record["message"]
    assert ended.stdout.splitlines()[-1] == "DATASURFACE_RESULT_CODE=-1"


def test_credential_that_cannot_be_read_is_named(stream, process, tmp_path):
    """A secret without its key: a model error that names the file."""
    document = json.loads(stream.installation.connections_path.read_text())
    (tmp_path / "empty").mkdir()
    document["merge"]["credentials"]["job"] = {"directory": str(tmp_path / "empty")}
    other = tmp_path / "other.json"
    other.write_text(json.dumps(document))

    ended = process(DATASURFACE_CONNECTIONS=str(other))

    assert (ended.status, ended.record["family"]) == (1, "model")
    assert f"credential file {tmp_path / 'empty' / 'username'} cannot be read" in ended.record["message"]


@pytest.mark.parametrize("arguments", [(*STREAM,), ("--platform", "YellowLive", "--store", "Nowhere")])
def test_log_is_json_of_one_line_each(process, arguments):
    """In a pod every line of stderr is a JSON object, of runs that go well and of runs that fail."""
    ended = process("", *arguments)

    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    assert all({"event", "level", "timestamp"} <= line.keys() for line in lines)
    assert any(line.get("run") is None for line in lines)


@pytest.mark.parametrize("run_id", [b"dag/\xff\xfe", "dag/" + "r" * 4000], ids=["no text", "too long"])
def test_run_id_that_no_record_could_hold_is_a_usage_error(process, run_id):
    """What is no text, or longer than a termination message: status 2, a record, and the code."""
    ended = process("", *STREAM, "--run-id", run_id)

    assert ended.status == 2, ended.stderr
    assert (ended.record["family"], ended.record["rc"]) == ("model", -1)
    assert len(ended.text.encode()) <= 3500
    assert ended.stdout.splitlines()[-1] == "DATASURFACE_RESULT_CODE=-1"


@pytest.mark.parametrize("name", [b"Yellow\xff", "Größe", "😀" * 2000], ids=["no text", "letters", "long"])
def test_name_of_any_kind_leaves_a_record_that_fits(process, name):
    """Names that are no text, or very long ones, are refused like every unknown stream."""
    ended = process("", "--platform", name, "--store", "Store1")

    assert ended.status in (1, 2), ended.stderr
    assert ended.record["outcome"] == "failed"
    assert len(ended.text.encode()) <= 3500


def test_other_commands_end_on_sigterm_as_on_ctrl_c(stream, tmp_path):
    """The first process of a pod ignores a signal that it has no handler for: so there is one. Status 75."""
    preparation = AT_IMPORT.format(module="psycopg2", act="os.kill(os.getpid(), signal.SIGTERM)")
    environment = os.environ | {"DATASURFACE_CONNECTIONS": str(stream.installation.connections_path)}

    ended = subprocess.run(
        [sys.executable, "-c", preparation + RUN, "status"],
        env=environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert (ended.returncode, ended.stderr) == (75, "interrupted; run it again\n")
