"""Every container of every rendering: restricted, read-only, bounded, watched."""

from __future__ import annotations

import re

import pytest

from tests.chart.cells import CELLS
from tests.chart.rendering import LONG_RUNNING, Rendering

#: The one container with a token of its service account: its tasks start job pods.
WITH_TOKEN = {"scheduler"}
#: Volumes that Pod Security "restricted" allows.
ALLOWED_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}


@pytest.mark.row("K05")
def test_every_container_is_restricted(rendered: Rendering) -> None:
    """Each holds Pod Security `restricted`, and a read-only root file system besides."""
    for where, container in rendered.containers():
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False, where
        assert security["privileged"] is False, where
        assert security["readOnlyRootFilesystem"] is True, where
        assert security["runAsNonRoot"] is True, where
        assert security["capabilities"] == {"drop": ["ALL"]}, where
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}, where
        assert security.get("runAsUser", 1) != 0, where


def test_every_pod_is_restricted(rendered: Rendering) -> None:
    """No root, no host, none but harmless volumes, and files of volumes belong to the pod's group."""
    for pod in rendered.pods():
        security = pod.spec["securityContext"]
        assert security["runAsNonRoot"] is True, pod.owner
        assert security["runAsUser"] >= 999, pod.owner
        assert security["fsGroup"] >= 999, pod.owner
        assert security["fsGroupChangePolicy"] == "OnRootMismatch", pod.owner
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}, pod.owner
        assert not {"hostNetwork", "hostPID", "hostIPC", "nodeName"} & pod.spec.keys(), pod.owner
        for volume in pod.spec.get("volumes", []):
            assert volume.keys() - {"name"} <= ALLOWED_VOLUMES, (pod.owner, volume["name"])


def test_no_folder_of_a_pod_can_fill_its_node(rendered: Rendering) -> None:
    """What is on the node's disk or in its memory has a size, beyond which the pod has to go and no other."""
    for pod in rendered.pods():
        for volume in pod.spec["volumes"]:
            if "emptyDir" in volume:
                assert re.fullmatch("[0-9]+[MG]i", volume["emptyDir"].get("sizeLimit", "")), (pod.owner, volume["name"])


@pytest.mark.row("K08")
def test_every_container_asks_for_what_it_needs_and_has_a_limit(rendered: Rendering) -> None:
    """CPU and memory are requested, memory is limited; a limit of CPU is the site's choice."""
    for where, container in rendered.containers():
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}, where
        assert "memory" in container["resources"]["limits"], where


def test_what_runs_for_long_is_watched(rendered: Rendering) -> None:
    """Containers that stay have a startup, a readiness and a liveness probe; a start may take two minutes."""
    for pod in rendered.pods():
        if pod.kind not in LONG_RUNNING:
            continue
        for container in pod.spec["containers"]:
            where = f"{pod.owner}/{container['name']}"
            assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys(), where
            startup = container["startupProbe"]
            assert startup.get("periodSeconds", 10) * startup["failureThreshold"] >= 120, where


def test_no_environment_names_a_variable_twice(rendered: Rendering) -> None:
    """Helm 4 applies on the server's side, where a name that comes twice is an error."""
    for where, container in rendered.containers():
        names = [variable["name"] for variable in container.get("env", [])]
        assert len(names) == len(set(names)), where
        for source in container.get("envFrom", []):
            given = rendered.named("ConfigMap", source["configMapRef"]["name"])["data"]
            assert not set(names) & given.keys(), where


def test_every_image_is_named_with_a_version(rendered: Rendering) -> None:
    """No image floats, and images that were loaded into the nodes are taken."""
    for where, container in rendered.containers():
        name = container["image"].rsplit("/", 1)[-1]
        assert "@sha256:" in name or (":" in name and not name.endswith(":latest")), where
        assert container["imagePullPolicy"] == "IfNotPresent", where


@pytest.mark.row("K05", kind="refusal")
def test_only_the_scheduler_has_a_token(rendered: Rendering) -> None:
    """No service account and no pod hands its token out; one container mounts one by itself."""
    for account in rendered.of_kind("ServiceAccount"):
        assert account["automountServiceAccountToken"] is False, account["metadata"]["name"]
    for pod in rendered.pods():
        assert pod.spec["automountServiceAccountToken"] is False, pod.owner
        tokens = {
            volume["name"]
            for volume in pod.spec.get("volumes", [])
            for source in volume.get("projected", {}).get("sources", [])
            if "serviceAccountToken" in source
        }
        holders = {
            container["name"]
            for container in pod.containers
            if tokens & {mount["name"] for mount in container.get("volumeMounts", [])}
        }
        assert holders <= WITH_TOKEN, pod.owner


def test_no_service_becomes_an_environment(rendered: Rendering) -> None:
    """A Service called airflow would become a setting of Airflow's."""
    for pod in rendered.pods():
        assert pod.spec["enableServiceLinks"] is False, pod.owner


def test_every_mount_has_its_volume_and_every_volume_its_object(rendered: Rendering) -> None:
    """What a container mounts is a volume of its pod; ConfigMaps and claims are part of the release."""
    own = set(rendered.names())
    for pod in rendered.pods():
        volumes = {volume["name"]: volume for volume in pod.spec.get("volumes", [])}
        claims = {
            f"PersistentVolumeClaim/{v['persistentVolumeClaim']['claimName']}"
            for v in volumes.values()
            if "persistentVolumeClaim" in v
        }
        maps = {f"ConfigMap/{v['configMap']['name']}" for v in volumes.values() if "configMap" in v}
        assert claims | maps <= own, pod.owner
        templates = {
            t["metadata"]["name"]
            for s in rendered.of_kind("StatefulSet")
            if f"StatefulSet/{s['metadata']['name']}" == pod.owner
            for t in s["spec"].get("volumeClaimTemplates", [])
        }
        for container in pod.containers:
            mounted = {mount["name"] for mount in container.get("volumeMounts", [])}
            assert mounted <= volumes.keys() | templates, f"{pod.owner}/{container['name']}"


def test_the_simulator_runs_for_ever_or_stops_for_good() -> None:
    """Without a number of changes it is a Deployment, with one a Job, which nothing starts again; off, it is gone."""
    owners = {
        cell: [
            pod.kind for pod in CELLS[cell].render().pods() if pod.labels["app.kubernetes.io/component"] == "simulator"
        ]
        for cell in ("default", "simulator-job", "simulator-off")
    }

    assert owners == {"default": ["Deployment"], "simulator-job": ["Job"], "simulator-off": []}


def test_switching_the_simulator_off_changes_nothing_else() -> None:
    """Exactly its objects go."""
    on, off = CELLS["default"].render(), CELLS["simulator-off"].render()

    assert {name.rsplit("/", 1)[-1] for name in set(on.names()) - set(off.names())} == {"datasurface-simulator"}
    assert not set(off.names()) - set(on.names())
    for kept in off.of_kind("Deployment", "StatefulSet", "Job", "ConfigMap", "NetworkPolicy"):
        assert kept == on.named(kept["kind"], kept["metadata"]["name"])
