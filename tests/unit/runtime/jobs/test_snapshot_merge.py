"""A run as a process, without a database: its lines, its signals, its last word."""

import json
import os
import signal
import threading

import pytest

from datasurface.dsl import Consistency, MilestoneStrategy
from datasurface.errors import ExitStatus, TransientError
from datasurface.runtime.jobs import snapshot_merge
from datasurface.runtime.jobs.stop_request import StopRequest
from datasurface.yellow.engine.batch import run, run_result
from datasurface.yellow.engine.batch.looking import LookOutcome
from datasurface.yellow.engine.batch.run import RunRequest
from datasurface.yellow.engine.difference.delta import Counts
from datasurface.yellow.plan.platforms import control_tables
from datasurface.yellow.plan.streams import SourcePlan, StreamPlan

REQUEST = RunRequest(platform="YellowLive", store="Store1", run_id="run 1")
SOURCE = SourcePlan(container="c", host="h", port=1, database="d", schema="public", credential="reader")
STREAM = StreamPlan(
    platform="YellowLive",
    platform_name="yellowlive",
    stream_key="Store1",
    store="Store1",
    dataset=None,
    consistency=Consistency.MULTI_DATASET,
    strategy=MilestoneStrategy.LIVE_ONLY,
    control=control_tables("YellowLive"),
    source=SOURCE,
    job_credential=None,
    run_budget_seconds=0,
    look_interval_seconds=1,
    store_hashes=False,
    latency_seconds=60,
    tables=(),
    schema_hash="0",
)


@pytest.fixture
def ended(monkeypatch, tmp_path):
    """Run a job whose run is `work(links)`; gives its status, its stdout and its record."""
    record = tmp_path / "result.json"
    monkeypatch.setenv("DATASURFACE_RESULT_FILE", str(record))
    monkeypatch.delenv("DATASURFACE_CONNECTIONS", raising=False)

    def run_job(work):
        monkeypatch.setattr(run, "run", lambda _request, links, _watch: work(links))
        said: list[str] = []
        stop = StopRequest()
        stop.take()
        try:
            status = snapshot_merge.run_job(REQUEST, said.append, stop)
        finally:
            stop.give_back()
        return status, said, json.loads(record.read_text())

    return run_job


@pytest.mark.row("I11")
def test_lines_of_a_look_name_every_dataset_in_order_and_add_up():
    """Unchanged rows are those of the snapshot that neither came nor changed."""
    outcome = LookOutcome(
        batch_id=3,
        counts=Counts(inserted=4, updated=3, deleted=1, total=198),
        datasets={
            "customers": Counts(inserted=4, updated=3, deleted=0, total=75),
            "addresses": Counts(inserted=0, updated=0, deleted=1, total=123),
        },
    )

    assert snapshot_merge.look_lines(STREAM, outcome) == [
        "YellowLive/Store1 batch 3  addresses  New 0  Changed 0  Deleted 1  Unchanged 123",
        "YellowLive/Store1 batch 3  customers  New 4  Changed 3  Deleted 0  Unchanged 68",
        "YellowLive/Store1 batch 3  total      New 4  Changed 3  Deleted 1  Unchanged 191",
    ]


def test_look_without_a_batch_has_no_lines():
    """Nothing changed: nothing to tell."""
    assert snapshot_merge.look_lines(STREAM, LookOutcome(batch_id=None, counts=Counts(), datasets={})) == []


def test_signal_cancels_what_runs(ended):
    """SIGTERM reaches the thread that works, and the result is transient."""

    def wait(links):
        threading.Timer(0.05, os.kill, [os.getpid(), signal.SIGTERM]).start()
        links.wait(20)

    status, said, record = ended(wait)

    assert (status, said) == (ExitStatus.TRANSIENT, ["DATASURFACE_RESULT_CODE=-1"])
    assert (record["family"], record["run_id"]) == ("transient", "run 1")
    assert record["message"].startswith("SIGTERM: the job was asked to end")


def test_run_that_does_not_end_after_a_signal_is_given_up(ended, monkeypatch):
    """A hanging connect must not cost the report: Kubernetes would kill the process without one."""
    monkeypatch.setattr(snapshot_merge, "GRACE_SECONDS", 0.2)
    release = threading.Event()

    def hang(_links):
        os.kill(os.getpid(), signal.SIGTERM)
        release.wait(20)
        raise TransientError("too late")

    status, said, record = ended(hang)
    release.set()

    assert (status, said[-1]) == (ExitStatus.TRANSIENT, "DATASURFACE_RESULT_CODE=-1")
    assert record["family"] == "transient"


def test_run_that_finished_in_spite_of_a_signal_keeps_its_result(ended):
    """What was committed is reported as committed."""

    def finish(_links):
        os.kill(os.getpid(), signal.SIGTERM)
        return run_result.of_looks("run 1", Counts(inserted=1, total=1), 7, keeps_working=False)

    status, said, record = ended(finish)

    assert (status, said) == (ExitStatus.DONE, ["DATASURFACE_RESULT_CODE=0"])
    assert (record["outcome"], record["batch_id"]) == ("committed", 7)


def test_signal_before_the_run_keeps_it_from_beginning(monkeypatch):
    """It was asked to end while it still loaded: nothing is opened, the result says so."""
    stop = StopRequest()
    stop.take()
    monkeypatch.setattr(run, "run", lambda *_: pytest.fail("the run began"))
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        said: list[str] = []
        status = snapshot_merge.run_job(REQUEST, said.append, stop)
    finally:
        stop.give_back()

    assert (status, said) == (ExitStatus.TRANSIENT, ["DATASURFACE_RESULT_CODE=-1"])


@pytest.mark.parametrize("before", [signal.SIG_DFL, signal.SIG_IGN, signal.default_int_handler], ids=repr)
def test_signals_are_given_back(before):
    """Whoever had them has them again, but for a handler that would interrupt a job that has reported."""
    known = signal.signal(signal.SIGTERM, before)
    try:
        stop = StopRequest()
        stop.take()
        stop.give_back()
        after = signal.getsignal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, known)

    assert after is (signal.SIG_IGN if before is signal.default_int_handler else before)


@pytest.mark.row("I06", kind="refusal")
def test_error_that_is_no_exception_of_ours_is_reported_too(ended):
    """Even a worker that asks the interpreter to exit gives a result."""

    def leave(_links):
        raise SystemExit(3)

    status, said, record = ended(leave)

    assert (status, said) == (ExitStatus.UNHANDLED, ["DATASURFACE_RESULT_CODE=-1"])
    assert record["message"] == "SystemExit, which nobody foresaw"
