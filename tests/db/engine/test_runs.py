"""A run of a stream: one effect per run_id, one run at a time, looks while the budget lasts, one result."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg2 import sql

from datasurface.connections import Connections, Endpoint
from datasurface.errors import DatasurfaceError, ExitStatus, ModelError, StateError, TransientError
from datasurface.yellow.engine import locks
from datasurface.yellow.engine.batch import crash_points, merge_batch, run
from datasurface.yellow.engine.batch.batch_state import BatchStatus
from datasurface.yellow.engine.batch.crash_points import CrashPoint
from datasurface.yellow.engine.batch.looking import LookOutcome
from datasurface.yellow.engine.batch.run_result import RunResult
from datasurface.yellow.engine.locks import LockRef
from datasurface.yellow.plan.streams import StreamPlan
from tests.db.engine.conftest import FORENSIC, LIVE
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


@pytest.mark.row("I10")
def test_full_look_confirms_what_is_recorded_and_says_when(deployed, strategy):
    """Rows and checksums computed anew are those of the last batch; the time of it is kept with the batch."""
    stream = of_both(deployed, strategy)
    stream.source(CHANGE, "INSERT INTO items VALUES (4, 'd')", "DELETE FROM items WHERE id = 2")
    stream.run()
    assert stream.batch(2)["state"].get("compared_in_full_at") is None
    before = datetime.now(UTC) - timedelta(seconds=1)

    assert stream.run(in_full=True).outcome == "unchanged"

    assert datetime.fromisoformat(stream.batch(2)["state"]["compared_in_full_at"]) > before
    assert stream.batch(2)["batch_status"] == BatchStatus.COMMITTED


@pytest.mark.row("I10", kind="refusal")
@pytest.mark.parametrize("shuffled", [False, True], ids=["in order", "in another order, staged"])
@pytest.mark.parametrize("planted", ["checksum", "rows"])
def test_full_look_finds_a_record_that_is_wrong(deployed, strategy, planted, shuffled):
    """Source and merge table are equal, the record is not: an ordinary look passes, a full one records the truth."""
    stream = of_both(deployed, strategy)
    true = stream.batch(1)["state"]["datasets"]
    _plant(stream, planted)
    if shuffled:
        stream.source("CREATE TABLE old AS SELECT * FROM items", "TRUNCATE items")
        stream.source("INSERT INTO items SELECT * FROM old ORDER BY id DESC")
    options = {"difference_bytes": 0} if shuffled else {}
    assert stream.run(**options).outcome == "unchanged"

    result = stream.run(in_full=True, **options)

    assert (result.batch_id, result.inserted, result.updated, result.deleted, result.total) == (2, 0, 0, 0, 3)
    assert "items: batch 1 recorded a wrong checksum" in result.message
    assert stream.batch(2)["state"]["datasets"] == true
    assert stream.run(in_full=True, **options).outcome == "unchanged"


@pytest.mark.parametrize("difference_bytes", [1 << 20, 0], ids=["streamed", "staged"])
@pytest.mark.row("I14")
def test_row_that_somebody_changed_in_the_merge_table_is_put_right(deployed, strategy, difference_bytes):
    """The merge table is compared, not only the source: the next look makes a batch that undoes it."""
    stream = of_both(deployed, strategy)
    stream.execute(sql.SQL("UPDATE {} SET v = 'stranger' WHERE id = 1").format(stream.tables().merge))
    stream.execute(sql.SQL("DELETE FROM {} WHERE id = 2").format(stream.tables().merge))

    result = stream.run(difference_bytes=difference_bytes)

    assert (result.batch_id, result.inserted, result.updated, result.deleted, result.total) == (2, 1, 1, 0, 3)
    assert stream.rows() == [(1, "a"), (2, "b"), (3, "c")]


@pytest.mark.row("I14")
def test_row_without_a_key_that_somebody_changed_is_put_right(deployed, strategy):
    """What a row holds decides, not the hash that was stored beside it."""
    stream = deployed(plan(strategy, table("items", column("v"))), *MAKE)
    stream.run()
    stream.execute(sql.SQL("UPDATE {} SET v = 'stranger' WHERE v = 'a'").format(stream.tables().merge))
    stream.execute(sql.SQL("DELETE FROM {} WHERE v = 'b'").format(stream.tables().merge))

    result = stream.run()

    assert (result.batch_id, result.inserted, result.deleted, result.total) == (2, 2, 1, 3)
    assert stream.rows() == [("a",), ("b",), ("c",)]
    assert stream.run().outcome == "unchanged"


@pytest.mark.row("I14", kind="refusal")
@pytest.mark.parametrize(
    "deed", ["UPDATE {} SET id = 9 WHERE id = 1", "DELETE FROM {} WHERE id = 1"], ids=["moved", "gone"]
)
def test_row_that_somebody_takes_between_comparison_and_apply_fails_the_batch(deployed, strategy, deed):
    """The counts do not fit: nothing is applied, the error says so, and the next run puts everything right."""
    stream = of_both(deployed, strategy)
    stream.source(CHANGE, "INSERT INTO items VALUES (4, 'd')")

    deeds = at(CrashPoint.BEFORE_STARTED, lambda: stream.execute(sql.SQL(deed).format(stream.tables().merge)))
    with deeds, pytest.raises(StateError, match="somebody else writes to the merge table"):
        stream.run()

    assert stream.batch(2)["batch_status"] == BatchStatus.FAILED
    assert (4, "d") not in stream.rows()
    assert stream.run().batch_id == 2
    assert stream.rows() == [(1, "ax"), (2, "b"), (3, "c"), (4, "d")]


def test_row_that_somebody_adds_between_comparison_and_apply_goes_with_the_next_look(deployed, strategy):
    """It is none of the batch's keys: the batch commits, and the next one removes it."""
    stream = of_both(deployed, strategy)
    stream.source(CHANGE)
    columns = ", ".join(["id", "v", *stream.tables().batch_columns])
    values = "9, 'stranger', 1, 2147483647" if stream.is_forensic else "9, 'stranger', 1"
    adding = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(stream.tables().merge, sql.SQL(columns), sql.SQL(values))

    with at(CrashPoint.BEFORE_STARTED, lambda: stream.execute(adding)):
        assert stream.run().batch_id == 2

    result = stream.run()
    assert (result.batch_id, result.deleted) == (3, 1)
    assert stream.rows() == [(1, "ax"), (2, "b"), (3, "c")]


