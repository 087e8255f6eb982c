"""The DAG of a stream, made from its row's configuration alone: equal configurations give equal DAGs, at any time.

Airflow makes a new version of a DAG whenever its serialized form changes, so nothing volatile may enter it. Nothing
here reads a database, a file or the environment.
"""

from collections.abc import Mapping
from typing import Any, Final

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Asset, AssetAlias, AssetOrTimeSchedule, CronTriggerTimetable

from datasurface.model import codec
from datasurface.runtime.dags.job_operator import DatasurfaceJobOperator
from datasurface.runtime.dags.pod_spec import PodRequest
from datasurface.yellow.plan.dag_config import DagConfig

JOB_TASK: Final = "snapshot_merge_job"
RESCHEDULE_TASK: Final = "reschedule_immediately"
WAIT_TASK: Final = "wait_for_trigger"
PROGRAM: Final = "datasurface"
#: Where a job looks for its login of the merge database.
JOB_CREDENTIAL: Final = "ds_job"
#: Airflow's own limit.
TAG_CHARACTERS: Final = 100


def stream_dag(document: Mapping[str, Any]) -> DAG:
    """The ingestion DAG that a row's config_json describes; `row_check.checked` has let the row through."""
    config = codec.decode(DagConfig, document)
    again = Asset(name=f"{config.dag_id}.again", uri=f"datasurface://streams/{config.dag_id}/again")
    with DAG(
        dag_id=config.dag_id,
        description=f"{config.stream_key} on {config.original_platform_name}",
        doc_md=_documentation(config),
        schedule=_schedule(config, again),
        catchup=False,
        max_active_runs=1,
        tags=_tags(config),
        default_args={"owner": config.team},
    ) as dag:
        job = DatasurfaceJobOperator(
            task_id=JOB_TASK,
            pod=_pod(config),
            again=again,
            alias=AssetAlias(name=f"{config.dag_id}.outcome"),
            reschedule=RESCHEDULE_TASK,
            wait=WAIT_TASK,
        )
        job >> [EmptyOperator(task_id=RESCHEDULE_TASK), EmptyOperator(task_id=WAIT_TASK)]
    return dag


def _schedule(config: DagConfig, again: Asset) -> list[Asset] | AssetOrTimeSchedule:
    """By its own event, which keep working gives, and by the clock.

    Without a start date and with run_immediately a stream that never ran begins at once, not at its next slot.
    """
    if config.schedule is None:
        return [again]
    clock = CronTriggerTimetable(config.schedule, timezone=config.timezone, run_immediately=True)
    return AssetOrTimeSchedule(timetable=clock, assets=[again])


def _pod(config: DagConfig) -> PodRequest:
    return PodRequest(
        name=f"{config.platform_name}-{config.stream_key}",
        image=_given(config.datasurface_docker_image),
        namespace=_given(config.namespace_name),
        instance=_given(config.instance_name),
        arguments=tuple(_arguments(config)),
        service_account=config.service_account_name,
        credentials={
            JOB_CREDENTIAL: _given(config.postgres_credential_secret_name),
            config.source_credential_name: _given(config.source_credential_secret_name),
        },
        connections_config_map=config.connections_config_map_name,
        resources=config.resources,
        labels={"datasurface.io/platform": config.platform_name, "datasurface.io/stream": config.stream_key},
        image_pull_policy=_given(config.image_pull_policy),
        image_pull_secrets=tuple(config.image_pull_secrets),
        grace_period_seconds=config.grace_period_seconds,
    )


def _arguments(config: DagConfig) -> list[str]:
    job = [PROGRAM, "job", "snapshot-merge", "--platform", config.original_platform_name, "--store", config.store_name]
    return [*job, "--dataset", config.datasets[0]] if config.single_dataset else job


def _tags(config: DagConfig) -> list[str]:
    said = {"platform": config.original_platform_name, "store": config.store_name, "team": config.team}
    return [f"{what}:{name}"[:TAG_CHARACTERS] for what, name in said.items()]


def _documentation(config: DagConfig) -> str:
    """What the store's owner says of it, and what the stream is; Airflow shows it above the DAG."""
    pace = "from outside" if config.schedule is None else f"`{config.schedule}` ({config.timezone})"
    facts = {
        "Platform": config.original_platform_name,
        "Stream": config.stream_key,
        "Datasets": ", ".join(config.datasets),
        "Team": config.team,
        "Started": pace,
        "A run looks for": f"{config.run_budget_seconds} s",
        "Model": f"{config.git_repo_url}, branch {config.git_repo_branch}",
    }
    lines = [config.documentation, *(f"- {what}: {said}" for what, said in facts.items())]
    return "\n".join(line for line in lines if line)


def _given(value: str | None) -> str:
    if value is None:
        raise ValueError("a row without an installation's part becomes no DAG")
    return value
