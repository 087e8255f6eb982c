"""Servers that go away, jobs that meet, jobs that are asked to end: the run says which, and the next one goes on."""

import threading
from contextlib import contextmanager

import pytest
from psycopg2 import sql

from datasurface.dsl import MilestoneStrategy
from datasurface.errors import DatasurfaceError, TransientError
from datasurface.yellow.engine.batch import crash_points
from datasurface.yellow.engine.batch.crash_points import CrashPoint
from datasurface.yellow.engine.roles import Roles
from tests.db.installation import copied, prepared
from tests.db.streams import column, deploy, plan, table

ITEMS = table("items", column("id", is_key=True), column("name"))
SOURCE = (
    "CREATE TABLE items (id text PRIMARY KEY, name text)",
    "INSERT INTO items SELECT i::text, 'name ' || i FROM generate_series(1, 500) AS i",
)
CHANGE = "UPDATE items SET name = 'other' WHERE id::integer % 10 = 0"
IN_BATCH = (
    CrashPoint.AFTER_STARTED,
    CrashPoint.AFTER_INGESTED,
    CrashPoint.BETWEEN_DATASETS,
    CrashPoint.BEFORE_COMMIT,
)


@pytest.fixture
def stream(deployed, strategy):
    """A stream of 500 items with one committed batch and 50 changes waiting."""
    stream = deployed(plan(strategy, ITEMS), *SOURCE)
    stream.run()
    stream.source(CHANGE)
    return stream


@contextmanager
def at(point: CrashPoint, act):
    """Do `act` the first time that the point is reached."""
    acted = threading.Event()

    def watcher(reached: CrashPoint) -> None:
        if reached is point and not acted.is_set():
            acted.set()
            act()

    with crash_points.watched_by(watcher):
        yield
    assert acted.is_set(), f"{point} was not reached"


def end_sessions(stream, database: str) -> None:
    """Have the server end every session of the job in a database, and wait until they are gone."""
    with stream.installation.session("admin") as session, session.raw.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
            "WHERE application_name = 'test job' AND datname = %s",
            [stream.installation.endpoint(database).database],
        )
        assert cursor.fetchone()[0] > 0


def assert_whole_and_going_on(stream) -> None:
    """Nothing of the broken batch is in the merge table, and the next run makes it, once."""
    assert sum(row[1] == "other" for row in stream.rows()) == 0
    assert stream.batch(2)["batch_status"] != "committed"
    result = stream.run()
    assert (result.batch_id, result.inserted, result.updated, result.deleted) == (2, 0, 50, 0)
    assert sum(row[1] == "other" for row in stream.rows()) == 50
    assert stream.run().outcome == "unchanged"


@pytest.mark.row("I14")
@pytest.mark.parametrize("point", IN_BATCH, ids=lambda p: p.name.lower())
def test_lost_merge_sessions_are_transient_and_leave_nothing_half_applied(stream, point):
    """The merge database ends the job's sessions in mid-batch: transient, nothing applied, the next run goes on."""
    with at(point, lambda: end_sessions(stream, "merge")), pytest.raises(TransientError):
        stream.run()

    assert_whole_and_going_on(stream)


def test_source_that_ends_the_session_while_copying_is_transient(deployed, strategy):
    """The source goes away in a first load: transient, the merge table stays empty, the next run loads it."""
    more = "INSERT INTO items SELECT 'long ' || i, repeat('x', 5000) FROM generate_series(1, 5000) AS i"
    stream = deployed(plan(strategy, ITEMS), *SOURCE, more)  # 25 MB: more than lies in buffers on the way

    with at(CrashPoint.WHILE_COPYING, lambda: end_sessions(stream, "source")), pytest.raises(TransientError):
        stream.run(difference_bytes=0)

    assert stream.rows() == []
    assert stream.run().inserted == 5500


@pytest.mark.parametrize("point", IN_BATCH[:-1], ids=lambda p: p.name.lower())
def test_cancelled_job_ends_its_batch_and_is_transient(stream, point):
    """Asked to end in mid-batch, the job keeps nothing of the batch; the next run makes it."""
    links = stream.links

    with at(point, links.cancel), pytest.raises(TransientError):
        stream.run(links=links)

    assert_whole_and_going_on(stream)


def test_job_that_is_asked_to_end_when_all_is_applied_commits_its_batch(stream):
    """What only has to be committed is committed: the work of a batch is not thrown away at its last step."""
    links = stream.links

    with at(CrashPoint.BEFORE_COMMIT, links.cancel):
        result = stream.run(links=links)

    assert (result.outcome, result.batch_id) == ("committed", 2)


def test_job_that_waits_for_a_lock_can_be_cancelled(stream):
    """A stranger's lock on the merge table does not keep a job from ending when it is asked to."""
    links = stream.links
    holder = stream.installation.session("admin")
    with holder.raw.cursor() as cursor:
        cursor.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(stream.tables().merge))
    timer = threading.Timer(1.0, links.cancel)
    timer.start()

    with pytest.raises(TransientError):
        stream.run(links=links)

    timer.join()
    holder.rollback()
    assert_whole_and_going_on(stream)


def test_second_job_of_a_stream_is_busy_while_the_first_is_at_work(stream):
    """Of two runs at once one makes the batch and the other ends as busy, with rc 0 and no effect."""
    second = []

    with at(CrashPoint.AFTER_INGESTED, lambda: second.append(stream.run(run_id="second"))):
        first = stream.run(run_id="first")

    assert (first.outcome, first.updated) == ("committed", 50)
    assert [(result.outcome, result.rc) for result in second] == [("busy", 0)]


def test_same_run_at_the_same_time_is_told_to_come_back(stream):
    """A second job of the same run is no other run: it is transient, so that its caller asks again for the result."""
    errors: list[DatasurfaceError] = []

    def again() -> None:
        with pytest.raises(TransientError, match="still at work") as caught:
            stream.run(run_id="same")
        errors.append(caught.value)

    with at(CrashPoint.AFTER_INGESTED, again):
        result = stream.run(run_id="same")

    assert len(errors) == 1
    assert stream.run(run_id="same") == result


@pytest.mark.parametrize("point", [CrashPoint.AFTER_STARTED, CrashPoint.BEFORE_COMMIT], ids=lambda p: p.name.lower())
def test_killed_server_is_transient_and_the_stream_goes_on_after_its_restart(own_server, tmp_path, point):
    """Source and merge database crash in mid-batch: transient; after recovery the next run makes the batch."""
    template = prepared(own_server, Roles(), tmp_path / "credentials")
    with copied(template, tmp_path) as installation:
        stream = deploy(installation, plan(MilestoneStrategy.BATCH_MILESTONED, ITEMS), *SOURCE)
        stream.run()
        stream.source(CHANGE)

        with at(point, own_server.kill), pytest.raises(TransientError):
            stream.run()
        with pytest.raises(TransientError):
            stream.run()
        own_server.start()

        assert_whole_and_going_on(stream)
