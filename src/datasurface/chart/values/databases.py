"""Values of PostgreSQL: the bundled server or one of the site, and the databases in it."""

from typing import Self

from pydantic import ConfigDict, Field, model_validator

from datasurface.chart.values.kinds import (
    Database,
    Host,
    OptionalHost,
    OptionalSecretName,
    Port,
    RolePrefix,
    SslMode,
    Values,
)
from datasurface.chart.values.pods import ForeignImage, Resources, Storage, resources


class ExternalPostgres(Values):
    """A server of the site."""

    host: OptionalHost = Field(
        "", description="Host name of the server, as pods reach it. It is needed if `postgres.enabled` is false."
    )
    port: Port = Field(5432, description="Port of the server.")
    sslmode: SslMode = Field("prefer", description="How connections are encrypted, in the words of libpq.")


class Postgres(Values):
    """The server that has all databases unless `containers` says otherwise."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"enabled": {"const": False}}, "required": ["enabled"]},
            "then": {"properties": {"external": {"properties": {"host": {"minLength": 1}}, "required": ["host"]}}},
        }
    )

    enabled: bool = Field(
        True, description="Whether the release brings a PostgreSQL of its own. If false, `postgres.external` is used."
    )
    image: ForeignImage = Field(
        ForeignImage(repository="postgres", tag="17"), description="Image of the bundled PostgreSQL."
    )
    storage: Storage = Field(Storage(size="5Gi"), description="Volume of the bundled PostgreSQL.")
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

    @model_validator(mode="after")
    def _a_server_is_known(self) -> Self:
        if not self.enabled and not self.external.host:
            raise ValueError("postgres.enabled is false, so postgres.external.host has to name a server")
        return self


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

    existing_secret: OptionalSecretName = Field(
        "", description="Secret with the keys `username` and `password`, which jobs mount as files."
    )


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
