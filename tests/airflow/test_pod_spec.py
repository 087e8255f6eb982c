"""The pod that Kubernetes is asked for."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from airflow.models.serialized_dag import SerializedDagModel
from airflow.serialization.serialized_objects import DagSerialization
from kubernetes.client import ApiClient

from datasurface.runtime.dags import pod_spec
from tests.airflow.task_run import REQUEST, job_operator


class Nowhere:
    """Stands for a cluster that is never asked."""

    kubeconfig = "/nowhere"


def manifest(request=REQUEST):
    """The pod as JSON, as far as it is known before a run."""
    pod = job_operator(Nowhere(), request).build_pod_request_obj(dry_run=True)
    return ApiClient().sanitize_for_serialization(pod)


@pytest.mark.row("D04", "K08")
def test_the_pod_is_restricted(kubernetes):
    """It runs as a user without rights, on a root that is read-only, without a token or another's services."""
    spec = manifest()["spec"]

    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "runAsGroup": 10001,
        "fsGroup": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert spec["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["serviceAccountName"] == "datasurface-job"
    assert spec["restartPolicy"] == "Never"
    assert spec["terminationGracePeriodSeconds"] == 30


@pytest.mark.row("D04", kind="refusal")
def test_secrets_are_files_and_never_environment():
    """Each credential is a Secret mounted read-only for the pod's group; the environment has paths and forms alone."""
    spec = manifest()["spec"]
    container = spec["containers"][0]
    secrets = {volume["name"]: volume["secret"] for volume in spec["volumes"] if "secret" in volume}
    mounts = {mount["name"]: (mount["mountPath"], mount.get("readOnly")) for mount in container["volumeMounts"]}

    assert secrets == {
        "credential-ds-job": {"secretName": "datasurface-ds-job", "defaultMode": 0o440},
        "credential-customer-reader": {"secretName": "datasurface-customer-reader", "defaultMode": 0o440},
    }
    assert mounts == {
        "tmp": ("/tmp", None),
        "connections": ("/etc/datasurface/connections", True),
        "credential-ds-job": ("/etc/datasurface/credentials/ds_job", True),
        "credential-customer-reader": ("/etc/datasurface/credentials/customer_reader", True),
    }
    assert [each["name"] for each in container["env"]] == [
        "DATASURFACE_RESULT_FILE",
        "DATASURFACE_LOG_FORMAT",
        "DATASURFACE_CONNECTIONS",
    ]
    assert all("valueFrom" not in each for each in container["env"])
    assert not container.get("envFrom")


@pytest.mark.row("K08")
def test_what_a_job_takes_of_its_node_is_said():
    """Requests, limits, pull policy, pull secrets and deadline are the installation's."""
    request = replace(
        REQUEST, image_pull_policy="Never", image_pull_secrets=("registry",), active_deadline_seconds=3600
    )

    spec = manifest(request)["spec"]

    assert spec["containers"][0]["resources"] == REQUEST.resources
    assert spec["containers"][0]["imagePullPolicy"] == "Never"
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
    assert spec["activeDeadlineSeconds"] == 3600


@pytest.mark.row("D07")
def test_labels_are_what_kubernetes_takes():
    """A name of the model becomes a label of at most 63 characters, by the rule for all names; args keep its case."""
    stream = "A store with a long name " + "x" * 80
    pod = manifest(replace(REQUEST, labels={"datasurface.io/stream": stream, "datasurface.io/platform": "YellowLive"}))

    labels = pod["metadata"]["labels"]

    assert labels["datasurface.io/platform"] == "yellowlive"
    assert labels["datasurface.io/stream"].startswith("a-store-with-a-long-name-xxx")
    assert all(len(label) <= 63 for label in labels.values())
    assert labels["app.kubernetes.io/instance"] == "datasurface"
    assert labels["app.kubernetes.io/component"] == "job"
    assert labels["app.kubernetes.io/managed-by"] == "airflow"
    assert "YellowLive" in pod["spec"]["containers"][0]["args"]
    assert len(pod["metadata"]["name"]) <= 63


@pytest.mark.row("D05")
def test_the_container_is_alone():
    """No sidecar carries the result out of the pod."""
    containers = manifest()["spec"]["containers"]

    assert [container["name"] for container in containers] == ["base"]
    assert containers[0]["terminationMessagePath"] == "/dev/termination-log"
    assert containers[0]["terminationMessagePolicy"] == "File"


@pytest.mark.row("D04", kind="refusal")
def test_a_credentials_name_cannot_take_anothers_volume():
    """Names that differ only in what Kubernetes does not take have volumes of their own."""
    request = replace(REQUEST, credentials={"a_b": "one", "a.b": "two", "tmp": "three"})

    volumes = [volume["name"] for volume in manifest(request)["spec"]["volumes"]]

    assert len(set(volumes)) == len(volumes) == 5


def test_the_same_request_makes_the_same_dag():
    """What Airflow keeps of the task has nothing that changes by itself: no new version without a change."""
    dags = [job_operator(Nowhere()).dag for _ in range(2)]
    first, second = (SerializedDagModel.hash(DagSerialization.to_dict(dag)) for dag in dags)

    assert first == second


def test_the_dag_keeps_the_image_and_no_secret():
    """A new image is a new version of the DAG; names of Secrets are of no use to who may read it."""
    kept = json.dumps(DagSerialization.to_dict(job_operator(Nowhere()).dag))

    assert "datasurface:1" in kept
    assert "datasurface-ds-job" not in kept


def test_a_pod_without_installation_parts_is_whole():
    """Without a connections ConfigMap, credentials and labels there is a pod still."""
    request = pod_spec.PodRequest(name="x", image="i", namespace="n", instance="i", arguments=("datasurface",))

    spec = manifest(request)["spec"]

    assert spec["volumes"] == [{"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}}]
