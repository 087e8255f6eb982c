"""A push is the only act of operation: a good commit is live in a minute, a bad one is refused where it was made."""

from __future__ import annotations

import time
from datetime import datetime

import pytest

from data_change_simulator import evolve_sql
from tests.e2e.harness.cluster import ROOT
from tests.e2e.harness.installation import Installation
from tests.e2e.harness.measurements import Measurements
from tests.e2e.harness.sql import MERGE, SOURCE
from tests.e2e.harness.streams import LIVE, PLATFORMS, committed, view_columns
from tests.e2e.harness.waiting import until

EVOLVED = ROOT / "models" / "demo-evolved"
NEW_COLUMNS = {"customers": ["datecreated", "lastupdated"], "addresses": ["addresstype", "country"]}
DEPLOYED = (
    "SELECT revision FROM public.ds_revision WHERE outcome IN ('applied', 'rolled back') ORDER BY id DESC LIMIT 1"
)


def deployed(installation: Installation) -> str:
    """The revision that is in force."""
    return str(installation.sql.value("ds_monitor", MERGE, DEPLOYED))


@pytest.mark.row("M02", "Q01", "V07", "D16")
def test_a_new_column_is_in_the_views_within_a_minute(installation: Installation, measurements: Measurements) -> None:
    """From the push to the views' new columns, without an image, a restart or a hand."""
    installation.sql.rows("postgres", SOURCE, evolve_sql())
    repository = installation.repository
    (repository.folder / "eco.py").write_text((EVOLVED / "eco.py").read_text())
    began = time.monotonic()
    pushed = repository.push("Tell when a customer came, and what an address is for")
    assert pushed.is_accepted, pushed.said
    until(
        "the new columns in all views",
        lambda: all(
            view_columns(installation.sql, platform.view(dataset))[-2:] == columns
            for platform in PLATFORMS
            for dataset, columns in NEW_COLUMNS.items()
        ),
        seconds=120,
        every_seconds=0.2,
    )
    measurements.record("push", round(time.monotonic() - began, 1))
    assert deployed(installation) == pushed.revision


@pytest.mark.row("V07", "D16")
def test_streams_go_on_under_the_new_model(installation: Installation) -> None:
    """The next batch fills the new columns."""
    before = committed(installation.sql, LIVE)[-1].batch_id
    moment = datetime(2025, 1, 31, 10, 15)
    change = "UPDATE customers SET lastupdated = %s WHERE id = 'CUST001'"
    installation.sql.rows("customer_writer", SOURCE, change, [moment])
    until("a batch", lambda: committed(installation.sql, LIVE)[-1].batch_id > before, seconds=120)
    statement = "SELECT lastupdated FROM public.yellowlive_consumer1_livedsg_customers_view WHERE id = 'CUST001'"
    until("the value", lambda: installation.sql.value("consumer1", MERGE, statement) == moment, seconds=30)


@pytest.mark.row("Q01", kind="refusal")
@pytest.mark.row("M02", kind="refusal")
@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("eco.py", 'DDLColumn("email", VarChar(100))', 'DDLColumn("email", VarChar(50))', "email"),
        ("dsg_platform_mapping.json", '"YellowForensic"', '"YellowForensik"', "YellowForensik"),
        ("eco.py", "def create_ecosystem() -> Ecosystem:", "def create_ecosystem( -> Ecosystem:", "eco.py"),
    ],
    ids=["narrower column", "unknown platform", "broken Python"],
)
def test_a_bad_commit_is_refused_in_the_authors_terminal(
    installation: Installation, file: str, old: str, new: str, says: str
) -> None:
    """The push fails and says what is wrong; the deployed revision stays."""
    repository, before = installation.repository, deployed(installation)
    path = repository.folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    try:
        pushed = repository.push("Break it")
    finally:
        repository.restore()
    assert not pushed.is_accepted
    remote = [line for line in pushed.said.splitlines() if line.startswith("remote:")]
    assert any(says in line for line in remote), pushed.said
    assert "rejected" in pushed.said
    assert "Traceback" not in pushed.said
    assert deployed(installation) == before


@pytest.mark.row("Q01", kind="refusal")
def test_nobody_reads_the_repository_without_the_password(installation: Installation) -> None:
    """An anonymous git is turned away."""
    assert installation.repository.anonymous_status() != 0


@pytest.mark.timeout(400)
def test_streams_go_on_while_the_repository_is_away(installation: Installation) -> None:
    """Without its git host the platform keeps its streams; when the host is back a push goes live again."""
    release = installation.release
    restarts = release.restarts()
    release.scale("deployment", "model-repo", 0)
    release.wait_gone("model-repo")
    try:
        before = committed(installation.sql, LIVE)[-1].batch_id
        statement = "UPDATE customers SET phone = 'while away' WHERE id = 'CUST001'"
        installation.sql.rows("customer_writer", SOURCE, statement)
        until("a batch", lambda: committed(installation.sql, LIVE)[-1].batch_id > before, seconds=120)
    finally:
        release.scale("deployment", "model-repo", 1)
    release.wait_ready(seconds=90)
    repository = installation.repository
    repository.close()
    (repository.folder / "NOTES.md").write_text("The repository was away and is back.\n")
    pushed = repository.push("Say that it is back")
    assert pushed.is_accepted, pushed.said
    until("the new revision", lambda: deployed(installation) == pushed.revision, seconds=90)
    assert release.restarts() == restarts
