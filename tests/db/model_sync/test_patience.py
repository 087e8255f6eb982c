"""What is away, in use or in the way is waited for; what ends its loader is not, for ever."""

import json
from pathlib import Path

import pytest

from datasurface.errors import TransientError
from datasurface.loader import Limits, model_process
from datasurface.loader.model_process import Outcome
from datasurface.loader.remote import LoaderAway, LoaderBroke
from datasurface.runtime.model_sync.attempt import Attempts
from datasurface.runtime.model_sync.watch import Watch
from datasurface.yellow.engine import locks
from datasurface.yellow.engine.links import Links
from datasurface.yellow.engine.roles import Roles
from tests.db.installation import copied, prepared
from tests.db.model_sync.watching import LIVE, evolve
from tests.db.site import Site


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


@pytest.mark.row("Q01")
def test_a_server_that_dies_is_waited_for(own_server, synced, told, clock, tmp_path):
    """A commit that comes while the database is away is live once it is back; one line says that it was."""
    template = prepared(own_server, Roles(), tmp_path / "credentials")
    with copied(template, tmp_path) as installation:
        site = Site(installation=installation)
        links = Links(installation.connections, application_name="test watch")
        attempts = Attempts(links=links, runner=model_process.run, installation_file=None, wait_seconds=0.2)
        watch = Watch(link=synced.link, attempts=attempts, clock=clock)
        synced.sync()
        watch.turn()
        own_server.kill()
        evolve(synced)
        synced.sync()
        for _ in range(3):
            watch.turn()
            clock.now += 60
        own_server.start()
        watch.turn()
        found = site.columns(LIVE)

    assert "datecreated" in found
    away = "the merge database cannot be worked on; tried again"
    assert [event for event in told.events() if event != "finding"] == ["model applied", away, "model applied"]
