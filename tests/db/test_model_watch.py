"""From a commit to tables: the watch with a real database, a link that is turned, and loaders of all kinds."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from datasurface.errors import TransientError
from datasurface.loader import Limits, model_process
from datasurface.loader.model_process import Outcome
from datasurface.loader.remote import LoaderAway, LoaderBroke
from datasurface.runtime import logs
from datasurface.runtime.model_sync.attempt import Attempts
from datasurface.runtime.model_sync.watch import Watch
from datasurface.yellow.engine import locks
from datasurface.yellow.engine.links import Links
from tests.db.site import Site
from tests.git.services import CLI, loader, until
from tests.git.worktrees import Synced

DEMO = Path(__file__).parents[2] / "models" / "demo"
EVOLVED = DEMO.with_name("demo-evolved")
LIVE = "yellowlive_consumer1_livedsg_customers_view"


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Told:
    """The log, as JSON lines."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        logs.configure("json", stream=self.stream)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    def events(self) -> list[str]:
        return [line["event"] for line in self.lines()]


@pytest.fixture
def told() -> Iterator[Told]:
    """What the watch logs."""
    yield Told()
    structlog.reset_defaults()


@pytest.fixture
def site(installation) -> Site:
    return Site(installation=installation)


@pytest.fixture
def synced(tmp_path) -> Synced:
    """A repository with the demo's model, not yet checked out."""
    return Synced.of(tmp_path / "repositories", DEMO)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def installed(tmp_path) -> Path:
    """The installation's file."""
    path = tmp_path / "installation.json"
    path.write_text(json.dumps({"v": 1, "image": "registry.example/datasurface:1", "namespace": "data"}))
    return path


@pytest.fixture
def watch_of(site, synced, clock, installed) -> Callable[..., Watch]:
    """Give a function that makes a watch, with the loader of a shell unless it is given another one."""

    def made(runner: Any = model_process.run) -> Watch:
        links = Links(site.installation.connections, application_name="test watch")
        attempts = Attempts(links=links, runner=runner, installation_file=installed, wait_seconds=0.2)
        return Watch(link=synced.link, attempts=attempts, clock=clock)

    return made


def evolve(synced: Synced) -> None:
    """Commit the demo's schema change."""
    for path in EVOLVED.glob("*.*"):
        (synced.author.clone / path.name).write_bytes(path.read_bytes())
    synced.author.commit("README.md", "evolved")


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


def test_a_busy_stream_is_waited_for(site, synced, watch_of, told, clock):
    """One line, one record, and it is applied as soon as the job has let go."""
    watch = watch_of()
    synced.sync()
    watch.turn()
    evolve(synced)
    second = synced.sync()
    with site.installation.session("job") as job:
        assert locks.try_lock(job, locks.look_lock("yellowforensic", "Store1"))
        for _ in range(3):
            watch.turn()
            clock.now += 60
    watch.turn()

    assert [row[2] for row in site.revisions()] == ["applied", "waiting", "applied"]
    assert site.revisions()[-1][0] == second
    assert told.events() == ["model applied", "model waits for what is in use; it is tried again", "model applied"]
    assert told.lines()[1]["waiting_for"] == ["YellowForensic/Store1"]


def test_what_the_database_has_against_a_model_may_pass(site, synced, watch_of, clock):
    """A stranger's table in a view's place refuses the model; when it is gone the model is applied by itself."""
    watch = watch_of()
    site.execute("CREATE TABLE {} (id int)", LIVE)
    synced.sync()
    watch.turn()
    watch.turn()
    site.execute("DROP TABLE {}", LIVE)
    clock.now += 31
    watch.turn()

    assert [row[2] for row in site.revisions()] == ["refused", "applied"]


@pytest.mark.row("Q01", kind="refusal")
def test_what_is_away_is_waited_for_quietly(site, synced, watch_of, told, clock):
    """A missing link, a loader and a database that are away: a line each, no crash, then the model is applied."""
    reasons: list[Exception] = [LoaderAway("no"), LoaderAway("no"), LoaderBroke("x"), TransientError("database")]

    def runner(model: Path, scratch: Path, limits: Limits) -> Outcome:
        if reasons:
            raise reasons.pop(0)
        return model_process.run(model, scratch, limits)

    watch = watch_of(runner)
    for _ in range(3):
        watch.turn()
    synced.sync()
    for _ in range(10):
        watch.turn()
        clock.now += 40

    assert told.events() == [
        "the model's repository is away",
        "the loader is away; tried again",
        "the merge database cannot be worked on; tried again",
        "model applied",
    ]
    assert len(site.revisions()) == 1


