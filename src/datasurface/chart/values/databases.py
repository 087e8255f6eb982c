"""Values of PostgreSQL: the bundled server or one of the site, and the databases in it."""

from typing import Final

from pydantic import ConfigDict, Field

from datasurface.chart.values.kinds import (
    Bytes,
    Database,
    Host,
    OptionalHost,
    OptionalSecretName,
    Port,
    RolePrefix,
    SecretName,
    SslMode,
    Values,
    needed,
)
from datasurface.chart.values.pods import ForeignImage, Resources, Storage, resources

_HOST_NEEDED: Final = needed("the_host_of_your_server_because_postgres_enabled_is_false")


class ExternalPostgres(Values):
    """A server of the site."""

    host: OptionalHost = Field(
        "", description="Host name of the server, as pods reach it. It is needed if `postgres.enabled` is false."
    )
    port: Port = Field(5432, description="Port of the server.")
    sslmode: SslMode = Field("prefer", description="How connections are encrypted, in the words of libpq.")


class DataStorage(Storage):
    """The volume of a StatefulSet, whose claim Kubernetes makes from a template that nobody may change."""

    size: Bytes = Field(
        description="Size of the claim. It stays as it was installed: to grow the volume, leave the value and patch "
        "the claim, if its StorageClass allows that."
    )


class Postgres(Values):
    """The server that has all databases unless `containers` says otherwise."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"enabled": {"const": False}}, "required": ["enabled"]},
            "then": {
                "properties": {"external": {"properties": {"host": {"pattern": _HOST_NEEDED}}, "required": ["host"]}}
            },
        }
    )

    enabled: bool = Field(
        True, description="Whether the release brings a PostgreSQL of its own. If false, `postgres.external` is used."
    )
    image: ForeignImage = Field(
        ForeignImage(repository="postgres", tag="17"), description="Image of the bundled PostgreSQL."
    )
    storage: DataStorage = Field(DataStorage(size="5Gi"), description="Volume of the bundled PostgreSQL.")
    resources: Resources = Field(
        resources("100m", "192Mi", limit="512Mi"), description="Resources of the bundled PostgreSQL."
    )
    existing_secret: OptionalSecretName = Field(
        "",
        description="Secret with the keys `username` and `password` of the superuser, with which the initialisation "
        "job alone logs in. An empty name makes one with a generated password.",
    )
    external: ExternalPostgres = Field(
        ExternalPostgres(), description="The server to use if the release brings none of its own."
    )


class Databases(Values):
    """Names inside the server."""

    merge: Database = Field("datasurface_merge", description="Database of merge tables, views and control tables.")
    airflow: Database = Field("airflow_db", description="Database of Airflow's own metadata.")
    customer: Database = Field("customer_db", description="Database of the demo source.")
    consumer: Database = Field("consumer_db", description="Database for the views of workspaces that ask for it.")
    merge_schema: Database = Field("public", description="Schema of the merge tables, views and control tables.")
    role_prefix: RolePrefix = Field(
        "", description="Prefix of every role, for installations that share a server: `test_` makes `test_ds_job`."
    )


class Container(Values):
    """The address of a database, in place of the model's."""

    host: Host = Field(description="Host name of the server, as pods reach it.")
    port: Port = Field(5432, description="Port of the server.")
    database: str = Field(min_length=1, max_length=63, description="Name of the database.")
    sslmode: SslMode = Field("prefer", description="How connections are encrypted, in the words of libpq.")


class CredentialSecret(Values):
    """Where the login of a credential is."""

    existing_secret: SecretName = Field(
        description="Secret with the keys `username` and `password`, which pods mount as files."
    )


#: Logins that the chart makes, each with a generated password unless `credentials` names a Secret for it.
OWN_LOGINS: Final = {
    "ds_job": "Common login of all jobs.",
    "ds_merge": "Login that brings tables and views to the model.",
    "ds_monitor": "Login that looks at streams and batches.",
    "ds_dags": "Login by which Airflow reads what DAGs there are.",
    "ds_link": "Login by which views of another database read.",
    "airflow": "Login of Airflow to its own database. Its Secret needs the key `sql_alchemy_conn` too: the whole URL, "
    "with the password percent-encoded.",
    "customer_reader": "Login by which the demo source is read.",
    "customer_writer": "Login by which the simulator changes the demo source.",
}


class Reader(Values):
    """A login for people or programs of a workspace."""

    workspace: str = Field(
        min_length=1, max_length=100, description="Workspace whose views the login may read, as the model names it."
    )
    existing_secret: OptionalSecretName = Field(
        "",
        description="Secret with the keys `username` and `password`. An empty name makes one with a generated "
        "password.",
    )


class Demo(Values):
    """The demo source."""

    enabled: bool = Field(
        True,
        description="Whether the database of the demo source, customers with their addresses, is made and filled. "
        "The model that the chart brings reads it.",
    )


class Init(Values):
    """The job that makes databases and roles."""

    enabled: bool = Field(
        True,
        description="Whether a job makes databases, roles and rights. If false, the administrator of the server runs "
        "what `datasurface init --print` prints.",
    )
    resources: Resources = Field(
        resources("50m", "128Mi", limit="256Mi"), description="Resources of the initialisation job."
    )
