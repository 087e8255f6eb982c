"""Values of Airflow, which starts the jobs."""

from typing import Literal

from pydantic import Field

from datasurface.chart.values.kinds import Cron, Login, OptionalSecretName, Port, Values
from datasurface.chart.values.pods import Image, Resources, Storage, resources


class AirflowAdmin(Values):
    """Who administers Airflow."""

    username: Login = Field("admin", description="Name of the administrator of Airflow's UI.")
    existing_secret: OptionalSecretName = Field(
        "",
        description="Secret with the keys `admin_username` and `admin_password`. An empty name generates a password; "
        "the notes of the release say how to read it.",
    )


class AirflowService(Values):
    """How Airflow's UI is reached."""

    type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = Field(
        "ClusterIP", description="Type of the Service. `kubectl port-forward` reaches every type."
    )
    port: Port = Field(8080, description="Port of the Service.")


class Housekeeping(Values):
    """When Airflow's own records are pruned."""

    schedule: Cron = Field("30 3 * * *", description="When Airflow's own metadata and logs are pruned, in UTC.")
    retention_days: int = Field(30, ge=1, le=3650, description="Days for which runs and their logs are kept.")


class AirflowResources(Values):
    """Resources of each container."""

    api_server: Resources = Field(
        resources("100m", "320Mi", limit="768Mi"), description="Resources of the UI and the APIs."
    )
    scheduler: Resources = Field(
        resources("100m", "512Mi", limit="1280Mi"),
        description="Resources of the scheduler, in which tasks run: count 60 MiB per unit of `airflow.parallelism`.",
    )
    dag_processor: Resources = Field(
        resources("50m", "256Mi", limit="768Mi"), description="Resources of the DAG processor."
    )
    migrate: Resources = Field(
        resources("100m", "384Mi", limit="768Mi"),
        description="Resources of the job that brings Airflow's database to its version.",
    )


class Airflow(Values):
    """Airflow, in one pod of three containers."""

    image: Image = Field(
        Image(repository="datasurface-airflow"), description="Image of Airflow with the bundle of DAGs."
    )
    parallelism: int = Field(
        8, ge=1, le=512, description="How many tasks may run at a time, each of which watches one job pod."
    )
    admin: AirflowAdmin = Field(AirflowAdmin(), description="Who administers Airflow.")
    logs: Storage = Field(Storage(size="1Gi"), description="Volume of the task logs.")
    service: AirflowService = Field(AirflowService(), description="How Airflow's UI is reached.")
    housekeeping: Housekeeping = Field(Housekeeping(), description="When Airflow's own records are pruned.")
    resources: AirflowResources = Field(AirflowResources(), description="Resources of Airflow's containers.")
