"""The tour, end to end, on an embedded server of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from datasurface.demo import leaving, tour
from datasurface.demo.embedded import EmbeddedServer
from datasurface.demo.records import (
    Audited,
    Finished,
    HistoryTold,
    ModelRead,
    Record,
    RevisionApplied,
    RoundRun,
    ServerStarted,
    SourceChanged,
    SourceMade,
    ViewsCompared,
)
from datasurface.demo.stage import TourOptions
from datasurface.errors import UsageError

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "models" / "demo"
PROGRAM = [sys.executable, "-c", "from datasurface.cli.main import main; main()", "demo"]


class Onlooker:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.titles: list[str] = []
        self.records: list[Record] = []

    def begins(self, title: str) -> None:
        self.titles.append(title)

    def advances(self, done: int, total: int) -> None:
        assert 0 <= done <= total

    def happened(self, record: Record) -> None:
        self.records.append(record)


def run_command(*arguments: str, folder: Path, model: Path = DEMO) -> "subprocess.CompletedProcess[str]":
    """Run `datasurface demo` with its temporary folders below `folder`."""
    folder.chmod(0o755)
    return subprocess.run(
        [*PROGRAM, "--model", str(model), *arguments],
        env={"PATH": os.environ["PATH"], "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def found(records: list[Record], kind: type) -> list:
    """The records of one kind."""
    return [record for record in records if isinstance(record, kind)]


@pytest.fixture(scope="module")
def onlooker() -> Onlooker:
    """One whole tour of the demo's model, with fewer changes."""
    onlooker = Onlooker()
    tour.run(TourOptions(model=DEMO, seed=7, changes=60), onlooker)
    return onlooker


@pytest.mark.row("Q03")
def test_the_tour_shows_every_part_of_the_data_path(onlooker):
    """Server, model, source, two revisions, three rounds of batches, a history, the audit, the comparison, the end."""
    kinds = [type(record) for record in onlooker.records]

    assert kinds == [
        ServerStarted,
        ModelRead,
        SourceMade,
        RevisionApplied,
        RoundRun,
        SourceChanged,
        RoundRun,
        SourceChanged,
        RevisionApplied,
        RoundRun,
        HistoryTold,
        Audited,
        ViewsCompared,
        Finished,
    ]
    assert len(onlooker.titles) == len(kinds) - 1


@pytest.mark.row("I02", "I03", "P09")
def test_both_platforms_count_what_happened_to_the_source(onlooker):
    """The first batch has the seed; each later one the net change that the simulator's own log gives."""
    first, *later = found(onlooker.records, RoundRun)
    changes = found(onlooker.records, SourceChanged)

    assert [(run.platform, run.batch_id, run.counts.inserted, run.counts.total) for run in first.runs] == [
        ("YellowLive", 1, 13, 13),
        ("YellowForensic", 1, 13, 13),
    ]
    for number, (round_run, change) in enumerate(zip(later, changes, strict=True), start=2):
        wanted = [sum(getattr(c, kind) for c in change.counts.values()) for kind in ("inserted", "updated", "deleted")]
        for run in round_run.runs:
            assert [run.counts.inserted, run.counts.updated, run.counts.deleted] == wanted
            assert run.batch_id == number


@pytest.mark.row("M06")
def test_the_later_model_adds_its_columns_in_place(onlooker):
    """Four tables are altered and all six views replaced, none is made anew."""
    first, second = found(onlooker.records, RevisionApplied)

    assert (first.tables_created, first.views_created) == (4, 6)
    assert (second.tables_altered, second.views_updated, second.views_created) == (4, 6, 0)
    assert {name: list(columns) for name, columns in second.added_columns.items()} == {
        "addresses": ["addresstype", "country"],
        "customers": ["datecreated", "lastupdated"],
    }


@pytest.mark.row("V06")
def test_the_history_is_read_by_the_workspaces_own_user(onlooker):
    """One customer's versions follow each other, the last one is open, and each change is named."""
    (history,) = found(onlooker.records, HistoryTold)

    assert history.reader == "consumer1_user"
    assert history.view == "yellowforensic_consumer1_forensicdsg_customers_history_view"
    assert len(history.versions) > 1
    assert history.versions[0].changed is None
    assert all(version.changed for version in history.versions[1:])
    for version, following in zip(history.versions, history.versions[1:], strict=False):
        assert version.valid_to == following.valid_from - 1


