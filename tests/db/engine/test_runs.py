"""A run of a stream: one effect per run_id, one run at a time, looks while the budget lasts, one result."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from datasurface.connections import Connections, Endpoint
from datasurface.errors import ExitStatus, ModelError, TransientError
from datasurface.yellow.engine import locks
from datasurface.yellow.engine.batch import run
from datasurface.yellow.engine.batch.crash_points import CrashPoint
from datasurface.yellow.engine.batch.looking import LookOutcome
from datasurface.yellow.engine.batch.run_result import RunResult
from datasurface.yellow.plan.streams import StreamPlan
from tests.db.engine.conftest import FORENSIC, LIVE
from tests.db.engine.run_situations import holding, paused
from tests.db.streams import Stream, column, plan, table

ITEMS = table("items", column("id", "integer", is_key=True), column("v"))
MAKE = ("CREATE TABLE items (id integer PRIMARY KEY, v text)", "INSERT INTO items VALUES (1, 'a'), (2, 'b'), (3, 'c')")
CHANGE = "UPDATE items SET v = v || 'x' WHERE id = 1"


@pytest.fixture
def stream(deployed) -> Stream:
    """A live stream of three items, loaded; it looks again at once where a budget is given."""
    stream = deployed(plan(LIVE, ITEMS, look_interval_seconds=0), *MAKE)
    stream.run()
    return stream


def of_both(deployed: Any, strategy: Any) -> Stream:
    stream: Stream = deployed(plan(strategy, ITEMS), *MAKE)
    stream.run()
    return stream


@pytest.mark.row("I13")
def test_result_of_a_run_is_recorded_and_returned_to_the_same_run(stream):
    """The second time nothing is done, whatever the source holds by then."""
    stream.source(CHANGE)
    first = stream.run(run_id="run-1")
    stream.source(CHANGE)

    again = stream.run(run_id="run-1")

    assert again == first
    assert (first.batch_id, first.updated, first.run_id) == (2, 1, "run-1")
    assert (stream.counter()["run_id"], stream.counter()["batch_id"]) == ("run-1", 2)
    assert RunResult.model_validate(stream.counter()["result"]) == first
    assert stream.run(run_id="run-2").batch_id == 3


def test_unchanged_result_is_recorded_as_well(stream):
    """A look without a difference is a result; the same run finds it again."""
    first = stream.run(run_id="run-1")
    stream.source(CHANGE)

    assert (first.outcome, stream.run(run_id="run-1")) == ("unchanged", first)


def test_runs_without_a_run_id_are_never_taken_for_each_other(stream):
    """Two of them are two runs."""
    stream.source(CHANGE)
    stream.run()
    stream.source(CHANGE)

    assert stream.run().batch_id == 3


@pytest.mark.row("I13", kind="refusal")
def test_failed_run_tries_again(stream):
    """A failure is never recorded as a result: the same run_id does the work once the source is mended."""
    stream.source("ALTER TABLE items RENAME v TO w")
    for _ in range(2):
        with pytest.raises(ModelError):
            stream.run(run_id="run-1")
    assert (stream.counter()["run_id"], stream.counter()["result"]) == (None, None)
    stream.source("ALTER TABLE items RENAME w TO v", CHANGE)

    assert stream.run(run_id="run-1").batch_id == 2


@pytest.mark.parametrize("family", [ModelError, TransientError], ids=["model", "transient"])
def test_run_that_failed_after_a_batch_tries_again(stream, family):
    """Its first look made a batch, its second one failed: the run is not done, so its run_id looks again."""
    links = stream.links
    connections = _Leading(links.connections)
    links.connections = connections
    looked: list[int | None] = []

    def watch(_: StreamPlan, outcome: LookOutcome) -> None:
        looked.append(outcome.batch_id)
        connections.is_away = family is TransientError
        if family is ModelError:
            stream.source("ALTER TABLE items RENAME v TO w")

    stream.source(CHANGE)
    with pytest.raises(family):
        run.run(stream.request(run_id="run-1", budget_seconds=5), links, watch)
    assert looked == [2]
    if family is ModelError:
        stream.source("ALTER TABLE items RENAME w TO v")
    stream.source(CHANGE)

    assert stream.run(run_id="run-1").batch_id == 3


class _Leading:
    """Connections whose source cannot be reached once it `is_away`."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self.is_away = False

    def endpoint(self, container: str, **address: Any) -> Endpoint:
        endpoint = self._connections.endpoint(container, **address)
        return replace(endpoint, host="no-such-host.invalid") if self.is_away else endpoint

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connections, name)


