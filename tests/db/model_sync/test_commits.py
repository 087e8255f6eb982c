"""From a commit to tables: what becomes of right and wrong ones, with a real database."""

import os
import time

import pytest

from tests.db.model_sync.watching import LIVE, evolve


@pytest.mark.row("Q01", "M02", "D12")
def test_a_commit_becomes_tables_views_and_rows(site, synced, watch_of, told):
    """The next turn applies it, and records the commit with its author and time."""
    watch = watch_of()
    first = synced.sync()
    watch.turn()
    evolve(synced)
    second = synced.sync()
    watch.turn()
    watch.turn()

    assert "datecreated" in site.columns(LIVE)
    assert site.revisions() == [(first, None, "applied"), (second, first, "applied")]
    (author, committed), *_ = site.query("SELECT author, committed_at FROM {} ORDER BY id", "ds_revision")
    assert author == "ann <ann@example.com>"
    assert abs(committed.timestamp() - time.time()) < 300
    assert told.events() == ["model applied", "model applied"]
    assert told.lines()[1]["changes"] == [
        "addresses gains addresstype, country",
        "customers gains datecreated, lastupdated",
    ]
    assert len(site.query("SELECT 1 FROM {} WHERE status = 'active'", "yellowlive_airflow_dsg")) == 1


@pytest.mark.row("Q01")
def test_a_restart_applies_once_more_and_writes_nothing(site, synced, watch_of, told):
    """The installation may have changed meanwhile; where it has not, no row is added."""
    synced.sync()
    watch_of().turn()
    before, revisions = site.everything(), site.revisions()
    watch = watch_of()
    watch.turn()
    watch.turn()

    assert (site.everything(), site.revisions()) == (before, revisions)
    assert len(told.events()) == 2


@pytest.mark.row("D12")
def test_an_upgrade_of_the_installation_reaches_the_rows(site, synced, watch_of, installed):
    """Another image at the same revision writes the rows of DAGs and nothing else."""
    watch = watch_of()
    synced.sync()
    watch.turn()
    tables = site.columns(LIVE)
    installed.write_text(installed.read_text().replace(":1", ":2"))
    watch.turn()

    config = site.query("SELECT config_json::text FROM {}", "yellowlive_airflow_dsg")
    assert ["registry.example/datasurface:2" in text for (text,) in config] == [True]
    assert site.columns(LIVE) == tables


@pytest.mark.row("Q01", "M02", kind="refusal")
def test_a_bad_commit_changes_nothing_and_says_why(site, synced, watch_of, told, clock):
    """It is recorded with its findings, each is a line of the log, and it is not tried again."""
    watch = watch_of()
    first = synced.sync()
    watch.turn()
    before = site.everything()
    synced.author.replace("dsg_platform_mapping.json", '"YellowLive"', '"YelowLive"')
    second = synced.sync()
    watch.turn()
    clock.now += 10_000
    watch.turn()

    assert site.everything() == before
    assert site.revisions()[1:] == [(second, first, "refused")]
    _, head, finding = told.lines()
    assert (head["event"], head["level"], head["deployed"]) == ("model refused: nothing changes", "error", first)
    assert (finding["rule"], finding["object"].partition(":")[0]) == ("DS301", "dsg_platform_mapping.json")
    assert "YelowLive" in finding["message"]
    assert finding["fix"]


@pytest.mark.row("Q01", kind="refusal")
def test_a_commit_that_gives_no_model_is_recorded(site, synced, watch_of, told):
    """With its author, like any other; the next right one is applied."""
    watch = watch_of()
    synced.author.commit("eco.py", "def create_ecosystem():\n    return 1 / 0\n")
    bad = synced.sync()
    watch.turn()
    synced.author.git("revert", "--no-edit", "HEAD")
    good = synced.sync()
    watch.turn()

    assert site.revisions() == [(bad, None, "refused"), (good, None, "applied")]
    assert site.query("SELECT author FROM {} ORDER BY id", "ds_revision")[0] == ("ann <ann@example.com>",)
    assert told.lines()[1]["object"] == "eco.py:2"


@pytest.mark.row("Q01")
def test_commits_that_were_skipped_do_not_matter(site, synced, watch_of):
    """What is compared is deployed and now, also where a bad commit lay between."""
    watch = watch_of()
    first = synced.sync()
    watch.turn()
    synced.author.commit("eco.py", "rubbish")
    synced.author.git("revert", "--no-edit", "HEAD")
    third = synced.sync()
    watch.turn()

    assert site.revisions() == [(first, None, "applied"), (third, first, "applied")]


def test_a_pinned_revision_stays(site, synced, watch_of, told, clock):
    """Until the pin is lifted nothing else is applied."""
    watch = watch_of()
    first = synced.sync()
    watch.turn()
    site.execute("UPDATE {} SET pinned = true", "ds_revision")
    evolve(synced)
    second = synced.sync()
    watch.turn()
    watch.turn()
    site.execute("UPDATE {} SET pinned = false", "ds_revision")
    clock.now += 60
    watch.turn()

    assert told.events() == ["model applied", "a revision is pinned: nothing else is applied", "model applied"]
    assert site.revisions() == [(first, None, "applied"), (second, first, "applied")]


def test_a_directory_without_git_has_the_revision_of_its_files(site, synced, watch_of):
    """No author, no time."""
    synced.link.symlink_to(synced.author.clone)
    (synced.author.clone / ".git").rename(synced.root / "aside")
    watch_of().turn()

    (row,) = site.query("SELECT revision, author, committed_at, outcome FROM {}", "ds_revision")
    assert row[0].startswith("dir-")
    assert row[1:] == (None, None, "applied")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_a_repository_of_another_user_is_read(site, synced, watch_of):
    """git-sync writes as a user of its own."""
    revision = synced.sync()
    synced.give_away(65533)
    watch_of().turn()

    assert site.revisions() == [(revision, None, "applied")]
