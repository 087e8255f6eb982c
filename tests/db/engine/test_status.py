"""The status of streams: fresh or late, what the last batch did, what failed and the command that goes on."""

import json

import pytest
from click.testing import CliRunner
from psycopg2 import sql

from datasurface.cli.main import cli
from datasurface.dsl import MilestoneStrategy
from datasurface.errors import DatasurfaceError, StateError
from datasurface.yellow.engine.audit import stream_status
from datasurface.yellow.engine.audit.stream_status import StreamState, StreamStatus
from datasurface.yellow.engine.batch.crash_points import CrashPoint
from tests.db.killed_job import killed_job
from tests.db.streams import SCHEMA, Stream, column, plan, table

LIVE = MilestoneStrategy.LIVE_ONLY
LINES = table("lines", column("name"), column("amount", "integer"))
MAKE_LINES = "CREATE TABLE lines (name text, amount integer)"
SEED = "INSERT INTO lines VALUES ('a', 1), ('b', 2)"


@pytest.fixture
def stream(deployed):
    """A live stream of one dataset, promised within 60 seconds, that the monitor may look at."""
    stream = deployed(plan(LIVE, LINES), MAKE_LINES, SEED)
    control = stream.plan.control
    for name in (control.batch_counter, control.batch_metrics, control.stream_plan, "ds_platform", "ds_revision"):
        stream.execute(
            sql.SQL("GRANT SELECT ON {} TO {}").format(
                sql.Identifier(SCHEMA, name), sql.Identifier(stream.installation.roles.monitor)
            )
        )
    return stream


def status_of(stream: Stream, platform: str | None = None) -> StreamStatus:
    """The status of the only stream, as the monitor sees it."""
    with stream.installation.session("monitor") as session:
        (status,) = stream_status.read(session, SCHEMA, platform).streams
    return status


def looked_at(stream: Stream, seconds_ago: float) -> None:
    """Pretend that the last look was so long ago."""
    stream.execute(
        sql.SQL("UPDATE {} SET checked_at = now() - {} * interval '1 second'").format(
            sql.Identifier(SCHEMA, stream.plan.control.batch_counter), sql.Literal(seconds_ago)
        )
    )


def command_on(stream: Stream, *arguments: str):
    environment = {"DATASURFACE_CONNECTIONS": str(stream.installation.connections_path)}
    return CliRunner().invoke(cli, ["status", *arguments], env=environment)


def test_stream_after_a_batch_is_ok_and_fresh(stream):
    """The last committed batch with its counts and rows, and the age of the look."""
    stream.run()
    stream.source("INSERT INTO lines VALUES ('c', 3)", "DELETE FROM lines WHERE name = 'a'")
    stream.run()

    status = status_of(stream)

    assert (status.platform, status.stream_key, status.batch_id) == ("YellowLive", "Store1", 2)
    assert (status.rows, status.counts.inserted, status.counts.deleted) == (2, 1, 1)
    assert (status.state, status.command, status.is_late) == (StreamState.OK, None, False)
    assert 0 <= status.age_seconds < 60


def test_look_without_a_change_makes_a_stream_fresh_again(stream):
    """Freshness is of the last look, not of the last batch."""
    stream.run()
    looked_at(stream, 3600)
    assert status_of(stream).is_late

    stream.run()

    assert not status_of(stream).is_late
    assert status_of(stream).batch_id == 1


@pytest.mark.parametrize(
    ("latency_seconds", "age_seconds", "is_late"),
    [(60, 85, False), (60, 95, True), (3600, 3900, False), (3600, 4000, True)],
)
def test_promise_is_broken_beyond_30_seconds_or_a_tenth(deployed, stream, latency_seconds, age_seconds, is_late):
    """A short promise may be exceeded by 30 s, a long one by 10 %."""
    stream.redeploy(plan(LIVE, LINES, latency_seconds=latency_seconds))
    stream.run()
    looked_at(stream, age_seconds)

    assert status_of(stream).is_late is is_late


