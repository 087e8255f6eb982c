"""The installation file and the bundle: it decides how jobs run, whatever the rows were written with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from datasurface.runtime.dags.bundle import StreamBundle
from tests.airflow.bundle_files import STORE_FILE, MakeBundle, files, held
from tests.airflow.merge_database import INSTALLATION, MergeDatabase, config

INFRASTRUCTURE_FILE = "yellowlive_infrastructure_dag.py"
DAG_ID = "yellowlive__Store1_ingestion"
UPGRADED = {
    **INSTALLATION,
    "image": "datasurface:9.9.9",
    "namespace": "other",
    "instance": "upgraded",
    "service_account": "upgraded-job",
    "connections_config_map": "upgraded-connections",
    "image_pull_policy": "Always",
    "image_pull_secrets": ["registry"],
    "secrets": {"job": "upgraded-job", "apply": "upgraded-apply", "customer_reader": "upgraded-reader"},
    "resources": {"requests": {"cpu": "7m"}, "limits": {"memory": "7Gi"}},
}
#: The fields of the stream's DAG that are the installation's, after it was upgraded.
AS_UPGRADED = {
    "datasurface_docker_image": "datasurface:9.9.9",
    "namespace_name": "other",
    "instance_name": "upgraded",
    "service_account_name": "upgraded-job",
    "connections_config_map_name": "upgraded-connections",
    "image_pull_policy": "Always",
    "image_pull_secrets": ["registry"],
    "postgres_credential_secret_name": "upgraded-job",
    "source_credential_secret_name": "upgraded-reader",
    "resources": {"requests": {"cpu": "7m"}, "limits": {"memory": "7Gi"}},
}


@pytest.fixture
def installation(bundle: MakeBundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The installation file that the bundle reads, as it was before an upgrade."""
    path = tmp_path / "installation.json"
    path.write_text(json.dumps(INSTALLATION))
    monkeypatch.setenv("DATASURFACE_INSTALLATION", str(path))
    return path


def image(bundle: StreamBundle, name: str = STORE_FILE, dag_id: str = DAG_ID) -> Any:
    """The image that a file's DAG runs."""
    return held(bundle, name)[dag_id]["datasurface_docker_image"]


@pytest.mark.row("D15", "D16")
def test_the_installation_file_decides_how_a_stream_runs(
    merge: MergeDatabase, bundle: MakeBundle, installation: Path
) -> None:
    """Rows that an older release wrote are enough: nobody has to apply the model first."""
    merge.publish(config())
    installation.write_text(json.dumps(UPGRADED))
    made = bundle()

    made.initialize()

    assert held(made)[DAG_ID] == {**config(), **AS_UPGRADED}


@pytest.mark.row("D15", "D16")
def test_an_upgrade_reaches_the_dags_without_a_new_row(
    merge: MergeDatabase, bundle: MakeBundle, installation: Path
) -> None:
    """A file that changed under a running bundle is enough; a look later nothing is written anew."""
    merge.publish(config())
    made = bundle()
    made.initialize()
    assert image(made) == INSTALLATION["image"]

    installation.write_text(json.dumps(UPGRADED))
    made.refresh()
    assert image(made) == UPGRADED["image"]
    assert held(made, INFRASTRUCTURE_FILE)["yellowlive_infrastructure"]["image"] == UPGRADED["image"]

    made.refresh()
    before = (made.path / STORE_FILE).stat().st_mtime_ns
    made.refresh()
    assert (made.path / STORE_FILE).stat().st_mtime_ns == before


@pytest.mark.row("D15", "D16", kind="refusal")
def test_an_upgrade_needs_no_merge_database(merge: MergeDatabase, bundle: MakeBundle, installation: Path) -> None:
    """The rows read last are still the best there are; back again, the database changes nothing."""
    merge.publish(config())
    made = bundle()
    made.initialize()
    merge.server.stop()

    installation.write_text(json.dumps(UPGRADED))
    made.refresh()

    assert image(made) == UPGRADED["image"]
    assert held(made, INFRASTRUCTURE_FILE)["yellowlive_infrastructure"]["image"] == UPGRADED["image"]
    merge.server.start()
    made.refresh()
    assert held(made)[DAG_ID] == {**config(), **AS_UPGRADED}


@pytest.mark.row("D15")
def test_a_platforms_own_login_is_the_installations_secret(
    merge: MergeDatabase, bundle: MakeBundle, installation: Path
) -> None:
    """The row names the credential; which Secret holds it, the installation says."""
    merge.publish(config(job_credential_name="live_jobs"), config("Store2", job_credential_name="other_jobs"))
    installation.write_text(json.dumps({**UPGRADED, "secrets": {**UPGRADED["secrets"], "live_jobs": "of-live"}}))
    made = bundle()

    made.initialize()

    second = held(made, "yellowlive_factory_dag__Store2.py")["yellowlive__Store2_ingestion"]
    assert held(made)[DAG_ID]["postgres_credential_secret_name"] == "of-live"
    assert second["postgres_credential_secret_name"] == "upgraded-job"


@pytest.mark.row("D15")
def test_one_stream_may_have_resources_of_its_own_or_none(
    merge: MergeDatabase, bundle: MakeBundle, installation: Path
) -> None:
    """What is suspended has no DAG at once, and comes back from its row."""
    merge.publish(config(), config("Store2"))
    made = bundle()
    own = {"requests": {"cpu": "2"}, "limits": {"memory": "2Gi"}}
    streams = {"YellowLive/Store1": {"resources": own}, "YellowLive/Store2": {"suspended": True}}
    installation.write_text(json.dumps({**UPGRADED, "streams": streams}))

    made.initialize()

    assert held(made)[DAG_ID]["resources"] == own
    assert "yellowlive_factory_dag__Store2.py" not in files(made)
    installation.write_text(json.dumps(UPGRADED))
    made.refresh()
    assert "yellowlive_factory_dag__Store2.py" in files(made)


@pytest.mark.row("D15", kind="refusal")
@pytest.mark.parametrize("text", ["{", json.dumps({**UPGRADED, "image": ""})])
def test_a_file_that_says_nothing_leaves_the_rows(
    merge: MergeDatabase, bundle: MakeBundle, installation: Path, text: str
) -> None:
    """Without a file that can be read streams run as their rows say."""
    merge.publish(config())
    installation.write_text(text)
    made = bundle()

    made.initialize()

    assert held(made) == {DAG_ID: config()}
