"""Which cluster is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.cluster import target
from tools.cluster.docker import Docker
from tools.cluster.programs import ProgramFailed, Unready

HELM = "'version --short') echo v4.1.4"
KUBECTL = (
    "'version --client') echo Client Version: v1.34.4",
    "'config get-contexts'*) printf 'work\\nhome\\n'",
    "*'config view'*) echo only $*",
    "*'use-context'*) true",
)


@pytest.fixture(autouse=True)
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the kubeconfig of one context is written to."""
    monkeypatch.setattr(target, "KUBECONFIG", tmp_path / "build" / "kubeconfig")
    return tmp_path / "build" / "kubeconfig"


def test_named_context_alone_is_written_for_its_owner(program, monkeypatch, kubeconfig):
    """What follows sees this one context, in a file that nobody else may read."""
    program("helm", HELM)
    program("kubectl", *KUBECTL)
    monkeypatch.setenv("E2E_CONTEXT", "home")

    assert target.find_target().context == "home"
    assert kubeconfig.read_text() == "only config view --raw --minify --flatten --context home\n"
    assert kubeconfig.stat().st_mode & 0o777 == 0o600


def test_unknown_context_is_refused_with_those_that_are_known(program, monkeypatch):
    """A slip in the name reaches no cluster."""
    program("helm", HELM)
    program("kubectl", *KUBECTL)
    monkeypatch.setenv("E2E_CONTEXT", "hom")

    with pytest.raises(Unready, match="no context 'hom'") as error:
        target.find_target()

    assert "work, home" in error.value.fix


def test_no_cluster_is_taken_by_chance(program):
    """Without E2E_CONTEXT and without kind the current context of the kubeconfig is not used."""
    program("helm", HELM)
    program("kubectl", *KUBECTL)

    with pytest.raises(Unready, match="no kind on PATH") as error:
        target.find_target()

    assert "E2E_CONTEXT=<context>" in error.value.fix
    assert "work, home" in error.value.fix


def test_kind_makes_its_cluster_once(program, tmp_path):
    """A cluster that is there is used again."""
    program("helm", HELM)
    program("kubectl", "'config get-contexts'*) echo kind-datasurface", *KUBECTL)
    made = tmp_path / "made"
    program(
        "kind", f"'get clusters') test -f {made} && echo datasurface || true", f"'create cluster'*) echo $* >>{made}"
    )

    contexts = [target.find_target().context for _ in range(2)]

    assert contexts == ["kind-datasurface"] * 2
    assert made.read_text() == "create cluster --name datasurface --wait 180s\n"


def test_images_go_to_kind_as_an_archive(program, tmp_path):
    """`kind load docker-image` cannot read every image store."""
    loaded = tmp_path / "loaded"
    kind = program("kind", f"'load image-archive '*) echo $* >{loaded}")
    docker = Docker(program=program("docker", "'save -o '*) true"), version="28.2.2", has_buildx=True)
    cluster = target.Target(context="kind-datasurface", helm=kind, kubectl=kind, kind=kind, load=None)

    target.load_images(cluster, docker, ["datasurface:1"])

    assert loaded.read_text().endswith("images.tar --name datasurface\n")


def test_images_go_by_the_command_that_is_named(program, tmp_path):
    """E2E_LOAD is a command with arguments of its own; the images follow."""
    loaded = tmp_path / "loaded"
    load = program("load", f"*) echo $* >{loaded}")
    docker = Docker(program=load, version="28.2.2", has_buildx=True)
    cluster = target.Target(context="any", helm=load, kubectl=load, kind=None, load=f"{load} --into dev")

    target.load_images(cluster, docker, ["datasurface:1", "datasurface-airflow:1"])

    assert loaded.read_text() == "--into dev datasurface:1 datasurface-airflow:1\n"


def test_failing_load_is_an_error(program):
    """A cluster without the images is not tried."""
    load = program("load", "*) exit 3")
    docker = Docker(program=load, version="28.2.2", has_buildx=True)
    cluster = target.Target(context="any", helm=load, kubectl=load, kind=None, load=str(load))

    with pytest.raises(ProgramFailed, match="exit status 3"):
        target.load_images(cluster, docker, ["datasurface:1"])
