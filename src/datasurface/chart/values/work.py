"""Values of what works on data or looks at it: jobs, the simulator, the check of views."""

from pydantic import Field

from datasurface.chart.values.kinds import Cidr, Manifest, Port, StreamName, Values
from datasurface.chart.values.pods import Resources, resources


class EgressRule(Values):
    """A rule of a NetworkPolicy, as Kubernetes writes it."""

    to: list[Manifest] = Field(default_factory=list, description="Where to: a list of `ipBlock`s or selectors.")
    ports: list[Manifest] = Field(default_factory=list, description="Which ports.")


class Stream(Values):
    """What one stream has apart from the others."""

    resources: Resources | None = Field(None, description="Resources of its job pods, in place of `jobs.resources`.")
    suspended: bool = Field(
        False, description="Whether the stream rests: its DAG goes, its tables and views stay as they are."
    )


class Jobs(Values):
    """The pods in which batches run; Airflow starts them."""

    resources: Resources = Field(
        resources("100m", "256Mi", limit="512Mi"), description="Resources of each job pod, whatever it reads."
    )
    streams: dict[StreamName, Stream] = Field(
        default_factory=dict,
        description="What single streams have apart from the others, by platform and stream: `YellowLive/Store1`.",
    )
    egress: list[EgressRule] = Field(
        default_factory=list,
        description="Egress rules of a NetworkPolicy that let jobs, and the check of a model, reach databases outside "
        "the release.",
    )
    history_seconds: int = Field(
        86_400,
        ge=60,
        le=31_536_000,
        description="Seconds after which the finished Jobs of the chart are removed, with their logs.",
    )


class Simulator(Values):
    """Changes the demo source, so that there is something to see."""

    enabled: bool = Field(True, description="Whether the demo source is changed all the time.")
    max_changes: int = Field(
        0, ge=0, le=1_000_000_000, description="How many changes are made before it stops. 0 never stops."
    )
    min_interval_seconds: float = Field(5, ge=0, le=86_400, description="Least pause between two changes, in seconds.")
    max_interval_seconds: float = Field(
        15, ge=0, le=86_400, description="Longest pause between two changes, in seconds."
    )
    seed: int | None = Field(
        None, description="Number from which the changes follow, to repeat them. Without one they differ each time."
    )
    resources: Resources = Field(resources("10m", "64Mi", limit="128Mi"), description="Resources of the simulator.")


class Views(Values):
    """The job that looks at every view as its reader."""

    enabled: bool = Field(
        True,
        description="Whether a job reconciles the views after the first model and checks that each of them answers its "
        "reader.",
    )
    resources: Resources = Field(resources("25m", "128Mi", limit="256Mi"), description="Resources of that job.")


class ApiServer(Values):
    """Where the API server of Kubernetes is, seen from a pod after translation."""

    cidrs: list[Cidr] = Field(
        default_factory=list,
        description="Networks of the API server. An empty list takes the endpoints that the cluster has when the "
        "release is installed; set it where charts are rendered without a cluster.",
    )
    ports: list[Port] = Field(
        default_factory=list, description="Ports of the API server. An empty list takes those of the endpoints."
    )


class NetworkPolicy(Values):
    """Who may talk to whom."""

    enabled: bool = Field(
        True, description="Whether every connection that the platform does not need is closed, in both directions."
    )
    api_server: ApiServer = Field(
        ApiServer(), description="Where the API server of Kubernetes is, which Airflow alone may reach."
    )
    browser_from: list[Manifest] = Field(
        default_factory=list,
        description="Peers, as a NetworkPolicy lists them, that may open Airflow's UI and push to the embedded "
        "repository. An empty list leaves `kubectl port-forward`.",
    )
    readers_from: list[Manifest] = Field(
        default_factory=list,
        description="Peers, as a NetworkPolicy lists them, that may connect to the bundled PostgreSQL: pods that read "
        "views, each with the login of a reader. An empty list leaves `kubectl port-forward`.",
    )


class AdmissionPolicy(Values):
    """What Airflow's account may create."""

    enabled: bool = Field(
        True,
        description="Whether an admission policy keeps Airflow's account to job pods as the platform makes them. It "
        "needs Kubernetes 1.30 and the right to make objects of the whole cluster.",
    )
