"""What becomes of a pod when Airflow tells its task to stop."""

from __future__ import annotations

import threading
import time

import pytest
from airflow.sdk.exceptions import AirflowException
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

from tests.airflow.task_run import TASK_ID

DONE = {"record": {"rc": 0, "outcome": "committed", "batch_id": 7}}


@pytest.fixture
def state_of_task(monkeypatch):
    """Says what state Airflow has the task in; an error to be raised stands for no answer."""
    answers = {}

    def states(*, dag_id, task_ids, run_ids):
        if isinstance(answers["state"], Exception):
            raise answers["state"]
        time.sleep(answers.get("seconds", 0))
        return {run_ids[0]: {task_ids[0]: answers["state"]}}

    monkeypatch.setattr(RuntimeTaskInstance, "get_task_states", staticmethod(states))
    return answers


class Attempt(threading.Thread):
    """An attempt beside the test."""

    def __init__(self, run):
        super().__init__(daemon=True)
        self.run_of_task = run
        self.error = None
        self.context = run.begin()
        self.operator = run.operator
        self.start()

    def run(self):
        try:
            self.operator.execute(self.context)
        except BaseException as error:
            self.error = error


@pytest.mark.row("D03")
@pytest.mark.parametrize("state", ["failed", "success", "skipped", "removed", "restarting"])
def test_the_pod_is_deleted_when_a_person_decided(kubernetes, job_run, state_of_task, state):
    """Marked or cleared: the job is told to end, and the attempt does not succeed by itself."""
    kubernetes.script({"seconds": 20})
    state_of_task["state"] = state
    attempt = Attempt(job_run())
    kubernetes.job_at_work()

    attempt.operator.on_kill()
    attempt.join(10)

    assert not attempt.is_alive()
    assert isinstance(attempt.error, AirflowException)
    assert kubernetes.pods == {}


@pytest.mark.row("D03", kind="refusal")
@pytest.mark.parametrize("state", ["running", "queued", "up_for_retry", None, OSError("no answer")], ids=str)
def test_the_pod_goes_on_when_nobody_asked(kubernetes, job_run, state_of_task, state):
    """A lost scheduler or database stops the attempt, not the job: the next attempt takes up the pod."""
    kubernetes.script({**DONE, "seconds": 1})
    state_of_task["state"] = state
    run = job_run()
    attempt = Attempt(run)
    kubernetes.job_at_work()

    attempt.operator.on_kill()
    attempt.join(10)

    assert "told to stop" in str(attempt.error)
    assert attempt.context["ti"].xcoms == {}
    assert run.attempt() == ["reschedule_immediately"]
    assert len(kubernetes.created) == 1
    assert "pods:delete" in kubernetes.verbs


@pytest.mark.row("D03", kind="refusal")
def test_an_attempt_that_hears_late_takes_nothing_from_its_successor(kubernetes, job_run, state_of_task):
    """The successor has taken up the pod when the old attempt is told to stop: the job ends in peace, once."""
    kubernetes.script({**DONE, "seconds": 2})
    state_of_task["state"] = "running"
    run = job_run()
    old = Attempt(run)
    kubernetes.job_at_work()
    new = Attempt(run)
    time.sleep(0.5)

    old.operator.on_kill()
    old.join(10)
    new.join(10)

    assert "told to stop" in str(old.error)
    assert type(new.error).__name__ == "DownstreamTasksSkipped"
    assert len(kubernetes.created) == 1


def test_an_airflow_that_does_not_answer_is_not_waited_for(kubernetes, job_run, state_of_task):
    """Airflow kills 5 s after it told to stop; by then the decision is taken, and it is to keep the pod."""
    kubernetes.script({"seconds": 20})
    state_of_task.update(state="failed", seconds=30)
    attempt = Attempt(job_run())
    kubernetes.job_at_work()
    began = time.monotonic()

    attempt.operator.on_kill()

    assert time.monotonic() - began < 4
    assert len(kubernetes.pods) == 1


def test_the_state_that_is_asked_for_is_the_tasks_own(kubernetes, job_run, monkeypatch):
    """The question names the DAG, the task and the run."""
    asked = {}
    monkeypatch.setattr(RuntimeTaskInstance, "get_task_states", staticmethod(lambda **which: asked.update(which) or {}))
    kubernetes.script(DONE)
    run = job_run()
    run.attempt()

    run.operator.on_kill()

    assert asked == {"dag_id": run.operator.dag_id, "task_ids": [TASK_ID], "run_ids": [run.run_id]}
