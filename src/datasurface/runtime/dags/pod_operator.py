"""A task that is a pod: it takes up the pod of its run or makes one, follows it, consumes it and only then judges it.

The stock operator deletes a finished pod that it finds and runs the job again, forgets the job's message when the pod
failed, and deletes a running pod whenever its own process is told to stop. What a job's result means is not known here:
this operator judges by exit status.
"""

import threading
import time
from datetime import timedelta
from functools import cached_property
from typing import Any, Final, NoReturn

from airflow.providers.cncf.kubernetes.kubernetes_helper_functions import PodLaunchFailedException
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.cncf.kubernetes.utils.pod_manager import PodLaunchTimeoutException
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from datasurface.errors import ExitStatus
from datasurface.runtime.dags import pod_ending, pod_spec
from datasurface.runtime.dags.pod_ending import Pod, PodEnding
from datasurface.runtime.dags.pod_manager import STEP_SECONDS, JobPodManager
from datasurface.runtime.dags.pod_spec import PodRequest

#: States of a task that only a person gives it while it runs; `restarting` is what clearing it does.
DECIDED_BY_A_PERSON: Final = frozenset({"failed", "success", "skipped", "removed", "restarting"})
#: Airflow sends SIGKILL 5 s after SIGTERM.
STATE_SECONDS: Final = 2.0
#: A node may have to be made first, and an image to be pulled over a slow line.
START_SECONDS: Final = 300
#: After the grace period Kubernetes kills; the object goes a moment later.
LEAVING_SECONDS: Final = 15
NOT_CURED_BY_RETRYING: Final = frozenset({ExitStatus.FINDINGS, ExitStatus.STATE})
#: Not 422, which is an admission policy's word too: during an upgrade that may know another release than this task.
MALFORMED: Final = 400
NOT_FOUND: Final = 404

DEFAULTS: Final[dict[str, Any]] = {
    "kubernetes_conn_id": None,
    "deferrable": False,
    "do_xcom_push": False,
    "log_events_on_startup": False,
    "log_events_on_failure": False,
    "log_pod_spec_on_failure": False,
    "on_finish_action": "delete_pod",
    "startup_check_interval_seconds": STEP_SECONDS,
    "startup_timeout_seconds": START_SECONDS,
    "retries": 3,
    "retry_delay": timedelta(seconds=10),
    "retry_exponential_backoff": 2,
    "max_retry_delay": timedelta(minutes=2),
    "termination_message_policy": "FallbackToLogsOnError",
}


