"""Secrets: where they are, and that they are nowhere else."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest

from tests.chart import rendering
from tests.chart.cells import CELLS
from tests.chart.rendering import CHART, Rendering

#: What a Secret holds without being one.
NAMES = {"username", "admin_username"}
#: Objects in whose text a secret would be seen by more than those who may read Secrets.
DEFAULT_SECRETS = {
    "datasurface-airflow": {
        "username",
        "password",
        "sql_alchemy_conn",
        "fernet_key",
        "jwt_secret",
        "secret_key",
        "admin_username",
        "admin_password",
    },
    "datasurface-postgres": {"username", "password"},
    "datasurface-model-repo": {"username", "password"},
    "datasurface-ds-job": {"username", "password"},
    "datasurface-ds-merge": {"username", "password"},
    "datasurface-ds-monitor": {"username", "password"},
    "datasurface-ds-dags": {"username", "password"},
    "datasurface-ds-link": {"username", "password"},
    "datasurface-customer-reader": {"username", "password"},
    "datasurface-customer-writer": {"username", "password"},
    "datasurface-reader-consumer1": {"username", "password"},
}


def _values(rendered: Rendering) -> Iterator[tuple[str, str]]:
    """Every secret of a rendering, plain and in base64, with where it is kept."""
    for secret in rendered.of_kind("Secret"):
        for key, encoded in secret["data"].items():
            if key not in NAMES:
                where = f"{secret['metadata']['name']}.{key}"
                yield where, encoded
                yield where, base64.b64decode(encoded).decode()


@pytest.mark.row("K03")
def test_each_part_has_a_secret_of_its_own() -> None:
    """Names and keys are the contract between chart, images and jobs."""
    secrets = CELLS["default"].render().of_kind("Secret")

    assert {secret["metadata"]["name"]: set(secret["data"]) for secret in secrets} == DEFAULT_SECRETS


@pytest.mark.row("K03", "K07", kind="refusal")
def test_no_secret_is_outside_of_secrets(rendered: Rendering) -> None:
    """Neither in an environment, an argument, a ConfigMap, an annotation nor anything else, also not in base64."""
    elsewhere = json.dumps([each for each in rendered.objects if each["kind"] != "Secret"])

    assert [where for where, value in _values(rendered) if value in elsewhere] == []


@pytest.mark.row("K03", kind="refusal")
def test_no_container_has_a_secret_in_its_environment(rendered: Rendering) -> None:
    """Secrets are files: whoever can look at a process's environment sees none, and no log of a pod's shape has one."""
    for where, container in rendered.containers():
        for variable in container.get("env", []):
            assert "secretKeyRef" not in variable.get("valueFrom", {}), (where, variable["name"])
        for source in container.get("envFrom", []):
            assert "secretRef" not in source, where


@pytest.mark.row("K07", kind="refusal")
def test_the_notes_tell_no_secret() -> None:
    """What `helm install` prints says how to read the passwords and prints none."""
    text = rendering.run_helm(rendering.program(), "install", "datasurface", str(CHART), "--dry-run=client")
    manifest, notes = text.split("\nNOTES:\n")
    documents = tuple(each for each in rendering.parsed(manifest[manifest.index("---") :]) if each)

    assert "kubectl" in notes
    assert [where for where, value in _values(Rendering(manifest, documents)) if value in notes] == []


@pytest.mark.row("K06", kind="refusal")
def test_no_password_is_fixed() -> None:
    """Two installations share no secret: each is random and long."""
    first = dict(_values(CELLS["default"].render()))
    second = dict(_values(CELLS["simulator-off"].render()))

    assert all(len(value) >= 32 for value in first.values())
    assert not set(first.values()) & set(second.values())


@pytest.mark.row("K03")
def test_secrets_and_volumes_stay_when_the_release_goes(rendered: Rendering) -> None:
    """Whatever has to fit stored data is kept with it: a new installation finds both."""
    for kept in rendered.of_kind("Secret", "PersistentVolumeClaim"):
        assert kept["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep", kept["metadata"]["name"]
        assert "helm.sh/hook" not in kept["metadata"]["annotations"]


@pytest.mark.row("K03")
def test_a_sites_own_secrets_are_used_and_not_made() -> None:
    """Where a value names a Secret the chart makes none, and mounts that one."""
    rendered = CELLS["existing-secrets"].render()
    mounted = {
        volume["secret"]["secretName"]
        for pod in rendered.pods()
        for volume in pod.spec.get("volumes", [])
        if "secret" in volume
    } | {
        source["secret"]["name"]
        for pod in rendered.pods()
        for volume in pod.spec.get("volumes", [])
        for source in volume.get("projected", {}).get("sources", [])
        if "secret" in source
    }
    made = {secret["metadata"]["name"] for secret in rendered.of_kind("Secret")}
    own = {"s-postgres", "s-admin", "s-model-repo", "s-job", "s-reader", "s-consumer1"}

    assert not made & own
    assert own <= mounted
    unused = {
        "datasurface-postgres",
        "datasurface-model-repo",
        "datasurface-ds-job",
        "datasurface-customer-reader",
        "datasurface-reader-consumer1",
    }
    assert not made & unused


def test_every_secret_that_is_mounted_is_made_or_named_by_the_site(rendered: Rendering) -> None:
    """No pod waits for a Secret that nobody makes."""
    made = {secret["metadata"]["name"] for secret in rendered.of_kind("Secret")}
    for pod in rendered.pods():
        for volume in pod.spec.get("volumes", []):
            name = volume.get("secret", {}).get("secretName")
            assert name is None or name in made or not name.startswith(("datasurface", "acme-datasurface")), pod.owner


def test_credentials_are_readable_by_the_pods_group_alone(rendered: Rendering) -> None:
    """Files of secrets have mode 0440."""
    for pod in rendered.pods():
        for volume in pod.spec.get("volumes", []):
            for source in [volume.get("secret"), volume.get("projected")]:
                assert source is None or source["defaultMode"] == 0o440, (pod.owner, volume["name"])
