"""One run, one effect: what an attempt does with the pod that the one before it left."""

from __future__ import annotations

from dataclasses import replace
from threading import Timer

import pytest
from airflow.sdk.exceptions import AirflowException

from tests.airflow.task_run import REQUEST

DONE = {"record": {"rc": 0, "outcome": "committed", "batch_id": 7}}
FAILED = {"record": {"rc": -1, "outcome": "failed", "family": "transient", "message": "away"}, "exit_status": 75}


@pytest.fixture(params=["found by its identity", "found by its labels"])
def died_run(request, job_run):
    """A run whose first attempt is about to die; the store of identities may not have heard of its pod."""
    run = job_run()

    def die():
        run.die()
        if request.param == "found by its labels":
            run.store.clear()
        return run

    return die


@pytest.mark.row("D03")
def test_a_finished_pod_is_read_and_not_run_again(kubernetes, died_run):
    """A job that ended while nobody looked has its result taken."""
    kubernetes.script(DONE)
    run = died_run()
    kubernetes.pod_in("Succeeded")

    assert run.attempt() == ["reschedule_immediately"]

    assert len(kubernetes.created) == 1
    assert run.result["batch_id"] == 7
    assert kubernetes.pods == {}


@pytest.mark.row("D03")
def test_a_finished_pod_that_failed_is_judged_once(kubernetes, died_run):
    """Its failure is the next attempt's; the attempt after that has a pod of its own."""
    kubernetes.script(FAILED, DONE)
    run = died_run()
    kubernetes.pod_in("Failed")

    with pytest.raises(AirflowException, match=r"^away$"):
        run.attempt()
    assert run.attempt() == ["reschedule_immediately"]

    assert len(kubernetes.created) == 2


@pytest.mark.row("D03")
def test_a_running_pod_is_followed_to_its_end(kubernetes, died_run):
    """A job at work goes on undisturbed."""
    kubernetes.script({**DONE, "seconds": 1})
    run = died_run()
    kubernetes.job_at_work()

    assert run.attempt() == ["reschedule_immediately"]

    assert len(kubernetes.created) == 1


@pytest.mark.row("D03")
def test_a_waiting_pod_is_followed_to_its_end(kubernetes, died_run):
    """So does one that has not begun."""
    kubernetes.script(DONE)
    kubernetes.set(start_seconds=1)
    run = died_run()

    assert run.attempt() == ["reschedule_immediately"]

    assert len(kubernetes.created) == 1


@pytest.mark.row("D03", kind="refusal")
def test_a_consumed_pod_is_not_taken_up_again(kubernetes, job_run):
    """A pod that stays because it may not be deleted is labelled, and the retry makes its own."""
    kubernetes.set(deny=["pods:delete"])
    kubernetes.script(FAILED, DONE)
    run = job_run()
    with pytest.raises(AirflowException, match=r"^away$"):
        run.attempt()
    assert [pod["labels"]["already_checked"] for pod in kubernetes.pods.values()] == ["True"]

    assert run.attempt() == ["reschedule_immediately"]

    assert len(kubernetes.created) == 2


@pytest.mark.row("D03")
def test_a_finished_pod_is_labelled_before_it_is_judged(kubernetes, job_run):
    """When the operator decides what the result comes to, no other attempt can take the same result."""
    kubernetes.set(deny=["pods:delete"])
    kubernetes.script(DONE)
    run = job_run()
    context = run.begin()
    seen = []
    run.operator.judge = lambda *_: seen.extend(kubernetes.pods.values())

    run.operator.execute(context)

    assert [pod["labels"]["already_checked"] for pod in seen] == ["True"]


@pytest.mark.row("D03", kind="refusal")
def test_a_pod_of_another_run_is_not_taken_up(kubernetes, job_run):
    """A run finds its own pod alone, though that of another run of the same task waits for its reader."""
    kubernetes.script({**DONE, "seconds": 1}, DONE)
    died = job_run()
    died.die()

    assert job_run().attempt() == ["reschedule_immediately"]

    assert len(kubernetes.created) == 2
    assert len(kubernetes.pods) == 1


@pytest.mark.row("D03", kind="refusal")
def test_a_pod_of_another_release_is_not_taken_up(kubernetes, job_run):
    """Two releases in one namespace have DAGs and runs of the same ids."""
    kubernetes.script({**DONE, "seconds": 1}, DONE)
    died = job_run()
    died.die()
    other = job_run(request=replace(REQUEST, instance="other"))
    other.run_id = died.run_id

    assert other.attempt() == ["reschedule_immediately"]

    assert len(kubernetes.created) == 2


@pytest.mark.row("D03")
def test_a_pod_on_its_way_out_is_waited_for(kubernetes, job_run):
    """A pod that was deleted may still hold its stream; the new one is made when it has gone."""
    kubernetes.script({"seconds": 20, "on_term": 75}, DONE)
    run = job_run()
    run.die()
    name = kubernetes.job_at_work()
    kubernetes.delete(name, grace_seconds=5)

    assert run.attempt() == ["reschedule_immediately"]

    assert len(kubernetes.created) == 2
    assert name not in kubernetes.pods


@pytest.mark.row("D03", kind="refusal")
@pytest.mark.parametrize("grace_seconds", [5, 0], ids=["with-grace", "forced"])
def test_a_pod_that_is_deleted_under_its_task_is_retried(kubernetes, job_run, grace_seconds):
    """Nobody knows what its job did: the attempt fails and says so, the next one asks the job itself."""
    kubernetes.script({"seconds": 20}, DONE)
    run = job_run()
    timer = Timer(1, lambda: kubernetes.delete(kubernetes.job_at_work(), grace_seconds=grace_seconds))
    timer.start()

    with pytest.raises(AirflowException, match=r"was deleted before its result was read|exit status 143"):
        run.attempt()
    assert run.attempt() == ["reschedule_immediately"]

    assert len(kubernetes.created) == 2
