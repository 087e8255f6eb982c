"""The pod of a job: what a DAG says of it, and how that becomes a pod that a restricted namespace takes.

Secrets are files, the root is read-only, no token of Kubernetes is mounted. Nothing here talks to Kubernetes or knows
what a job does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kubernetes.client import models as k8s

from datasurface.yellow.plan import names

USER_ID: Final = 10001
#: Readable by the group of the pod alone.
SECRET_MODE: Final = 0o440
#: A job writes next to nothing; a pod that fills the node's disk would take others with it.
TEMPORARY_SIZE: Final = "1Gi"
CONTAINER: Final = "base"
CONNECTIONS_DIRECTORY: Final = "/etc/datasurface/connections"
CREDENTIALS_DIRECTORY: Final = "/etc/datasurface/credentials"
RESULT_FILE: Final = "/dev/termination-log"
INSTANCE_LABEL: Final = "app.kubernetes.io/instance"
COMPONENT_LABEL: Final = "app.kubernetes.io/component"


@dataclass(frozen=True, slots=True, kw_only=True)
class PodRequest:
    """What a DAG says of a task's pod.

    `name` is the stem of the pod's name. `arguments` begin with the program. `credentials` maps a name below
    /etc/datasurface/credentials to the Secret that holds it. `resources` has `requests` and `limits`. `labels` are as
    the model has them; they are cut to what Kubernetes takes. `active_deadline_seconds` None: the pod may run for ever.
    """

    name: str
    image: str
    namespace: str
    instance: str
    arguments: tuple[str, ...]
    service_account: str | None = None
    credentials: Mapping[str, str] = field(default_factory=dict)
    connections_config_map: str | None = None
    resources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    image_pull_policy: str = "IfNotPresent"
    image_pull_secrets: tuple[str, ...] = ()
    grace_period_seconds: int = 30
    active_deadline_seconds: int | None = None


def operator_arguments(request: PodRequest) -> dict[str, Any]:
    """What KubernetesPodOperator is given: what it renders or searches by; the rest is `pod`, when it is needed.

    The labels are those that a retry finds the pod of its run by; two releases may share a namespace and a DAG's id.
    """
    return {
        "name": names.kubernetes_name(request.name),
        "namespace": request.namespace,
        "image": request.image,
        "arguments": list(request.arguments),
        "labels": {INSTANCE_LABEL: names.kubernetes_name(request.instance), COMPONENT_LABEL: "job"},
        "termination_grace_period": request.grace_period_seconds,
    }


def pod(request: PodRequest) -> k8s.V1Pod:
    """The pod without what `operator_arguments` gives beside it.

    It takes milliseconds: Kubernetes' models are slow to make, and a DAG is built far more often than a pod.
    """
    return k8s.V1Pod(
        metadata=k8s.V1ObjectMeta(labels=_labels(request)),
        spec=k8s.V1PodSpec(
            containers=[_container(request)],
            volumes=_volumes(request),
            restart_policy="Never",
            service_account_name=request.service_account,
            automount_service_account_token=False,
            enable_service_links=False,
            image_pull_secrets=[k8s.V1LocalObjectReference(name=name) for name in request.image_pull_secrets] or None,
            active_deadline_seconds=request.active_deadline_seconds,
            security_context=k8s.V1PodSecurityContext(
                run_as_non_root=True,
                run_as_user=USER_ID,
                run_as_group=USER_ID,
                fs_group=USER_ID,
                seccomp_profile=k8s.V1SeccompProfile(type="RuntimeDefault"),
            ),
        ),
    )


def _labels(request: PodRequest) -> dict[str, str]:
    own = {
        "app.kubernetes.io/name": "datasurface",
        "app.kubernetes.io/part-of": "datasurface",
        "app.kubernetes.io/managed-by": "airflow",
    }
    return {**{label: names.kubernetes_name(value) for label, value in sorted(request.labels.items())}, **own}


def _container(request: PodRequest) -> k8s.V1Container:
    return k8s.V1Container(
        name=CONTAINER,
        image_pull_policy=request.image_pull_policy,
        env=[k8s.V1EnvVar(name=name, value=value) for name, value in _environment(request).items()],
        resources=k8s.V1ResourceRequirements(
            requests=dict(request.resources.get("requests", {})) or None,
            limits=dict(request.resources.get("limits", {})) or None,
        ),
        volume_mounts=_mounts(request),
        termination_message_path=RESULT_FILE,
        security_context=k8s.V1SecurityContext(
            allow_privilege_escalation=False,
            read_only_root_filesystem=True,
            capabilities=k8s.V1Capabilities(drop=["ALL"]),
        ),
    )


def _environment(request: PodRequest) -> dict[str, str]:
    """Paths and forms alone: whoever may read a pod's manifest reads its environment."""
    environment = {"DATASURFACE_RESULT_FILE": RESULT_FILE, "DATASURFACE_LOG_FORMAT": "json"}
    if request.connections_config_map is not None:
        environment["DATASURFACE_CONNECTIONS"] = f"{CONNECTIONS_DIRECTORY}/connections.json"
    return environment


def _volumes(request: PodRequest) -> list[k8s.V1Volume]:
    volumes = [k8s.V1Volume(name="tmp", empty_dir=k8s.V1EmptyDirVolumeSource(size_limit=TEMPORARY_SIZE))]
    if request.connections_config_map is not None:
        source = k8s.V1ConfigMapVolumeSource(name=request.connections_config_map)
        volumes.append(k8s.V1Volume(name="connections", config_map=source))
    for credential, secret in sorted(request.credentials.items()):
        volumes.append(
            k8s.V1Volume(
                name=_credential_volume(credential),
                secret=k8s.V1SecretVolumeSource(secret_name=secret, default_mode=SECRET_MODE),
            )
        )
    return volumes


def _mounts(request: PodRequest) -> list[k8s.V1VolumeMount]:
    mounts = [k8s.V1VolumeMount(name="tmp", mount_path="/tmp")]
    if request.connections_config_map is not None:
        mounts.append(k8s.V1VolumeMount(name="connections", mount_path=CONNECTIONS_DIRECTORY, read_only=True))
    for credential in sorted(request.credentials):
        path = f"{CREDENTIALS_DIRECTORY}/{credential}"
        mounts.append(k8s.V1VolumeMount(name=_credential_volume(credential), mount_path=path, read_only=True))
    return mounts


def _credential_volume(credential: str) -> str:
    """A name that no other volume has, for a credential whose name may hold what a volume's may not."""
    return names.kubernetes_name(f"credential-{credential}")
