"""Clusters that cannot carry the platform are refused before anything is installed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from tools.cluster import image_check, preflight, release
from tools.cluster.programs import ProgramFailed, Unready


@dataclass
class Cluster:
    """Answers as kubectl would: `answers` by the first words of the arguments; `asked` holds what was asked."""

    answers: dict[str, Any]
    asked: list[str] = field(default_factory=list)

    def kubectl_output(self, *arguments: str, **_: Any) -> str:
        asked = " ".join(arguments)
        self.asked.append(asked)
        answer = next((text for words, text in self.answers.items() if asked.startswith(words)), "")
        return answer if isinstance(answer, str) else json.dumps(answer)

    def objects(self, *arguments: str) -> list[dict[str, Any]]:
        return json.loads(self.kubectl_output("get", *arguments))["items"]


def node(memory: str, ready: str = "True") -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": ready}]
    return {"status": {"conditions": conditions, "allocatable": {"memory": memory, "cpu": "1900m"}}}


def pod(**reasons: str | None) -> dict[str, Any]:
    """A pod with a container for each image; a reason is why it waits, None that it ended."""
    states = {
        image: {"waiting": {"reason": reason}} if reason else {"terminated": {}} for image, reason in reasons.items()
    }
    return {"status": {"containerStatuses": [{"image": image, "state": state} for image, state in states.items()]}}


def test_capacity_is_that_of_the_ready_nodes():
    """Nodes that are not ready carry nothing."""
    cluster = Cluster({"get nodes": {"items": [node("4Gi"), node("4194304Ki"), node("64Gi", ready="False")]}})

    assert preflight._capacity(cluster) == "2 nodes, 4 CPU, 8 GiB"


@pytest.mark.parametrize(
    ("nodes", "said"), [([node("2Gi")], "2.0 GiB of memory, 3 are needed"), ([node("8Gi", "Unknown")], "no node")]
)
def test_too_little_capacity_is_refused(nodes, said):
    """Two GiB do not carry the platform, and neither does a node that is not ready."""
    with pytest.raises(Unready, match=said):
        preflight._capacity(Cluster({"get nodes": {"items": nodes}}))


def test_cluster_without_default_storage_class_is_refused(monkeypatch):
    """The values that name a class are said; whoever gives values has been heard."""
    cluster = Cluster({"get storageclasses": {"items": [{"metadata": {"name": "slow"}}]}})
    monkeypatch.delenv("VALUES", raising=False)

    with pytest.raises(Unready, match="no default StorageClass") as error:
        preflight._storage(cluster)

    assert "postgres.storage.storageClass" in error.value.fix
    monkeypatch.setenv("VALUES", "site.yaml")
    assert "VALUES" in preflight._storage(cluster)


@pytest.mark.parametrize(
    ("text", "number"), [("250m", 0.25), ("2", 2), ("1Gi", 1024**3), ("1500Mi", 1500 * 1024**2), ("2k", 2000)]
)
def test_quantities_are_read_as_kubernetes_writes_them(text, number):
    """Thousandths, powers of ten and powers of two."""
    assert preflight.quantity(text) == number


def test_images_that_came_are_enough():
    """An image without `true` fails to start, which shows that it came; a pull that goes on is waited for."""
    cluster = Cluster({"get pod": pod(one=None, two="CreateContainerError")})

    image_check.check_images(cluster, ["one", "two"])

    assert cluster.asked[-1].startswith("delete pod")


@pytest.mark.row("K07", kind="refusal")
def test_images_that_are_missing_are_named():
    """The sentence names the images and how they are loaded; the pod that asked is gone."""
    cluster = Cluster({"get pod": pod(here=None, datasurface="ErrImagePull", other="ErrImageNeverPull")})

    with pytest.raises(Unready, match="cannot pull: datasurface, other") as error:
        image_check.check_images(cluster, ["here", "datasurface", "other"])

    assert "E2E_LOAD" in error.value.fix
    assert cluster.asked[-1].startswith("delete pod")


def test_pod_that_asks_for_images_is_restricted():
    """It runs where Pod Security `restricted` is enforced, and where images name no user."""
    asked = image_check._pod("name", ["image:1"])
    (container,) = asked["spec"]["containers"]

    assert asked["spec"]["securityContext"]["runAsNonRoot"]
    assert asked["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["imagePullPolicy"] == "IfNotPresent"


def test_values_files_are_looked_for_first(monkeypatch, tmp_path):
    """A name that is wrong is said before anything is built."""
    there, absent = tmp_path / "a.yaml", tmp_path / "b.yaml"
    there.touch()
    monkeypatch.setenv("VALUES", f"{there},{absent}")

    with pytest.raises(Unready, match=r"no values file .*b\.yaml"):
        release.release_from_environment()

    absent.touch()
    assert release.release_from_environment().values == (str(there), str(absent))


@pytest.mark.parametrize(
    ("phase", "policy", "statuses", "words"),
    [
        ("Pending", "Always", [], "Pending"),
        ("Pending", "Always", [(False, "ImagePullBackOff", 0)], "Pending, ImagePullBackOff"),
        ("Running", "Always", [(True, None, 0), (True, None, 0)], "ready"),
        (
            "Running",
            "Always",
            [(True, None, 0), (False, "CrashLoopBackOff", 2)],
            "running, 1 of 2 ready, CrashLoopBackOff, 2 restarts",
        ),
        ("Running", "Never", [(True, None, 0)], "running"),
        ("Succeeded", "Never", [(False, None, 0)], "done"),
        ("Failed", "Never", [(False, None, 0)], "Failed"),
    ],
)
def test_state_of_a_pod_in_words(phase, policy, statuses, words):
    """What goes on while helm waits is said in a few words."""
    containers = [
        {
            "ready": ready,
            "restartCount": restarts,
            "state": {"waiting": {"reason": reason}} if reason else {"running": {}},
        }
        for ready, reason, restarts in statuses
    ]

    assert (
        release.state_of(
            {"spec": {"restartPolicy": policy}, "status": {"phase": phase, "containerStatuses": containers}}
        )
        == words
    )


def test_images_are_those_that_the_chart_names(program, tmp_path):
    """Each image once, quoted or not, of containers and init containers."""
    rendered = tmp_path / "rendered"
    rendered.write_text('  - name: a\n    image: "one:1"\n  - image: two:2\n    image: one:1\n  text: an image: none\n')
    helm = program("helm", f"'template '*) while read -r line; do echo \"$line\"; done <{rendered}")
    cluster = type("Target", (), {"helm": helm})
    named = release.Release(name="r", namespace="n", values=(), timeout_seconds=1)

    assert release.images_of(cluster, named) == ["one:1", "two:2"]


def test_refused_value_is_said_in_the_words_of_helm(program):
    """What the schema says reaches the terminal."""
    helm = program("helm", "'template '*) echo airflow.parallelism: got string, want integer >&2; exit 1")
    named = release.Release(name="r", namespace="n", values=(), timeout_seconds=1)

    with pytest.raises(ProgramFailed, match=r"airflow\.parallelism: got string, want integer"):
        release.images_of(type("Target", (), {"helm": helm}), named)