def test_stream_without_a_batch_is_new_and_counts_from_its_revision(stream):
    """Until the first look the promise counts from when the stream was planned, where that is recorded."""
    assert (status_of(stream).state, status_of(stream).age_seconds) == (StreamState.NEW, None)

    stream.execute(
        sql.SQL(
            "INSERT INTO public.ds_revision (revision, outcome, applied_at)"
            " VALUES ('dir-000000000001', 'applied', now() - interval '1 hour')"
        )
    )

    assert status_of(stream).is_late


def test_failed_stream_says_what_happened_and_how_it_goes_on(stream):
    """The message of the error, and a run as the command where the error names none."""
    stream.run()
    stream.source("ALTER TABLE lines DROP COLUMN amount")
    with pytest.raises(DatasurfaceError, match=r"lines\.amount"):
        stream.run()

    status = status_of(stream)

    assert (status.state, status.open_batch_id) == (StreamState.FAILED, 2)
    assert "lines.amount: source table lines has no such column" in status.failure
    assert status.command == "datasurface job snapshot-merge --platform YellowLive --store Store1"


def test_command_of_an_error_that_names_one_is_that(stream):
    """A staged batch of another schema needs a reset, and says so."""
    stream.run()
    stream.source("INSERT INTO lines VALUES ('c', 3)")
    killed_job(stream, CrashPoint.AFTER_INGESTED)
    assert status_of(stream).state is StreamState.INGESTED
    stream.redeploy(plan(LIVE, table("lines", column("name"))))
    with pytest.raises(StateError):
        stream.run()

    assert status_of(stream).command == "datasurface reset-batch-state --platform YellowLive --store Store1"


def test_command_prints_a_line_per_stream_and_exits_0_while_promises_are_kept(stream):
    """Columns under their names; either name of the platform will do."""
    stream.run()

    shown = command_on(stream, "--platform", "yellowlive")

    assert shown.exit_code == 0
    header, line = shown.stdout.splitlines()
    assert header.split() == ["PLATFORM", "STREAM", "BATCH", "AGE", "PROMISED", "ROWS", "LAST", "BATCH", "STATE"]
    assert line.split()[:3] == ["YellowLive", "Store1", "1"]
    assert line.endswith("1 min     2     +2 ~0 -0    ok")


def test_command_exits_1_when_a_promise_is_broken_and_shows_failures(stream):
    """A failed and late stream takes three lines."""
    stream.run()
    stream.source("DROP TABLE lines")
    with pytest.raises(DatasurfaceError):
        stream.run()
    looked_at(stream, 3 * 3600)

    shown = command_on(stream)

    assert shown.exit_code == 1
    _, line, failure, command = shown.stdout.splitlines()
    assert " 3 h " in line
    assert line.endswith("failed, late")
    assert failure.startswith("  batch 2 failed: ")
    assert command == "  go on: datasurface job snapshot-merge --platform YellowLive --store Store1"


def test_command_shows_deployed_and_refused_revisions(stream):
    """Which revision streams follow, and that a later one was refused."""
    stream.execute(
        sql.SQL(
            "INSERT INTO public.ds_revision (revision, outcome, findings)"
            " VALUES ('dir-000000000001', 'applied', '[]'), ('dir-000000000002', 'refused', '[1, 2]')"
        )
    )
    stream.run()

    first, second, *_ = command_on(stream).stdout.splitlines()

    assert first.startswith("revision dir-000000000001  applied ")
    assert second.startswith("revision dir-000000000002  refused ")
    assert second.endswith(", 2 findings")


def test_command_prints_json(stream):
    """The same facts for machines."""
    stream.run()

    document = json.loads(command_on(stream, "--json").stdout)

    assert document["ok"] is True
    (found,) = document["streams"]
    assert (found["stream_key"], found["batch_id"], found["state"], found["is_late"]) == ("Store1", 1, "ok", False)
    assert found["counts"] == {"inserted": 2, "updated": 0, "deleted": 0, "total": 2}


def test_database_without_an_installation_says_what_to_run(installation):
    """Before `init` there is nothing to show."""
    environment = {"DATASURFACE_CONNECTIONS": str(installation.connections_path)}
    with installation.session("admin") as session:
        with session.raw.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS public.ds_platform")
        session.commit()

    shown = CliRunner().invoke(cli, ["status"], env=environment)

    assert shown.exit_code == 3
    assert "fix: `datasurface init`" in shown.stderr
