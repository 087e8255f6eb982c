"""What components have in common: images, resources, volumes, where pods may run."""

from pydantic import Field

from datasurface.chart.values.kinds import (
    Bytes,
    Cpu,
    Manifest,
    OptionalDigest,
    OptionalObjectName,
    OptionalTag,
    PullPolicy,
    Repository,
    SecretName,
    Values,
)


class Image(Values):
    """An image of this project: without a tag that of the chart's version."""

    repository: Repository = Field("datasurface", description="Where the image is, without tag or digest.")
    tag: OptionalTag = Field("", description="Its tag. An empty one takes the version of the chart.")
    digest: OptionalDigest = Field("", description="Its digest, `sha256:…`. If it is set, the tag does not count.")


class PulledImage(Image):
    """An image with the policy for it and for all others."""

    pull_policy: PullPolicy = Field(
        "IfNotPresent",
        description="When nodes fetch images, of every container of the release and of the jobs. "
        "`IfNotPresent` works with images that were loaded into the nodes.",
    )


class ForeignImage(Values):
    """An image that others publish, so that its tag is not the chart's version."""

    repository: Repository = Field(description="Where the image is, without tag or digest.")
    tag: OptionalTag = Field(description="Its tag.")
    digest: OptionalDigest = Field("", description="Its digest, `sha256:…`. If it is set, the tag does not count.")


class PullSecret(Values):
    """A login to a registry, as Kubernetes lists it in a pod."""

    name: SecretName = Field(description="Name of a Secret of type `kubernetes.io/dockerconfigjson`.")


class Requests(Values):
    """What a container asks of its node."""

    cpu: Cpu = Field(description="Processor that is kept for the container, in cores: `100m` is a tenth.")
    memory: Bytes = Field(description="Memory that is kept for the container, such as `256Mi`.")


class Limits(Values):
    """What a container may not exceed."""

    memory: Bytes = Field(description="Memory above which the container is ended and started again, such as `512Mi`.")
    cpu: Cpu | None = Field(
        None, description="Processor above which the container is slowed down. Nothing is set unless you set it."
    )


class Resources(Values):
    """What a container asks for and may not exceed."""

    requests: Requests = Field(description="What is kept for the container.")
    limits: Limits = Field(description="What the container may not exceed.")


def resources(cpu: str, memory: str, *, limit: str) -> Resources:
    """A container that asks for `cpu` and `memory` and may use memory up to `limit`."""
    return Resources(requests=Requests(cpu=cpu, memory=memory), limits=Limits(memory=limit))


class Storage(Values):
    """A volume that a component claims. Claims stay when the release is removed."""

    size: Bytes = Field(description="Size of the claim. It can grow later only if the StorageClass allows it.")
    storage_class: OptionalObjectName = Field(
        "", description="StorageClass of the claim. An empty one takes the default of the cluster."
    )


class Scheduling(Values):
    """Where the pods of the chart may run."""

    node_selector: dict[str, str] = Field(
        default_factory=dict,
        description="Labels that a node needs for the pods of the chart. Job pods, which Airflow starts, take none of "
        "`scheduling`: they go to any node without taints.",
    )
    tolerations: list[Manifest] = Field(
        default_factory=list, description="Taints of nodes that the pods of the chart bear, and job pods do not."
    )
    affinity: Manifest = Field(default_factory=dict, description="Affinity of the pods, as Kubernetes writes it.")
    priority_class_name: OptionalObjectName = Field("", description="PriorityClass of the pods.")
