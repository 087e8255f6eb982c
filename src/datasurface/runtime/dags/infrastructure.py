"""The DAG that looks after a platform once a day: it proves the merge tables and reconciles the views.

What the commands do is theirs; nothing here reads a database, a file or the environment.
"""

from collections.abc import Mapping
from typing import Any, Final

from airflow.sdk import DAG, CronTriggerTimetable

from datasurface.model import codec
from datasurface.runtime.dags.builder import JOB_CREDENTIAL, PROGRAM, TAG_CHARACTERS
from datasurface.runtime.dags.platform_config import PlatformConfig
from datasurface.runtime.dags.pod_operator import DatasurfacePodOperator
from datasurface.runtime.dags.pod_spec import PodRequest

AUDIT_TASK: Final = "audit"
RECONCILE_TASK: Final = "reconcile_views"
#: Where a command that reconciles looks for its login of the merge database.
APPLY_CREDENTIAL: Final = "ds_merge"
_DOCUMENTATION: Final = """Looks after the platform: `audit` proves that the merge tables are what the batches
recorded, `reconcile_views` puts every view of the plan in place. Neither waits for the other's success."""


def infrastructure_dag(document: Mapping[str, Any]) -> DAG:
    """The DAG that a PlatformConfig describes; its tasks run one after the other, each whatever the other's end."""
    config = codec.decode(PlatformConfig, document)
    with DAG(
        dag_id=config.dag_id,
        description=f"Audit and views of {config.original_platform_name}",
        doc_md=_DOCUMENTATION,
        schedule=_schedule(config.schedule),
        catchup=False,
        max_active_runs=1,
        max_active_tasks=1,
        tags=[f"platform:{config.original_platform_name}"[:TAG_CHARACTERS], "infrastructure"],
    ) as dag:
        DatasurfacePodOperator(
            task_id=AUDIT_TASK, pod=_pod(config, AUDIT_TASK, ("audit",), {JOB_CREDENTIAL: config.job_secret_name})
        )
        DatasurfacePodOperator(
            task_id=RECONCILE_TASK,
            pod=_pod(
                config, RECONCILE_TASK, ("reconcile-workspace-views",), {APPLY_CREDENTIAL: config.apply_secret_name}
            ),
        )
    return dag


def _schedule(schedule: str) -> str | CronTriggerTimetable:
    return schedule if schedule.startswith("@") else CronTriggerTimetable(schedule, timezone="UTC")


def _pod(config: PlatformConfig, task: str, command: tuple[str, ...], credentials: Mapping[str, str]) -> PodRequest:
    return PodRequest(
        name=f"{config.platform_name}-{task}",
        image=config.image,
        namespace=config.namespace,
        instance=config.instance_name,
        arguments=(PROGRAM, *command, "--platform", config.original_platform_name),
        service_account=config.service_account_name,
        credentials=credentials,
        connections_config_map=config.connections_config_map_name,
        resources=config.resources,
        labels={"datasurface.io/platform": config.platform_name},
        image_pull_policy=config.image_pull_policy,
        image_pull_secrets=tuple(config.image_pull_secrets),
    )
