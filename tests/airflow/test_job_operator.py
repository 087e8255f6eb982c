"""What a job's result record makes of its task."""

from __future__ import annotations

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from tests.airflow.task_run import AGAIN, DAG_ID

COMMITTED = {"rc": 0, "outcome": "committed", "batch_id": 7, "inserted": 2, "updated": 1, "total": 13}
RIGHTS = {"pods:create", "pods:get", "pods:list", "pods:patch", "pods:delete", "pods/log:get"}


def error(family, message="customers.dob: not a date"):
    """A job that fails with this family."""
    statuses = {"model": 1, "state": 3, "transient": 75, None: 70}
    record = {"rc": -1, "outcome": "failed", "family": family, "message": message}
    return {"record": record, "exit_status": statuses[family]}


@pytest.mark.row("D03", "D05", "I06", "K08")
def test_done_waits_for_the_trigger_and_hands_the_counts_on(kubernetes, job_run):
    """A done job skips the immediate run, emits no event, leaves its record as XCom and no pod."""
    kubernetes.script({"record": COMMITTED})
    run = job_run()

    assert run.attempt() == ["reschedule_immediately"]

    assert run.result == {
        **{"v": 1, "family": None, "deleted": 0, "message": "", "run_id": f"{DAG_ID}/{run.run_id}"},
        **COMMITTED,
    }
    assert run.events.assets == []
    assert kubernetes.pods == {}


@pytest.mark.row("D03", "I06")
def test_keep_working_emits_the_streams_own_event(kubernetes, job_run):
    """A job that has more to do skips the wait and emits the asset that its DAG is scheduled by."""
    kubernetes.script({"record": {**COMMITTED, "rc": 1}})
    run = job_run()

    assert run.attempt() == ["wait_for_trigger"]

    assert run.events.assets == [AGAIN]


@pytest.mark.row("D03", "I07")
def test_busy_is_done(kubernetes, job_run):
    """A job that found another at work is done."""
    kubernetes.script({"record": {"rc": 0, "outcome": "busy", "message": "another job holds the stream"}})

    assert job_run().attempt() == ["reschedule_immediately"]


@pytest.mark.row("D03", "I06", kind="refusal")
@pytest.mark.parametrize("family", ["model", "state"])
def test_model_and_state_errors_fail_at_once(kubernetes, job_run, family):
    """Of an error that a retry does not cure the task fails for good, with the record's message."""
    kubernetes.script(error(family))
    run = job_run()

    with pytest.raises(AirflowFailException, match=r"^customers\.dob: not a date$"):
        run.attempt()

    assert run.result["family"] == family
    assert run.events.assets == []
    assert kubernetes.pods == {}


@pytest.mark.row("D03", "I06", kind="refusal")
@pytest.mark.parametrize("family", ["transient", None])
def test_transient_and_unforeseen_errors_are_retried_in_a_new_pod(kubernetes, job_run, family):
    """The attempt fails, and the next one runs the job again with the same run_id."""
    kubernetes.script(error(family, "no connection"), {"record": COMMITTED})
    run = job_run()

    with pytest.raises(AirflowException, match=r"^no connection$") as raised:
        run.attempt()
    assert not isinstance(raised.value, AirflowFailException)
    assert run.attempt() == ["reschedule_immediately"]

    assert len(kubernetes.created) == 2
    assert kubernetes.calls[0] == kubernetes.calls[1]
    assert kubernetes.calls[0][-2:] == ["--run-id", f"{DAG_ID}/{run.run_id}"]


@pytest.mark.row("D03")
def test_retries_are_three_with_growing_pauses(job_run):
    """What is retried is so three times, each pause longer than the one before."""
    run = job_run()
    run.begin()

    assert run.operator.retries == 3
    assert run.operator.retry_exponential_backoff == 2
    assert run.operator.retry_delay.total_seconds() == 10


@pytest.mark.row("D05", "I06", kind="refusal")
@pytest.mark.parametrize(
    ("job", "text"),
    [
        pytest.param({"message": ""}, "the job ended well, and left no result record", id="none"),
        pytest.param({"message": "{"}, "ended well, and left a result record that cannot be read", id="garbled"),
        pytest.param({"message": '{"v": 2, "rc": 0}'}, "a result record that cannot be read", id="another-version"),
        pytest.param({"record": {**COMMITTED, "message": "x" * 5000}}, "that cannot be read", id="cut-at-its-head"),
        pytest.param({"exit_status": 70}, "exit status 70, and left no result record", id="failed-without"),
        pytest.param({"exit_status": -9}, r"the job was killed \(exit status 137\)", id="killed"),
        pytest.param({"oom": True}, r"over its memory limit of 512Mi and was killed \(OOMKilled\)", id="memory"),
    ],
)
def test_a_job_without_a_readable_record_is_retried(kubernetes, job_run, job, text):
    """Without a record nothing is known to be done: the attempt fails and says what happened, nothing is emitted."""
    kubernetes.script(job)
    run = job_run()

    with pytest.raises(AirflowException, match=text) as raised:
        run.attempt()

    assert not isinstance(raised.value, AirflowFailException)
    assert run.result is None
    assert run.events.assets == []
    assert kubernetes.pods == {}


def test_a_record_of_a_newer_job_is_read(kubernetes, job_run):
    """Fields that this version does not know are passed over."""
    kubernetes.script({"record": {**COMMITTED, "later": 1}})
    run = job_run()

    assert run.attempt() == ["reschedule_immediately"]

    assert "later" not in run.result


@pytest.mark.row("D05", kind="refusal")
def test_a_printed_result_code_decides_nothing(kubernetes, job_run):
    """What a job prints is for people; without the record its task does not succeed."""
    kubernetes.script({"lines": ["DATASURFACE_RESULT_CODE=0"]})

    with pytest.raises(AirflowException, match="left no result record"):
        job_run().attempt()


def test_the_first_error_of_the_log_is_the_records_message(kubernetes, job_run, capsys):
    """A red run says first what the job's error line says."""
    kubernetes.script(error("state", "batch 3 was made with another schema. Run datasurface reset-batch-state"))

    with pytest.raises(AirflowFailException):
        job_run().attempt()

    errors = [line for line in capsys.readouterr().out.splitlines() if "[error" in line]
    assert "batch 3 was made with another schema. Run datasurface reset-batch-state" in errors[0]


@pytest.mark.row("D05")
def test_only_the_rights_that_the_role_has_are_used(kubernetes, job_run):
    """A run that went well and one that failed ask for pods and their logs: nothing else, and no exec."""
    kubernetes.script({"record": COMMITTED}, error("transient"), {"record": COMMITTED, "seconds": 0.3})
    run = job_run()
    run.attempt()
    with pytest.raises(AirflowException):
        run.attempt()

    run.attempt()

    assert set(kubernetes.verbs) == RIGHTS
