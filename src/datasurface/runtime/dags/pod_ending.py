"""How a pod ended, or why it does not begin, in words that a person can act on.

Pure: it reads the pod that Kubernetes described. What follows from it is the operators' business.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from datasurface.runtime.dags.pod_spec import CONTAINER
from datasurface.yellow.engine.batch.run_result import RunResult

#: A V1Pod that Kubernetes gave: there is what its type calls optional.
Pod = Any

KILLED: Final = 137
DONE: Final = 0
SUCCEEDED: Final = "Succeeded"
FAILED: Final = "Failed"
#: A message of Kubernetes is quoted up to here.
MAX_QUOTED_CHARACTERS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PodEnding:
    """How a pod ended.

    `exit_status` is None where its container never ran or Kubernetes does not know. `reason` is Kubernetes' word
    (`Completed`, `Error`, `OOMKilled`, `Evicted`, `DeadlineExceeded`), `message` what the container left.
    """

    pod_name: str
    exit_status: int | None
    reason: str | None
    message: str | None
    explanation: str | None
    memory_limit: str | None

    @property
    def result(self) -> RunResult | None:
        """The record that the job left; None if it left none, or what is left of it cannot be read.

        Fields that this version does not know are passed over: the job's image may be newer.
        """
        try:
            document = json.loads(self.message or "")
            known = {name: value for name, value in document.items() if name in RunResult.model_fields}
            return RunResult.model_validate_json(json.dumps(known))
        except (ValueError, AttributeError, ValidationError):
            return None

    @property
    def text(self) -> str:
        """What happened to a pod whose job did not tell it."""
        if self.reason == "OOMKilled":
            limit = f" of {self.memory_limit}" if self.memory_limit else ""
            return f"the job went over its memory limit{limit} and was killed (OOMKilled); raise jobs.resources"
        if self.reason in {"Evicted", "DeadlineExceeded"}:
            return f"Kubernetes ended the job's pod: {': '.join(filter(None, [self.reason, self.explanation]))}"
        if self.exit_status is None:
            explanation = ": ".join(filter(None, [self.reason, self.explanation]))
            return f"the job's pod {self.pod_name} failed before its container ran{explanation and ': '}{explanation}"
        if self.exit_status == KILLED:
            return "the job was killed (exit status 137): by its node, by a person or for want of memory"
        return f"the job ended with exit status {self.exit_status}"


def read(pod: Pod) -> PodEnding:
    """The ending of a pod in its final phase."""
    terminated = next((state.terminated for state in _states(pod) if state.terminated), None)
    limits = pod.spec.containers[0].resources and pod.spec.containers[0].resources.limits
    return PodEnding(
        pod_name=pod.metadata.name,
        exit_status=terminated.exit_code if terminated else None,
        reason=pod.status.reason or (terminated.reason if terminated else None),
        message=terminated.message if terminated else None,
        explanation=_quoted(pod.status.message),
        memory_limit=(limits or {}).get("memory"),
    )


def is_finished(pod: Pod) -> bool:
    """Whether the pod is in its final phase."""
    return bool(pod.status.phase in {SUCCEEDED, FAILED})


def obstacle(pod: Pod) -> str:
    """Why a pod does not begin: the kubelet's word on its container, the scheduler's on the pod, or neither."""
    for state in _states(pod):
        if state.waiting and state.waiting.reason not in {None, "ContainerCreating", "PodInitializing"}:
            return _sentence(state.waiting.reason, state.waiting.message)
    for condition in pod.status.conditions or []:
        if condition.type == "PodScheduled" and condition.status == "False":
            return _sentence(condition.reason, condition.message)
    return _sentence(pod.status.reason, pod.status.message) or f"it stays {pod.status.phase}"


def refusal(body: str | bytes | None, reason: str | None) -> str:
    """What Kubernetes said when it refused a request: the message of its Status object, else the HTTP reason."""
    try:
        return _quoted(json.loads(body or "")["message"]) or str(reason)
    except (ValueError, KeyError, TypeError):
        return str(reason)


def _states(pod: Pod) -> Iterator[Any]:
    for status in pod.status.container_statuses or []:
        if status.name == CONTAINER and status.state:
            yield status.state


def _sentence(reason: str | None, message: str | None) -> str:
    return ": ".join(filter(None, [reason, _quoted(message)]))


def _quoted(text: Any) -> str | None:
    """On one line, and not for ever: some of Kubernetes' messages hold a whole manifest."""
    line = " ".join(str(text or "").split())
    return (line if len(line) <= MAX_QUOTED_CHARACTERS else f"{line[:MAX_QUOTED_CHARACTERS]}…") or None
