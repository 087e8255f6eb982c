"""Paths through the network that nobody needs are closed; those that are needed are open in the same probe."""

from __future__ import annotations

import pytest

from tests.e2e.harness.installation import Installation
from tests.e2e.harness.probes import PROBE, api_server, labels_of, open_places, pod_address, reached


@pytest.mark.row("K05", kind="refusal")
def test_a_job_reaches_its_database_and_nothing_else(installation: Installation) -> None:
    """From a job's pod PostgreSQL is open; Airflow, Kubernetes, the loader, the repository and the internet are not."""
    database = pod_address(installation, "postgres", 5432)
    closed = [
        pod_address(installation, "airflow", 8080),
        pod_address(installation, "airflow", 8974),
        pod_address(installation, "model-loader", 8080),
        pod_address(installation, "model-repo", 8080),
        api_server(installation),
        "1.1.1.1:443",
    ]
    assert reached(installation, labels_of(installation, "job"), [database, *closed]) == {database}


def test_the_probe_finds_what_is_open(installation: Installation) -> None:
    """A pod under no policy reaches Kubernetes: where the probes above find nothing, it is the policies that close."""
    place = api_server(installation)
    assert reached(installation, {"app": "free"}, [place]) == {place}


def test_strangers_reach_no_part_of_the_release(installation: Installation) -> None:
    """A pod in the same namespace without the release's labels is let in nowhere."""
    places = [
        pod_address(installation, component, port)
        for component, port in (("postgres", 5432), ("airflow", 8080), ("model-loader", 8080), ("model-repo", 8080))
    ]
    assert reached(installation, {"app": "stranger"}, places) == set()


def test_the_loader_reaches_nothing(installation: Installation) -> None:
    """The pod that runs eco.py has no way out, not even to its own side."""
    places = [
        pod_address(installation, "postgres", 5432),
        pod_address(installation, "airflow", 8080),
        pod_address(installation, "model-repo", 8080),
        api_server(installation),
        "1.1.1.1:443",
    ]
    target = f"deployment/{installation.release.object_name('model-loader')}"
    assert open_places(installation.release.execute(target, "python", "-c", PROBE, *places)) == set()
