"""`datasurface chart` on a model, and what Helm makes of the chart that comes out."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from datasurface.cli.main import cli
from tests.chart import rendering
from tests.chart.rendering import CHART, render
from tools.generate import ROOT

FLIGHTS = ROOT / "models" / "flights"
DEMO = ROOT / "models" / "demo"


def run(*arguments: str | Path) -> Result:
    """The command as it ends."""
    return CliRunner().invoke(cli, ["chart", *map(str, arguments)])


@pytest.fixture(scope="module")
def flights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A strict chart of the flights model's own."""
    chart = tmp_path_factory.mktemp("site") / "flights"
    result = run("package", "--model", FLIGHTS, "--output", chart, "--version", "3.1.4", "--strict")
    assert result.exit_code == 0, result.output
    return chart


@pytest.mark.row("D13", "K11")
@pytest.mark.parametrize("helm", ["helm", "helm3"])
def test_a_sites_chart_installs_its_model(flights: Path, helm: str) -> None:
    """Its repository begins with the model, its readers are those of the workspaces, nothing is left of the demo."""
    rendered = render(chart=flights, helm=helm)
    seed = rendered.named("ConfigMap", "datasurface-model-seed")
    text = json.dumps(seed)

    assert all(path.name in text for path in FLIGHTS.iterdir() if path.is_file())
    assert {"Secret/datasurface-reader-operations", "Secret/datasurface-reader-punctuality"} <= set(rendered.names())
    assert not {"Deployment/datasurface-simulator", "Secret/datasurface-reader-consumer1"} & set(rendered.names())
    connections = json.loads(rendered.named("ConfigMap", "datasurface-connections")["data"]["connections.json"])
    assert set(connections["containers"]) == {"flights_db", "merge_db"}
    assert rendered.objects[0]["metadata"]["labels"]["helm.sh/chart"] == "datasurface-3.1.4"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"containers": {"flight_db": {"host": "h", "database": "d"}}},
            "additional properties 'flight_db' not allowed",
        ),
        ({"credentials": {"reader": {"existingSecret": "s"}}}, "additional properties 'reader' not allowed"),
        (
            {"jobs": {"streams": {"YellowLive/Arrivals": {"suspended": True}}}},
            "additional properties 'YellowLive/Arrivals' not allowed",
        ),
        (
            {"readers": {"analyst": {"workspace": "Operation"}}},
            "at '/readers/analyst/workspace': value must be one of 'Operations', 'Punctuality'",
        ),
    ],
    ids=["container", "credential", "stream", "workspace"],
)
@pytest.mark.row("K11", kind="refusal")
def test_a_strict_chart_refuses_names_that_its_model_has_not(
    flights: Path, values: dict[str, object], sentence: str
) -> None:
    """A misspelled name is refused by the installation itself, with the names that there are."""
    with pytest.raises(rendering.Refused) as refused:
        render(values, chart=flights)

    assert sentence in str(refused.value)


def test_what_chart_values_prints_installs(tmp_path: Path) -> None:
    """The values that a model suggests are right for the chart as it is, by both versions of Helm."""
    values = tmp_path / "site.yaml"
    values.write_text(run("values", "--model", FLIGHTS).output)

    for name in ("helm", "helm3"):
        text = rendering.run_helm(rendering.program(name), "template", "x", str(CHART), "--values", str(values))
        assert "flights_db" in text
        assert "consumer1" not in text


def test_an_archive_is_the_same_chart(flights: Path, tmp_path: Path) -> None:
    """Helm installs it as well, and the same model makes the same bytes."""
    archives = [tmp_path / "one.tgz", tmp_path / "other.tgz"]
    for archive in archives:
        result = run("package", "--model", FLIGHTS, "--output", archive, "--version", "3.1.4", "--strict")
        assert result.exit_code == 0

    assert archives[0].read_bytes() == archives[1].read_bytes()
    with tarfile.open(archives[0]) as opened:
        packed = {entry.name.split("/", 1)[1] for entry in opened.getmembers()}
    assert packed == {str(path.relative_to(flights)) for path in flights.rglob("*") if path.is_file()}
    assert render(chart=archives[0]).names() == render(chart=flights).names()


def test_a_package_lints(flights: Path) -> None:
    """`helm lint --strict` finds nothing in it."""
    assert "0 chart(s) failed" in rendering.run_helm(rendering.program(), "lint", "--strict", str(flights))


def test_the_schema_is_printed(tmp_path: Path) -> None:
    """For editors, and for a chart of somebody's own; that of the demo is the committed one."""
    assert run("schema", "--model", DEMO).output == (CHART / "values.schema.json").read_text()
    assert len(run("schema", "--model", FLIGHTS, "--strict").output) > 10_000


def test_a_model_with_findings_makes_no_chart(tmp_path: Path) -> None:
    """A chart of a model that would be refused is not made, and the fix says where to look."""
    model = tmp_path / "model"
    shutil.copytree(DEMO, model)
    mapping = model / "dsg_platform_mapping.json"
    mapping.write_text(mapping.read_text().replace("YellowLive", "YelowLive"))

    result = run("package", "--model", model, "--output", tmp_path / "chart")

    assert result.exit_code == 1
    assert "is not planned" in result.output
    assert "datasurface lint" in result.output
    assert not (tmp_path / "chart").exists()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """What is there already stays as it is."""
    (tmp_path / "mine").write_text("mine")

    result = run("package", "--model", DEMO, "--output", tmp_path / "mine")

    assert result.exit_code == 1
    assert "exists already" in result.output
    assert (tmp_path / "mine").read_text() == "mine"


@pytest.mark.parametrize("version", ["1", "1.2", "v1.2.3", "latest", "1.2.3 "])
def test_a_version_that_helm_would_refuse_is_refused(tmp_path: Path, version: str) -> None:
    """Before anything is written."""
    result = run("package", "--model", DEMO, "--output", tmp_path / "chart", "--version", version)

    assert result.exit_code == 1
    assert "is no version of a chart" in result.output
    assert not (tmp_path / "chart").exists()


def test_a_directory_without_a_chart_is_refused(tmp_path: Path) -> None:
    """The message names what is missing."""
    result = run("package", "--model", DEMO, "--output", tmp_path / "chart", "--chart", tmp_path)

    assert result.exit_code == 1
    assert "it has no Chart.yaml" in result.output


def test_a_model_too_large_for_a_seed_is_refused(tmp_path: Path) -> None:
    """A ConfigMap holds a megabyte; beyond it a git host is the way."""
    model = tmp_path / "model"
    shutil.copytree(DEMO, model)
    (model / "notes.md").write_bytes(b"x" * 1_000_000)

    result = run("package", "--model", model, "--output", tmp_path / "chart")

    assert result.exit_code == 1
    assert "more than the 921600 that a chart can bring along" in result.output
    assert "modelSync.git.url" in result.output