def test_a_database_without_an_installation_is_waited_for(synced, watch_of, told, tmp_path, site, clock):
    """Before `datasurface init` has run there is no login and no table; that is one line, not a crash."""
    connections = json.loads(site.installation.connections_path.read_text())
    database = connections["merge"]["database"]
    connections["merge"]["database"] = connections["containers"]["merge_db"]["database"] = "not_there_yet"
    site.installation.connections_path.write_text(json.dumps(connections))
    watch = watch_of()
    synced.sync()
    for _ in range(3):
        watch.turn()
        clock.now += 60
    connections["merge"]["database"] = connections["containers"]["merge_db"]["database"] = database
    site.installation.connections_path.write_text(json.dumps(connections))

    assert told.events() == ["the merge database cannot be worked on; tried again"]


def test_a_model_that_ends_its_loader_is_refused_in_the_end(site, synced, watch_of, told, clock):
    """A loader that breaks off again and again under one model is not blamed for ever."""

    def runner(_model: Path, _scratch: Path, _limits: Limits) -> Outcome:
        raise LoaderBroke("gone")

    watch = watch_of(runner)
    revision = synced.sync()
    for _ in range(5):
        watch.turn()
        clock.now += 31

    assert site.revisions() == [(revision, None, "refused")]
    assert told.lines()[-1]["rule"] == "DS005"
    assert told.lines()[-1]["message"] == "ended its loader 3 times"


def test_a_tree_that_goes_while_it_is_read_refuses_nothing(site, synced, watch_of, clock):
    """The link is turned in the middle of a copy: the copy is thrown away, the new revision is applied."""
    turned: list[str] = []

    def runner(model: Path, scratch: Path, limits: Limits) -> Outcome:
        if not turned:
            synced.author.commit("README.md", "second")
            turned.append(synced.sync())
            # Also a child that fails on what was copied in halves says nothing about the model.
            (model / "eco.py").unlink()
        return model_process.run(model, scratch, limits)

    synced.sync()
    watch = watch_of(runner)
    watch.turn()
    watch.turn()

    assert site.revisions() == [(turned[0], None, "applied")]


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


@pytest.mark.row("Q01", "M02")
def test_the_commands_of_the_chart_make_a_commit_true(linked_installation, synced, tmp_path):
    """Watch and loader as processes: a commit is live in seconds, also in the consumers' own database."""
    site = Site(installation=linked_installation)
    linked_installation.endpoint("consumer")
    synced.author.replace("eco.py", 'name="Consumer1",', 'name="Consumer1", consumer_database="consumer_db",')
    alive, log = tmp_path / "alive", tmp_path / "watch.log"
    with loader(tmp_path / "loader.log") as service, log.open("wb") as written:
        command = [sys.executable, *CLI, "model", "watch", str(synced.link), "--loader", service.url]
        command += ["--interval-seconds", "0.2", "--wait-seconds", "5", "--alive-file", str(alive)]
        environment = {
            "PATH": os.environ["PATH"],
            "DATASURFACE_CONNECTIONS": str(linked_installation.connections_path),
            "DATASURFACE_LOG_FORMAT": "json",
        }
        process = subprocess.Popen(command, env=environment, stderr=written)
        until(alive.exists)
        synced.sync()
        until(lambda: len(site.revisions()) == 1)
        synced.author.commit("README.md", "more")
        second, committed_at = synced.sync(), time.monotonic()
        until(lambda: len(site.revisions()) == 2)
        seconds = time.monotonic() - committed_at
        process.send_signal(signal.SIGTERM)
        status = process.wait(timeout=10)

    assert (status, site.revisions()[-1][0]) == (0, second)
    assert seconds < 10
    with linked_installation.session("admin", "consumer") as consumer, consumer.raw.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relname LIKE '%customers%view' AND relkind = 'v'")
        assert cursor.fetchone()[0] > 0
    events = [json.loads(line)["event"] for line in log.read_text().splitlines()]
    assert events.count("model applied") == 2
    assert events[-1] == "asked to end"


def test_sigterm_ends_a_wait_at_once(site, synced, tmp_path):
    """A watch that waits for another merge ends without its patience running out."""
    with (
        loader(tmp_path / "loader.log") as service,
        (tmp_path / "log").open("wb") as log,
        site.installation.session("apply") as other,
        locks.held(other, locks.MERGE_LOCK, timeout_seconds=1),
    ):
        synced.sync()
        command = [sys.executable, *CLI, "model", "watch", str(synced.link), "--loader", service.url]
        command += ["--wait-seconds", "60"]
        environment = {"PATH": os.environ["PATH"], "DATASURFACE_CONNECTIONS": str(site.installation.connections_path)}
        process = subprocess.Popen(command, env=environment, stderr=log)
        until(lambda: "loaded" in (tmp_path / "loader.log").read_text())
        time.sleep(0.5)
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)

        assert process.wait(timeout=20) == 0
        assert time.monotonic() - begun < 5
    assert site.revisions() == []