@pytest.mark.row("V06")
def test_the_proof_covers_every_view_and_every_batch(onlooker):
    """Four current views equal the source both ways, and the audit saw a full comparison of the last batch."""
    (compared,) = found(onlooker.records, ViewsCompared)
    (audited,) = found(onlooker.records, Audited)

    assert len(compared.views) == 4
    assert all(view.is_equal and view.rows > 0 for view in compared.views)
    assert audited.sentence.endswith("compared in full with the source: batch 3")


def test_nothing_is_left_at_the_end(onlooker):
    """The server's folder is removed."""
    (finished,) = found(onlooker.records, Finished)

    assert finished.removed is not None
    assert not finished.removed.exists()


@pytest.mark.row("Q03", kind="refusal")
def test_a_model_with_a_finding_stops_the_tour(tmp_path):
    """Exit status 1, the step and the finding are named, and nothing is left behind."""
    model, temporary = tmp_path / "demo", tmp_path / "tmp"
    model.mkdir()
    temporary.mkdir()
    mapping = "dsg_platform_mapping.json"
    (model / "eco.py").write_text((DEMO / "eco.py").read_text())
    (model / mapping).write_text((DEMO / mapping).read_text().replace('"YellowLive"', '"YelowLive"', 1))

    outcome = run_command(folder=temporary, model=model)

    assert outcome.returncode == 1
    assert "the tour stopped while loading and checking the model" in outcome.stderr
    assert "YelowLive" in outcome.stderr
    assert list(temporary.iterdir()) == []


def test_a_broken_source_stops_the_tour(tmp_path, monkeypatch):
    """A step that fails in the middle names itself, keeps its family, and takes the server along."""
    folders = []
    create = EmbeddedServer.create

    def create_noting(server: EmbeddedServer) -> None:
        create(server)
        folders.append(server.folder)

    monkeypatch.setattr(EmbeddedServer, "create", create_noting)
    monkeypatch.setattr("data_change_simulator.evolve_sql", lambda: "ALTER TABLE customers DROP COLUMN nothing")
    onlooker = Onlooker()

    with pytest.raises(Exception, match="stopped while changing the schema of the source"):
        tour.run(TourOptions(model=DEMO, changes=1), onlooker)

    assert folders
    assert not folders[0].exists()
    assert not found(onlooker.records, Finished)


def test_no_model_is_a_wrong_command_line(tmp_path):
    """Exit status 2 and what to do; no server was started."""
    outcome = run_command(folder=tmp_path, model=tmp_path / "nowhere")

    assert outcome.returncode == 2
    assert "there is no model in" in outcome.stderr
    assert outcome.stdout == ""


@pytest.mark.row("V06")
def test_a_kept_server_can_be_asked_and_stopped(tmp_path):
    """The printed commands work: psql as the workspace's user, who sees views and no table, a run, status, the stop."""
    outcome = run_command("--keep", "--changes", "5", "--json", folder=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    facts = {record["kind"]: record for record in json.loads(outcome.stdout)["records"]}
    left, folder = facts["LeftRunning"], Path(facts["ServerStarted"]["folder"])
    try:
        asked = run_shell(*left["psql"][:-1], f"{left['psql'][-1]} -Atc '{left['queries'][-1]}'")
        refused = run_shell(*left["psql"][:-1], f"{left['psql'][-1]} -Atc 'TABLE yellowlive_store1_customers_merge'")
        went_on = run_shell(*left["commands"][:1], *left["commands"][-2:])
    finally:
        stopped = run_shell(left["stop"])

    assert asked.stdout.count("\n") >= 5
    assert asked.stderr == ""
    assert "permission denied" in refused.stderr
    assert "DATASURFACE_RESULT_CODE=0" in went_on.stdout
    assert "YellowForensic" in went_on.stdout.splitlines()[-1] + went_on.stdout.splitlines()[-2]
    assert stopped.returncode == 0
    assert not folder.exists()


def run_shell(*lines: str) -> "subprocess.CompletedProcess[str]":
    """Run lines as a person would paste them."""
    return subprocess.run(["/bin/sh", "-c", "\n".join(lines)], capture_output=True, text=True, check=False, cwd=ROOT)


def test_only_a_folder_of_a_tour_can_be_stopped(tmp_path):
    """Another folder is left alone."""
    (tmp_path / "data").mkdir()

    with pytest.raises(UsageError, match="no folder of a tour"):
        leaving.stop_server(tmp_path)

    assert (tmp_path / "data").is_dir()