class DatasurfacePodOperator(KubernetesPodOperator):
    """Runs a command of the platform in a pod; its exit status decides.

    0 is done; of a model error (1) and a state error (3) the task fails at once; whatever else is retried.
    """

    name: str
    pod: Pod
    template_fields = ("image", "namespace", "arguments")

    def __init__(self, *, pod: PodRequest, **options: Any) -> None:
        super().__init__(**{**DEFAULTS, **pod_spec.operator_arguments(pod), **options})
        self._request = pod
        self._run_id: str | None = None

    @cached_property
    def pod_manager(self) -> JobPodManager:
        """The manager that follows the pod."""
        return JobPodManager(kube_client=self.client, callbacks=self.callbacks)

    def execute(self, context: Any) -> Any:
        """Run the pod, or take up the one that an earlier attempt left, and judge it.

        Raises AirflowFailException where a retry cures nothing, else AirflowException.
        """
        self.name = self._set_name(self.name)
        self._run_id = context["run_id"]
        try:
            self._begin(context)
            finished = self._followed()
        except ApiException as error:
            text = pod_ending.refusal(error.body, error.reason)
            self.fail(f"Kubernetes does not do what the task needs ({error.status}): {text}", is_final=False)
        if self._killed:
            raise AirflowException("the task was told to stop while its job ran; the job's result is not known")
        ending = pod_ending.read(finished)
        self._consume(finished)
        return self.judge(ending, context)

    def build_pod_request_obj(self, context: Any = None, *, dry_run: bool = False) -> Pod:
        """The pod that Kubernetes is asked for."""
        self.full_pod_spec = pod_spec.pod(self._request)
        return super().build_pod_request_obj(context, dry_run=dry_run)

    def judge(self, ending: PodEnding, context: Any) -> Any:
        """Decide what the task comes to; its pod is consumed already."""
        if ending.exit_status != ExitStatus.DONE:
            self.fail(ending.text, is_final=ending.exit_status in NOT_CURED_BY_RETRYING)

    def fail(self, text: str, *, is_final: bool) -> NoReturn:
        """End the attempt with `text`, the first line of it that is an error; `is_final`: without a retry."""
        self.log.error("%s", text)
        raise AirflowFailException(text) if is_final else AirflowException(text)

    def on_kill(self) -> None:
        """Delete the pod if a person decided over the task; else keep it, for the next attempt takes it up.

        Airflow also stops a task whose scheduler it takes for dead, or whose database was away: an attempt that is late
        in hearing of it must not take the pod from its successor.
        """
        self._killed = True
        state = self._state_of_task()
        if state in DECIDED_BY_A_PERSON:
            self.log.info("the task is %s: deleting its pod", state)
            super().on_kill()
        else:
            self.log.warning("told to stop, though no person asked for it (state %s): the pod goes on", state)

    def _begin(self, context: Any) -> None:
        """Set `self.pod`, before Kubernetes hears of it: `on_kill` may need it at any time."""
        request = self.build_pod_request_obj(context)
        self.pod = self._left_by_earlier_attempt(context)
        if self.pod is not None:
            return
        self.pod = request
        try:
            self._persist_pod_identity_to_task_state_store(context, self.pod_manager.create_pod(request))
        except ApiException as error:
            text = pod_ending.refusal(error.body, error.reason)
            self.pod = None
            self.fail(f"Kubernetes refused the job's pod ({error.status}): {text}", is_final=error.status == MALFORMED)
        self.log.info("the job runs in pod %s/%s", request.metadata.namespace, request.metadata.name)

    def _left_by_earlier_attempt(self, context: Any) -> Pod | None:
        """The pod of this run that nobody has consumed: finished, running or waiting; None if there is none."""
        found = self._get_pod_from_task_state_store(context) or self.find_pod(self.namespace, context=context)
        if found is None:
            return None
        if found.metadata.deletion_timestamp is not None:
            self._await_leaving(found)
            return None
        if pod_ending.read(found).reason == "Evicted":
            self._consume(found)
            return None
        what = "finished" if pod_ending.is_finished(found) else found.status.phase.lower()
        self.log.info("taking up the %s pod %s that an earlier attempt left", what, found.metadata.name)
        return found

    def _await_leaving(self, pod: Pod) -> None:
        """Wait until a pod that was told to end has gone: its job holds the stream."""
        self.log.info("waiting for the pod %s to go, which was deleted", pod.metadata.name)
        grace = pod.spec.termination_grace_period_seconds or 0
        until = time.monotonic() + grace + LEAVING_SECONDS
        while time.monotonic() < until and not self._killed:
            try:
                self.pod_manager.read_pod(pod)
            except ApiException as error:
                if error.status == NOT_FOUND:
                    return
                raise
            time.sleep(STEP_SECONDS)

    def _followed(self) -> Pod:
        """The pod in its final phase, its log written; raises if it cannot begin or is gone."""
        try:
            self.await_pod_start(self.pod)
            self._follow_log()
            return self.pod_manager.await_pod_completion(self.pod)
        except (PodLaunchFailedException, PodLaunchTimeoutException):
            return self._not_begun()
        except ApiException as error:
            if error.status != NOT_FOUND:
                raise
            self.fail(f"the job's pod {self.pod.metadata.name} was deleted before its result was read", is_final=False)

    def _follow_log(self) -> None:
        """Write the job's log as it comes. Without it the job goes on, and its result counts."""
        try:
            self.await_pod_completion(self.pod)
        except ApiException as error:
            if error.status == NOT_FOUND:
                raise
            self.log.warning("the job's log cannot be read: %s", pod_ending.refusal(error.body, error.reason))
        except HTTPError as error:
            self.log.warning("the job's log cannot be read: %s", type(error).__name__)

    def _not_begun(self) -> Pod:
        """The pod if it has an ending after all; else it is consumed and the attempt fails with the obstacle."""
        found = self.pod_manager.read_pod(self.pod)
        if pod_ending.is_finished(found) or self._killed:
            return found
        self._consume(found)
        self.fail(
            f"the job's pod cannot begin: {pod_ending.obstacle(found)} (image {found.spec.containers[0].image})",
            is_final=False,
        )

    def _consume(self, pod: Pod) -> None:
        """Label the pod, so that no attempt takes it up again, and delete it.

        From here on an attempt that dies is followed by one with a pod of its own; its run_id keeps the effect at one.
        """
        for what, step in (("labelled", self._label), ("deleted", self.pod_manager.delete_pod)):
            try:
                step(pod)
            except ApiException as error:
                if error.status != NOT_FOUND:
                    text = pod_ending.refusal(error.body, error.reason)
                    self.log.warning("the pod %s cannot be %s: %s", pod.metadata.name, what, text)

    def _label(self, pod: Pod) -> None:
        body = {"metadata": {"labels": {self.POD_CHECKED_KEY: "True"}}}
        self.client.patch_namespaced_pod(name=pod.metadata.name, namespace=pod.metadata.namespace, body=body)

    def _state_of_task(self) -> str | None:
        """The task's state as Airflow has it; None if it does not say so in time.

        Asked by a thread: the signal may have come while this process was in the middle of asking something else.
        """
        states: list[str | None] = []

        def ask() -> None:
            run_id = self._run_id or ""
            try:
                found = RuntimeTaskInstance.get_task_states(
                    dag_id=self.dag_id, task_ids=[self.task_id], run_ids=[run_id]
                )
                states.append(found.get(run_id, {}).get(self.task_id))
            except Exception as error:  # whatever it is, it is no person's decision
                states.append(f"unknown: {type(error).__name__}")

        thread = threading.Thread(target=ask, name="state of task", daemon=True)
        thread.start()
        thread.join(STATE_SECONDS)
        return states[0] if states else None
