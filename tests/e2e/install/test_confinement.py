"""What the pods ask for and what they may do, read from the live objects."""

from __future__ import annotations

import pytest
from kubernetes import client

from tests.e2e.harness import footprint
from tests.e2e.harness.cluster import CommandFailed, run
from tests.e2e.harness.installation import Installation
from tests.e2e.harness.job_pods import JobPods
from tests.e2e.harness.measurements import Measurements
from tests.e2e.harness.streams import FORENSIC
from tests.e2e.harness.waiting import until

MIB = 1 << 20


def test_requests_fit_a_laptop(installation: Installation, measurements: Measurements) -> None:
    """The sums of what is requested stay below the promise."""
    asked = footprint.footprint(installation.release)
    measurements.record("cpu", float(asked.cpu))
    measurements.record("memory", round(float(asked.memory / footprint.GIB), 2))
    measurements.record("volumes", float(asked.volumes / footprint.GIB))


def test_every_container_is_restricted(installation: Installation, measurements: Measurements) -> None:
    """Also those of Jobs: nobody is root, has a capability or can write to the root file system."""
    pods = installation.release.pods()
    found = footprint.unconfined(pods)
    measurements.record("unrestricted", len(found), "; ".join(found) or f"{len(pods)} pods, in a restricted namespace")


def test_every_container_has_requests_and_limits(installation: Installation) -> None:
    """CPU and memory are requested, memory is limited."""
    assert footprint.without_resources(installation.release.pods()) == []


@pytest.mark.row("K03", kind="refusal")
@pytest.mark.row("D04", kind="refusal")
def test_no_secret_is_in_an_environment(installation: Installation, job_pods: JobPods) -> None:
    """Secrets are files, in the chart's pods and in those of the jobs."""
    assert footprint.secrets_in_environment(installation.release.pods()) == []
    pod = until("a job pod", lambda: next(iter(job_pods.seen()), None), seconds=90)
    for variable in pod.spec["containers"][0].get("env", []):
        assert "secretKeyRef" not in variable.get("valueFrom", {})


@pytest.mark.row("K08", "D04")
def test_job_pods_are_small_and_confined(installation: Installation, job_pods: JobPods) -> None:
    """A job's pod has requests, a limit, no token, its secrets as files, and labels that say whose it is."""
    pod = until("a batch job's pod", lambda: next((p for p in job_pods.seen() if p.run_id), None), seconds=90)
    container = pod.spec["containers"][0]
    assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
    assert "memory" in container["resources"]["limits"]
    assert pod.spec["serviceAccountName"] == installation.release.object_name("job")
    assert pod.spec["automountServiceAccountToken"] is False
    assert container["imagePullPolicy"] == "IfNotPresent"
    assert any("secret" in volume for volume in pod.spec["volumes"])
    assert pod.labels["datasurface.io/platform"] in {platform_name(pod.run_id) for pod in job_pods.seen() if pod.run_id}


@pytest.mark.row("K08")
def test_a_finished_job_pod_is_removed(installation: Installation, job_pods: JobPods) -> None:
    """The pod goes when its run has ended."""
    run_id = installation.airflow.trigger(FORENSIC.dag_id)
    assert installation.airflow.wait_run(FORENSIC.dag_id, run_id, seconds=120) == "success"
    ended = until("its end", lambda: [pod for pod in job_pods.of_run(run_id) if pod.is_gone], seconds=30)
    assert [pod.exit_code for pod in ended] == [0]


def platform_name(run_id: str) -> str:
    """The platform that a run id begins with."""
    return run_id.split("__", maxsplit=1)[0]


def _image_bytes(image: str) -> int:
    return int(run(["docker", "image", "inspect", "--format", "{{.Size}}", image]))


@pytest.mark.parametrize(("component", "target"), [("model-loader", "image"), ("airflow", "airflow_image")])
def test_images_are_small(installation: Installation, measurements: Measurements, component: str, target: str) -> None:
    """The images of the platform and of Airflow, as docker counts them."""
    containers: list[client.V1Container] = installation.release.pods(component)[0].spec.containers
    try:
        size = _image_bytes(containers[0].image)
    except (CommandFailed, FileNotFoundError) as error:
        pytest.skip(f"docker does not have it here: {error}")
    measurements.record(target, round(size / MIB), containers[0].image)
