"""Tasks whose exit status decides, and pods that do not begin."""

from __future__ import annotations

from dataclasses import replace

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from tests.airflow.task_run import REQUEST

DONE = {"record": {"rc": 0, "outcome": "unchanged", "total": 13}}


def test_a_command_that_is_done_ends_its_task(kubernetes, pod_run):
    """Status 0 is done; no record is needed, and the pod goes."""
    kubernetes.script({"lines": ["0 findings"]})

    assert pod_run().attempt() == []

    assert kubernetes.pods == {}
    assert kubernetes.calls == [["job", "snapshot-merge", "--platform", "YellowLive", "--store", "Store1"]]


@pytest.mark.row("D03", kind="refusal")
@pytest.mark.parametrize(("status", "is_final"), [(1, True), (3, True), (75, False), (70, False), (2, False)])
def test_an_exit_status_says_whether_a_retry_helps(kubernetes, pod_run, status, is_final):
    """A finding and a state error fail at once, whatever else is tried again."""
    kubernetes.script({"exit_status": status})

    with pytest.raises(AirflowException, match=f"exit status {status}$") as raised:
        pod_run().attempt()

    assert isinstance(raised.value, AirflowFailException) == is_final
    assert kubernetes.pods == {}


@pytest.mark.row("K08", kind="refusal")
@pytest.mark.parametrize(
    ("image", "reason"),
    [("registry/absent:1", "ErrImagePull"), ("never:1", "ErrImageNeverPull"), ("Invalid:1", "InvalidImageName")],
)
def test_an_image_that_cannot_be_had_is_said_plainly(kubernetes, job_run, image, reason):
    """The error is one, names the image and Kubernetes' reason, and the pod does not stay."""
    run = job_run(request=replace(REQUEST, image=image))

    with pytest.raises(AirflowException, match=f"cannot begin: {reason}: failed to pull image") as raised:
        run.attempt()

    assert str(raised.value).endswith(f"(image {image})")
    assert kubernetes.pods == {}


@pytest.mark.row("K08", kind="refusal")
def test_a_pod_without_a_node_is_given_up(kubernetes, job_run):
    """After a while the attempt fails with the scheduler's own words."""
    request = replace(REQUEST, resources={"requests": {"cpu": "1000"}})

    with pytest.raises(AirflowException, match=r"cannot begin: Unschedulable: 0/1 nodes are available: 1 Insufficient"):
        job_run(request=request, startup_timeout_seconds=1).attempt()

    assert kubernetes.pods == {}


@pytest.mark.row("D04", kind="refusal")
@pytest.mark.parametrize(
    ("settings", "text"),
    [
        pytest.param({"deny": ["pods:create"]}, r"\(403\): pods is forbidden: User", id="right"),
        pytest.param({"policy": "the image is x:2"}, r"\(422\): pods .* denied request: the image is x:2", id="policy"),
    ],
)
def test_a_refused_pod_is_not_quoted_and_is_tried_again(kubernetes, job_run, capsys, settings, text):
    """The log says why the pod was refused, with nothing of its manifest; an upgrade may be what refuses it for now."""
    kubernetes.set(**settings)

    with pytest.raises(AirflowException, match=f"Kubernetes refused the job's pod {text}") as raised:
        job_run().attempt()

    log = "".join(capsys.readouterr())
    assert "DATASURFACE_RESULT_FILE" not in log
    assert "datasurface-ds-job" not in log
    assert not isinstance(raised.value, AirflowFailException)
    assert kubernetes.created == []


@pytest.mark.row("D05", kind="refusal")
@pytest.mark.parametrize("verb", ["pods:list", "pods:get"])
def test_without_a_right_that_is_needed_the_task_fails_in_one_sentence(kubernetes, job_run, verb):
    """The error names the refusal; no pod is deleted."""
    kubernetes.set(deny=[verb])

    with pytest.raises(AirflowException, match=r"does not do what the task needs \(403\): pods is forbidden"):
        job_run().attempt()

    assert "pods:delete" not in kubernetes.verbs


@pytest.mark.row("D05")
@pytest.mark.parametrize("verb", ["pods/log:get", "pods:patch", "pods:delete"])
def test_without_a_right_that_only_serves_people_the_result_counts(kubernetes, job_run, capsys, verb):
    """A log that cannot be read, a pod that cannot be labelled or deleted is a warning."""
    kubernetes.set(deny=[verb])
    kubernetes.script({**DONE, "seconds": 0.5})

    assert job_run().attempt() == ["reschedule_immediately"]

    assert "[warning" in capsys.readouterr().out
    assert len(kubernetes.pods) == (verb == "pods:delete")
