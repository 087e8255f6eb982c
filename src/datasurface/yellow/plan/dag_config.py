"""What Airflow has to know of a stream: the record behind config_json, and how it is made.

It is orchestration alone: what a job does is in the stream's plan. Nothing volatile (a time, a generation) may enter
it, because every change makes a new version of the DAG. Secrets are named, never held.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from datasurface.model import codec
from datasurface.model.datastores import Consistency, Datastore
from datasurface.model.ecosystem import Ecosystem
from datasurface.model.platforms import YellowDataPlatform
from datasurface.model.repositories import GitRepository
from datasurface.model.triggers import CronTrigger
from datasurface.yellow.plan import names
from datasurface.yellow.plan.installation import Installation, StreamRun
from datasurface.yellow.plan.streams import StreamPlan

INGESTION_TYPE: Final = "sql_snapshot"
#: How long a job that was told to stop may take: it ends at once, its database needs a moment to see that.
GRACE_PERIOD_SECONDS: Final = 30
#: The names of the installation's own secrets.
JOB_SECRET: Final = "job"
GIT_SECRET: Final = "git"
SLACK_SECRET: Final = "slack"


class DagStatus(StrEnum):
    """Whether a row becomes a DAG. `removed` is what a row gets on its way out."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DagRow:
    """A row of `*_airflow_dsg`: `config`, the JSON form of a DagConfig, becomes its config_json."""

    platform_name: str
    stream_key: str
    config: Mapping[str, Any]
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DagConfig:
    """The document config_json. What only an installation knows is None, or empty, without one.

    `schedule` is cron's five fields, read in `timezone`; None: the stream is started from outside. `resources` has
    `requests` and `limits`. `documentation` is the store's own. `source_credential_name` is the model's name of the
    source's credential, by which a job looks for its files. `job_credential_name` is that of the platform's own login;
    None: the installation's common login of jobs.
    """

    dag_id: str
    stream_key: str
    single_dataset: bool
    datasets: Sequence[str]
    store_name: str
    team: str
    documentation: str
    ingestion_type: str
    schedule: str | None
    timezone: str
    run_budget_seconds: int
    grace_period_seconds: int
    platform_name: str
    original_platform_name: str
    postgres_hostname: str
    postgres_port: int
    postgres_database: str
    git_repo_url: str
    git_repo_branch: str
    source_credential_name: str
    job_credential_name: str | None = None
    namespace_name: str | None = None
    datasurface_docker_image: str | None = None
    resources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    postgres_credential_secret_name: str | None = None
    source_credential_secret_name: str | None = None
    git_credential_secret_name: str | None = None
    slack_credential_secret_name: str | None = None
    instance_name: str | None = None
    service_account_name: str | None = None
    connections_config_map_name: str | None = None
    image_pull_policy: str | None = None
    image_pull_secrets: Sequence[str] = ()
    v: int = 1


def dag_rows(
    ecosystem: Ecosystem, streams: Iterable[StreamPlan], installation: Installation | None
) -> tuple[DagRow, ...]:
    """A row per stream, in the order of the streams; inactive where no installation runs it, or one suspends it."""
    platforms = {platform.name: platform for platform in reversed(ecosystem.data_platforms)}
    owners = {
        store.name: (team.name, store) for _, team in reversed(list(ecosystem.teams())) for store in team.datastores
    }
    rows = []
    for stream in streams:
        team, store = owners[stream.store]
        config = _config(stream, platforms[stream.platform], store, team, ecosystem.owning_repo)
        run = StreamRun(suspended=True)
        if installation is not None:
            run = stream_run(installation, stream.platform, stream.stream_key)
            part = installed_part(installation, run, stream.job_credential, stream.source.credential)
            config = replace(config, **part)
        rows.append(
            DagRow(
                platform_name=stream.platform_name,
                stream_key=stream.stream_key,
                config=codec.encode(config),
                status=DagStatus.INACTIVE if run.suspended else DagStatus.ACTIVE,
            )
        )
    return tuple(rows)


def stream_run(installation: Installation, platform: str, stream_key: str) -> StreamRun:
    """What the installation says of one stream, by the model's name of the platform."""
    return installation.streams.get(f"{platform}/{stream_key}", StreamRun())


def installed_part(
    installation: Installation, run: StreamRun, job_credential: str | None, source_credential: str
) -> dict[str, Any]:
    """The fields of a DagConfig that an installation decides; the credentials are the model's names of them.

    A platform's own credential without an entry means the common login of jobs; any other, the Secret of its name.
    """
    secrets = installation.secrets
    login = job_credential or JOB_SECRET
    resources = run.resources or installation.resources
    return {
        "namespace_name": installation.namespace,
        "datasurface_docker_image": installation.image,
        "resources": {
            "requests": dict(sorted(resources.requests.items())),
            "limits": dict(sorted(resources.limits.items())),
        },
        "postgres_credential_secret_name": secrets.get(login)
        or secrets.get(JOB_SECRET)
        or names.kubernetes_name(login),
        "source_credential_secret_name": secrets.get(source_credential) or names.kubernetes_name(source_credential),
        "git_credential_secret_name": secrets.get(GIT_SECRET),
        "slack_credential_secret_name": secrets.get(SLACK_SECRET),
        "instance_name": installation.instance,
        "service_account_name": installation.service_account,
        "connections_config_map_name": installation.connections_config_map,
        "image_pull_policy": installation.image_pull_policy,
        "image_pull_secrets": tuple(installation.image_pull_secrets),
    }


def at_address(rows: Iterable[DagRow], *, host: str, port: int, database: str) -> tuple[DagRow, ...]:
    """The rows with the merge database's address as the installation has it, in place of the model's."""
    address = {"postgres_hostname": host, "postgres_port": port, "postgres_database": database}
    return tuple(replace(row, config={**row.config, **address}) for row in rows)


def repository_url(repository: GitRepository) -> str:
    """Where the repository is cloned from; a host without a scheme is asked by https."""
    root = repository.host if "://" in repository.host else f"https://{repository.host}"
    return f"{root.rstrip('/')}/{repository.name}.git"


def _config(
    stream: StreamPlan, platform: YellowDataPlatform, store: Datastore, team: str, repository: GitRepository
) -> DagConfig:
    schedule, timezone = _schedule(platform, store)
    return DagConfig(
        dag_id=names.dag_id(stream.platform, stream.stream_key),
        stream_key=stream.stream_key,
        single_dataset=stream.consistency is Consistency.SINGLE_DATASET,
        datasets=tuple(table.dataset for table in stream.tables),
        store_name=stream.store,
        team=team,
        documentation=store.documentation,
        ingestion_type=INGESTION_TYPE,
        schedule=schedule,
        timezone=timezone,
        run_budget_seconds=stream.run_budget_seconds,
        grace_period_seconds=GRACE_PERIOD_SECONDS,
        platform_name=stream.platform_name,
        original_platform_name=stream.platform,
        postgres_hostname=platform.merge_container.host,
        postgres_port=platform.merge_container.port,
        postgres_database=platform.merge_container.database,
        git_repo_url=repository_url(repository),
        git_repo_branch=repository.branch,
        source_credential_name=stream.source.credential,
        job_credential_name=stream.job_credential,
    )


def _schedule(platform: YellowDataPlatform, store: Datastore) -> tuple[str | None, str]:
    """The store's own trigger if it has one, else the platform's default; with the zone that cron is read in."""
    trigger = store.capture.trigger
    if trigger is None:
        return platform.default_schedule, platform.timezone
    if isinstance(trigger, CronTrigger):
        return trigger.schedule, trigger.timezone
    return None, platform.timezone
