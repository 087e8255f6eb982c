"""The doctor's installation: commands in it, the demo running in it, and a page in Airflow's place."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from datasurface.cli.main import cli
from tests.db.doctor.airflow_page import Airflow
from tests.db.doctor.examination import DEMO
from tests.db.installation import Installation


@pytest.fixture
def airflow() -> Iterator[Airflow]:
    page = Airflow()
    yield page
    page.server.shutdown()
    page.server.server_close()


@pytest.fixture
def datasurface(installation: Installation, tmp_path: Path):
    """Run a command in this test's installation, as in a release called `acme`."""
    installed = tmp_path / "installation.json"
    installed.write_text(json.dumps({"v": 1, "image": "i:1", "namespace": "data", "instance": "acme"}))
    environment = {
        "DATASURFACE_CONNECTIONS": str(installation.connections_path),
        "DATASURFACE_INSTALLATION": str(installed),
    }

    def run(*arguments: str, **more: str | None) -> Result:
        budget = ("--budget-seconds", "0") if arguments[0] == "job" else ()
        return CliRunner().invoke(cli, [*arguments, *budget], env={**environment, **more})

    return run


@pytest.fixture
def running(datasurface, installation):
    """The same with the demo model applied and batch 1 of both platforms made."""
    installation.make_demo_source()
    assert datasurface("model", "apply", str(DEMO)).exit_code == 0
    for platform in ("YellowLive", "YellowForensic"):
        assert datasurface("job", "snapshot-merge", "--platform", platform, "--store", "Store1").exit_code == 0
    return datasurface