def test_merge_table_that_somebody_locks_is_transient_and_the_batch_goes_on(deployed, strategy, monkeypatch):
    """A lock is not waited for without end; the failed batch is visible, and made by the next run."""
    stream = of_both(deployed, strategy)
    monkeypatch.setattr(merge_batch, "_LOCK_TIMEOUT", "100ms")
    stream.source(CHANGE)
    with stream.installation.session("admin") as stranger, stranger.raw.cursor() as cursor:
        cursor.execute(sql.SQL("LOCK TABLE {} IN ROW EXCLUSIVE MODE").format(stream.tables().merge))
        with pytest.raises(TransientError, match="55P03"):
            stream.run()

    assert stream.batch(2)["batch_status"] == BatchStatus.FAILED
    assert stream.batch(2)["state"]["failure"]["family"] == "transient"
    assert stream.run().batch_id == 2


def test_readers_go_on_while_a_batch_is_applied(deployed, strategy):
    """A consumer reads the last batch until the next one is committed, and waits for nothing."""
    stream = of_both(deployed, strategy)
    before = stream.rows()
    stream.source(CHANGE, "DELETE FROM items WHERE id = 3")
    seen: list[Any] = []

    with at(CrashPoint.BEFORE_COMMIT, lambda: seen.append(stream.rows())):
        stream.run()

    assert seen == [before]
    assert stream.rows() == [(1, "ax"), (2, "b")]


@contextmanager
def at(point: CrashPoint, happening: Any) -> Iterator[None]:
    """Let something happen when a run reaches a point."""
    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(crash_points, "_watchers", [lambda reached: happening() if reached is point else None])
        yield


@contextmanager
def paused(stream: Stream, point: CrashPoint, **request: Any) -> Iterator[list[RunResult]]:
    """A run of the stream in another thread that waits at a point until the block is left; its result is there then."""
    arrived, go_on = threading.Event(), threading.Event()
    results: list[RunResult] = []
    errors: list[DatasurfaceError] = []

    def runs() -> None:
        try:
            results.append(stream.run(**request))
        except DatasurfaceError as error:
            errors.append(error)

    runner = threading.Thread(target=runs, daemon=True)

    def wait_here(reached: CrashPoint) -> None:
        if reached is point and threading.current_thread() is runner:
            arrived.set()
            go_on.wait(timeout=30)

    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(crash_points, "_watchers", [wait_here])
        runner.start()
        try:
            assert arrived.wait(timeout=30)
            yield results
        finally:
            go_on.set()
            runner.join(timeout=30)
    assert errors == []


@contextmanager
def holding(stream: Stream, ref: LockRef) -> Iterator[None]:
    """Somebody else has a lock."""
    with stream.installation.session("admin") as other, locks.held(other, ref) as is_held:
        assert is_held
        yield


def _plant(stream: Stream, planted: str) -> None:
    """Put another checksum or number of rows into the record of batch 1."""
    value = sql.Literal('"' + "0" * 32 + '"' if planted == "checksum" else "4")
    stream.execute(
        sql.SQL("UPDATE {} SET state = jsonb_set(state, ARRAY['datasets', 'items', {}], {}::jsonb)").format(
            sql.Identifier("public", stream.plan.control.batch_metrics), sql.Literal(planted), value
        )
    )