@pytest.mark.row("I01", kind="refusal")
def test_second_run_at_the_same_time_is_busy(deployed, strategy):
    """It ends at once with rc 0 and says so; the first one commits its batch."""
    stream = of_both(deployed, strategy)
    stream.source(CHANGE)

    with paused(stream, CrashPoint.BEFORE_COMMIT, run_id="run-1") as first:
        second = stream.run(run_id="run-2")

    assert (second.rc, second.outcome, second.run_id) == (0, "busy", "run-2")
    assert second.exit_status == ExitStatus.DONE
    assert "another run is at work" in second.message
    assert (first[0].outcome, first[0].batch_id) == ("committed", 2)
    assert stream.counter()["run_id"] == "run-1"


def test_same_run_at_the_same_time_has_to_wait(stream):
    """Whoever repeats a run that is still at work is told to try again, not that all is well."""
    with paused(stream, CrashPoint.LOCKED, run_id="run-1") as first, pytest.raises(TransientError) as caught:
        stream.run(run_id="run-1")

    assert "run run-1 is still at work" in str(caught.value)
    assert caught.value.exit_status == ExitStatus.TRANSIENT
    assert first[0].outcome == "unchanged"


@pytest.mark.row("I16")
def test_platforms_run_at_the_same_time(deployed):
    """A run of one platform does not make another platform's run busy."""
    live, forensic = deployed(plan(LIVE, ITEMS), *MAKE), deployed(plan(FORENSIC, ITEMS))

    with paused(live, CrashPoint.BEFORE_COMMIT) as first:
        assert forensic.run().batch_id == 1

    assert first[0].batch_id == 1
    assert live.rows() == forensic.rows()


@pytest.fixture
def clock(monkeypatch) -> "Clock":
    """The clock by which a run measures its budget."""
    clock = Clock()
    monkeypatch.setattr(run, "time", clock)
    return clock


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.mark.row("I15")
def test_run_looks_again_while_its_budget_lasts(stream, clock):
    """Changes between looks are batches of the same run; a last look without a change is DONE, counts are sums."""
    changes = iter([CHANGE, "INSERT INTO items VALUES (4, 'd')", "DELETE FROM items WHERE id = 2"])

    def watch(*_: object) -> None:
        stream.source(next(changes, "SELECT 1"))
        clock.seconds += 1

    result = run.run(stream.request(run_id="run-1", budget_seconds=4.5), stream.links, watch)

    assert (result.rc, result.outcome, result.batch_id) == (0, "committed", 4)
    assert (result.inserted, result.updated, result.deleted, result.total) == (1, 1, 1, 3)
    assert RunResult.model_validate(stream.counter()["result"]) == result
    assert stream.run(run_id="run-1") == result


def test_run_whose_last_look_found_changes_keeps_working(stream, clock):
    """The budget is used up and there may be more: rc 1 asks for the next run at once."""

    def watch(*_: object) -> None:
        stream.source(CHANGE)
        clock.seconds += 1

    result = run.run(stream.request(budget_seconds=2.5), stream.links, watch)

    assert (result.rc, result.outcome, result.exit_status) == (1, "committed", ExitStatus.DONE)
    assert (result.batch_id, result.updated) == (3, 2)


def test_run_without_a_budget_looks_once(stream):
    """The plan's budget is 0, the default."""
    stream.outcomes.clear()
    stream.run()

    assert len(stream.outcomes) == 1


def test_budget_of_the_plan_is_the_default(stream, clock):
    """A run that is given no budget takes the platform's, and waits the platform's interval between looks."""
    stream.redeploy(replace(stream.plan, run_budget_seconds=3))
    looked: list[LookOutcome] = []

    def watch(_: StreamPlan, outcome: LookOutcome) -> None:
        looked.append(outcome)
        clock.seconds += 2

    run.run(stream.request(), stream.links, watch)

    assert len(looked) == 2


