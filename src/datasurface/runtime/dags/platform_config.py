"""What the infrastructure DAG of a platform has to know, from its row of ds_platform and the installation file.

It is written into the DAG's file as a literal. Nothing here knows Airflow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from datasurface.errors import StateError
from datasurface.lint import cron
from datasurface.yellow.engine.control.dag_rows import PlatformFacts
from datasurface.yellow.plan import names
from datasurface.yellow.plan.dag_config import JOB_SECRET
from datasurface.yellow.plan.installation import Installation

#: The Secret of the login that reconciles views.
APPLY_SECRET: Final = "apply"
PRESETS: Final = frozenset({"@hourly", "@daily", "@weekly", "@monthly"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformConfig:
    """`schedule` is five fields of cron or a preset, in UTC; the secrets are names."""

    dag_id: str
    platform_name: str
    original_platform_name: str
    schedule: str
    image: str
    namespace: str
    instance_name: str
    job_secret_name: str
    apply_secret_name: str
    resources: Mapping[str, Mapping[str, str]]
    service_account_name: str | None = None
    connections_config_map_name: str | None = None
    image_pull_policy: str = "IfNotPresent"
    image_pull_secrets: Sequence[str] = ()


def platform_config(facts: PlatformFacts, installation: Installation) -> PlatformConfig:
    """The config of a platform. Raises StateError for a schedule that no clock understands."""
    schedule = facts.infrastructure_schedule
    if schedule not in PRESETS and (problem := cron.schedule_problem(schedule)) is not None:
        raise StateError(
            f"platform {facts.platform_name} of {names.PLATFORM_TABLE}: infrastructure_schedule {problem}",
            fix="`datasurface model apply` writes it anew",
        )
    secrets, resources = installation.secrets, installation.resources
    return PlatformConfig(
        dag_id=names.infrastructure_dag_id(facts.platform_name),
        platform_name=facts.platform_name,
        original_platform_name=facts.original_platform_name,
        schedule=schedule,
        image=installation.image,
        namespace=installation.namespace,
        instance_name=installation.instance,
        job_secret_name=secrets.get(JOB_SECRET) or names.kubernetes_name(JOB_SECRET),
        apply_secret_name=secrets.get(APPLY_SECRET) or names.kubernetes_name(APPLY_SECRET),
        resources=resources.model_dump(),
        service_account_name=installation.service_account,
        connections_config_map_name=installation.connections_config_map,
        image_pull_policy=installation.image_pull_policy,
        image_pull_secrets=tuple(installation.image_pull_secrets),
    )
