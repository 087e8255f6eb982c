"""All values of the chart, in the order of values.yaml.

This is their one source: comments, schema and the README's table are made from it by `make generate`. Prose about a
value therefore belongs here, into its description, in whole sentences.
"""

from typing import Any, Final

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from datasurface.chart.values.airflow import Airflow
from datasurface.chart.values.databases import Container, CredentialSecret, Databases, Demo, Init, Postgres, Reader
from datasurface.chart.values.kinds import ModelName, ReaderLogin, ReleasePart, Values, needed
from datasurface.chart.values.model import ModelLoader, ModelRepo, ModelSync
from datasurface.chart.values.pods import PulledImage, PullSecret, Scheduling
from datasurface.chart.values.work import AdmissionPolicy, Jobs, NetworkPolicy, Simulator, Views

#: What a parent chart hands down; these stand in the schema and nowhere else.
FOR_PARENTS: Final = frozenset({"global", "enabled"})
_URL_NEEDED: Final = needed("the_address_of_your_repository_because_modelRepo_enabled_is_false")


def _model_repo(*, enabled: bool) -> JsonDict:
    return _inside("modelRepo", _inside("enabled", {"const": enabled}))


def _model_url(schema: JsonDict) -> JsonDict:
    return _inside("modelSync", _inside("git", _inside("url", schema)))


def _inside(name: str, schema: JsonDict) -> JsonDict:
    """The schema of a group that has to have `name`, which has to be as `schema` says."""
    return {"properties": {name: schema}, "required": [name]}


class ChartValues(Values):
    """Values of the chart datasurface; the defaults are for a laptop."""

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                {"if": _model_repo(enabled=False), "then": _model_url({"pattern": _URL_NEEDED})},
                {"if": _model_url({"minLength": 1}), "then": _model_repo(enabled=False)},
            ]
        }
    )

    parent_values: dict[str, Any] = Field(
        default_factory=dict, alias="global", description="What a parent chart shares with all its parts; not used."
    )
    enabled: bool = Field(True, description="By which a parent chart switches this one off; not used.")
    name_override: ReleasePart = Field("", description="Name in place of `datasurface` in the names of objects.")
    fullname_override: ReleasePart = Field(
        "",
        description="Whole first part of the names of objects. By default it is the release's name, followed by "
        "`-datasurface` where that is not in it.",
    )
    image: PulledImage = Field(PulledImage(), description="Image of everything but PostgreSQL, Airflow and git-sync.")
    image_pull_secrets: list[PullSecret] = Field(
        default_factory=list, description="Logins to registries, for all pods and the jobs."
    )
    postgres: Postgres = Field(Postgres(), description="The PostgreSQL server, bundled or of the site.")
    databases: Databases = Field(Databases(), description="Names inside the server.")
    demo: Demo = Field(Demo(), description="The demo source.")
    init: Init = Field(Init(), description="The job that makes databases, roles and rights.")
    airflow: Airflow = Field(Airflow(), description="Airflow, which starts the jobs.")
    model_repo: ModelRepo = Field(ModelRepo(), description="The embedded git repository of the model.")
    model_sync: ModelSync = Field(ModelSync(), description="What fetches commits of the model and makes them true.")
    model_loader: ModelLoader = Field(ModelLoader(), description="What runs eco.py, apart from everything else.")
    jobs: Jobs = Field(Jobs(), description="The pods in which batches run; Airflow starts them.")
    containers: dict[ModelName, Container] = Field(
        default_factory=dict,
        description="Addresses of databases by the names that the model's containers have, in place of the model's. "
        "The demo's containers are known without an entry.",
    )
    credentials: dict[ModelName, CredentialSecret] = Field(
        default_factory=dict,
        description="Secrets by the names that the model's credentials have, or in place of one that the chart makes. "
        "A credential of a platform without an entry is the common login of jobs, `ds_job`. That of `airflow` needs "
        "the key `sql_alchemy_conn` too: the whole URL, with the password percent-encoded. None is named `apply`, "
        "`git`, `job` or `slack`.",
    )
    readers: dict[ReaderLogin, Reader] = Field(
        default_factory=lambda: {"consumer1": Reader(workspace="Consumer1")},
        description="Logins that read a workspace's views and nothing else. `null` removes one of the defaults.",
    )
    simulator: Simulator = Field(
        Simulator(), description="What changes the demo source, so that there is something to see."
    )
    views: Views = Field(Views(), description="The job that looks at every view as its reader.")
    network_policy: NetworkPolicy = Field(NetworkPolicy(), description="Who may talk to whom.")
    admission_policy: AdmissionPolicy = Field(AdmissionPolicy(), description="What Airflow's account may create.")
    scheduling: Scheduling = Field(Scheduling(), description="Where the pods of the release may run, jobs left out.")