@pytest.mark.row("I15")
def test_checked_at_is_the_time_before_the_source_was_read(deployed, strategy):
    """Freshness counts from the snapshot, for looks with and without a change; a failed look does not renew it."""
    stream = deployed(plan(strategy, ITEMS), *MAKE)
    for change in ("SELECT 1", CHANGE, "SELECT 1"):
        stream.source(change)
        before = datetime.now(UTC)
        stream.run()
        assert before - timedelta(seconds=1) < stream.counter()["checked_at"] < datetime.now(UTC)
    renewed = stream.counter()["checked_at"]

    stream.source("ALTER TABLE items RENAME v TO w")
    with pytest.raises(ModelError):
        stream.run()

    assert stream.counter()["checked_at"] == renewed


def test_checked_at_of_a_long_batch_is_not_the_time_of_its_commit(stream):
    """What is committed late was true early."""
    stream.source(CHANGE)
    with paused(stream, CrashPoint.BEFORE_COMMIT):
        late = datetime.now(UTC)

    assert stream.counter()["checked_at"] < late


@pytest.mark.row("I12")
def test_plan_is_read_anew_at_each_look(stream):
    """A model that is applied between two looks of a run holds from the next one on."""
    narrow = plan(LIVE, table("items", column("id", "integer", is_key=True)), look_interval_seconds=0)
    seen: list[int] = []

    def watch(followed: StreamPlan, _: LookOutcome) -> None:
        seen.append(len(followed.tables[0].columns))
        if len(seen) == 1:
            stream.redeploy(narrow)

    run.run(stream.request(budget_seconds=0.3), stream.links, watch)

    assert seen[:2] == [2, 1]


def test_stream_that_left_the_plan_between_looks_ends_the_run(stream):
    """The run says what is not planned any more; no batch is marked as failed for it."""

    def watch(*_: object) -> None:
        from datasurface.yellow.engine.control import plan_store

        with stream.installation.session("admin") as session:
            plan_store.write(session, "public", stream.plan.platform, [], revision="dir-000000000009")
            session.commit()

    with pytest.raises(ModelError, match="no stream of store Store1 is planned"):
        run.run(stream.request(budget_seconds=5), stream.links, watch)

    assert stream.batch(2) is None


def test_look_lock_is_free_between_looks_and_the_run_lock_is_not(stream):
    """A model merge may come in between two looks, another run may not."""
    free: list[tuple[bool, bool]] = []
    look_lock = locks.look_lock(stream.plan.platform_name, stream.plan.stream_key)
    run_lock = locks.run_lock(stream.plan.platform_name, stream.plan.stream_key)

    def watch(*_: object) -> None:
        with stream.installation.session("admin") as other:
            free.append((locks.try_lock(other, look_lock), locks.try_lock(other, run_lock)))

    run.run(stream.request(budget_seconds=0.3), stream.links, watch)

    assert len(free) > 1
    assert set(free) == {(True, False)}


def test_look_lock_that_is_not_to_be_had_is_transient(stream, monkeypatch):
    """Somebody changes the stream's tables for long: the run gives up and can be tried again."""
    monkeypatch.setattr(run, "_LOOK_LOCK_SECONDS", 0.2)
    stream.source(CHANGE)

    with holding(stream, locks.look_lock(stream.plan.platform_name, stream.plan.stream_key)):
        with pytest.raises(TransientError, match="Store1 is being changed by somebody else"):
            stream.run(run_id="run-1")
        assert stream.batch(2) is None

    assert stream.run(run_id="run-1").batch_id == 2


def test_platform_may_have_a_login_of_its_own(deployed):
    """Its credential runs every session of the merge database, the journal's as well."""
    stream = deployed(plan(LIVE, ITEMS, job_credential="yellowlive_merge"), *MAKE)

    assert stream.run().batch_id == 1
    stream.source(CHANGE)
    assert stream.run(difference_bytes=0).batch_id == 2
