"""A run of a DAG's task without Airflow's processes: what an operator finds in its context, and what it left there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Asset, AssetAlias
from airflow.sdk.exceptions import DownstreamTasksSkipped

from datasurface.runtime.dags.job_operator import DatasurfaceJobOperator
from datasurface.runtime.dags.pod_operator import DatasurfacePodOperator
from datasurface.runtime.dags.pod_spec import PodRequest
from tests.airflow.kubernetes_process import KubernetesProcess

DAG_ID = "yellowlive__Store1_ingestion"
TASK_ID = "snapshot_merge_job"
AGAIN = Asset("yellowlive__Store1")
ALIAS = AssetAlias("yellowlive__Store1_again")
REQUEST = PodRequest(
    name="yellowlive-Store1",
    image="datasurface:1",
    namespace="jobs",
    instance="datasurface",
    service_account="datasurface-job",
    arguments=("datasurface", "job", "snapshot-merge", "--platform", "YellowLive", "--store", "Store1"),
    credentials={"ds_job": "datasurface-ds-job", "customer_reader": "datasurface-customer-reader"},
    connections_config_map="datasurface-connections",
    resources={"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "512Mi"}},
    labels={"datasurface.io/platform": "yellowlive", "datasurface.io/stream": "Store1"},
)


@dataclass(slots=True)
class TaskInstance:
    """What operators use of Airflow's."""

    task: Any
    try_number: int = 1
    dag_id: str = DAG_ID
    task_id: str = TASK_ID
    map_index: int = -1
    xcoms: dict[str, Any] = field(default_factory=dict)

    def xcom_push(self, key: str, value: Any) -> None:
        """Keep it for the test."""
        self.xcoms[key] = value


class EventsOfAlias:
    """Collects the assets that the task emits through its alias."""

    def __init__(self) -> None:
        self.assets: list[Asset] = []

    def __getitem__(self, alias: AssetAlias) -> EventsOfAlias:
        assert alias == ALIAS
        return self

    def add(self, asset: Asset) -> None:
        """Keep it for the test."""
        self.assets.append(asset)


class StateStore:
    """Airflow's store of a task's state, which outlives its attempts."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def get(self, key: str) -> Any:  # get_: Airflow's name
        """The value, or None."""
        return self._values.get(key)

    def set(self, key: str, value: Any) -> None:
        """Keep the value."""
        self._values[key] = value

    def clear(self) -> None:
        """Forget all, as a store that died before it was told."""
        self._values.clear()


class TaskRun:
    """One task instance of one DAG run; `attempt` is what Airflow does at each try."""

    def __init__(self, kubernetes: KubernetesProcess, make: Callable[[], Any], run_id: str) -> None:
        self.kubernetes = kubernetes
        self.run_id = run_id
        self.store = StateStore()
        self.events = EventsOfAlias()
        self.tries = 0
        self.operator: Any = None
        self.instance: TaskInstance
        self._make = make

    def begin(self) -> dict[str, Any]:
        """The next attempt's operator, rendered, and its context."""
        self.tries += 1
        self.operator = self._make()
        self.instance = TaskInstance(self.operator, try_number=self.tries)
        context = {
            "ti": self.instance,
            "run_id": self.run_id,
            "dag": self.operator.dag,
            "outlet_events": self.events,
            "task_state_store": self.store,
        }
        self.operator.render_template_fields(context)
        return context

    def attempt(self) -> list[str]:
        """Run the task once; the tasks downstream that it skipped. Raises what Airflow would judge by."""
        context = self.begin()
        try:
            self.operator.execute(context)
        except DownstreamTasksSkipped as skipped:
            return [task_id for task_id, _ in skipped.tasks]
        return []

    def die(self) -> None:
        """Run the task until its pod is made, and end as a process does that is killed."""
        context = self.begin()
        self.operator.await_pod_start = _killed
        with suppress(KeyboardInterrupt):
            self.operator.execute(context)

    @property
    def result(self) -> Any:
        """The record that the last attempt gave to those downstream; None if there is none."""
        return self.instance.xcoms.get("result")


def _killed(_pod: Any) -> None:
    raise KeyboardInterrupt


def job_operator(kubernetes: KubernetesProcess, request: PodRequest = REQUEST, **options: Any) -> Any:
    """The task of a stream in a DAG of its own."""
    with DAG(DAG_ID, schedule=None):
        job = DatasurfaceJobOperator(
            task_id=TASK_ID,
            pod=request,
            again=AGAIN,
            alias=ALIAS,
            config_file=str(kubernetes.kubeconfig),
            in_cluster=False,
            **options,
        )
        job >> [EmptyOperator(task_id="reschedule_immediately"), EmptyOperator(task_id="wait_for_trigger")]
    return job


def pod_operator(kubernetes: KubernetesProcess, request: PodRequest = REQUEST, **options: Any) -> Any:
    """A task of the infrastructure in a DAG of its own."""
    with DAG(DAG_ID, schedule=None):
        return DatasurfacePodOperator(
            task_id=TASK_ID, pod=request, config_file=str(kubernetes.kubeconfig), in_cluster=False, **options
        )
