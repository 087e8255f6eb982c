"""A job killed at any named moment leaves a state from which the next run goes on, with nothing lost or doubled."""

import pytest

from datasurface.yellow.engine.batch.crash_points import CrashPoint
from tests.db.killed_job import killed_job
from tests.db.streams import column, plan, table

ITEMS = table("items", column("id", is_key=True), column("name"))
LINES = table("lines", column("name"), column("amount", "integer"))
SOURCE = (
    "CREATE TABLE items (id text PRIMARY KEY, name text)",
    "CREATE TABLE lines (name text, amount integer)",
    "INSERT INTO items SELECT i::text, 'name ' || i FROM generate_series(1, 200) AS i",
    "INSERT INTO lines SELECT 'line', i / 2 FROM generate_series(1, 200) AS i",
)
CHANGES = (
    "UPDATE items SET name = 'other' WHERE id::integer % 10 = 0",
    "DELETE FROM items WHERE id::integer % 25 = 1",
    "INSERT INTO items SELECT 'new ' || i, NULL FROM generate_series(1, 7) AS i",
    "DELETE FROM lines WHERE amount = 17",
    "INSERT INTO lines VALUES ('line', 40), ('line', 40)",
)
#: Counts of CHANGES: keys of items and rows of lines that came, changed and left.
CHANGED = (7 + 2, 20, 8 + 2)
#: Moments that a first batch alone goes through, and those of a later one alone; a later one stages `lines`.
FIRST_ONLY = (CrashPoint.WHILE_COPYING, CrashPoint.AFTER_FIRST_LOAD)
LATER_ONLY = (CrashPoint.BEFORE_STAGED, CrashPoint.AFTER_STAGED, CrashPoint.BETWEEN_DATASETS)


@pytest.fixture
def stream(deployed, strategy):
    """A stream of a dataset with a key and one without."""
    return deployed(plan(strategy, ITEMS, LINES), *SOURCE)


def source_rows(stream, dataset: str) -> list[tuple[object, ...]]:
    with stream.installation.session("admin", "source") as session, session.raw.cursor() as cursor:
        cursor.execute({"items": "SELECT id, name FROM public.items", "lines": "SELECT * FROM public.lines"}[dataset])
        return sorted(cursor.fetchall(), key=repr)


def assert_equals_source(stream) -> None:
    for dataset in ("items", "lines"):
        assert stream.rows(dataset) == source_rows(stream, dataset)


def committed(stream) -> list[tuple[int, str, int, int, int, str]]:
    """All batches: id, status, counts and the run that made them."""
    rows = stream.query(
        "SELECT batch_id, batch_status, records_inserted AS i, records_updated AS u, records_deleted AS d, run_id "
        "FROM {} ORDER BY batch_id",
        stream.plan.control.batch_metrics,
    )
    return [tuple(row.values()) for row in rows]


@pytest.mark.row("I05", kind="refusal")
@pytest.mark.row("I14", kind="refusal")
@pytest.mark.parametrize("point", [p for p in CrashPoint if p not in LATER_ONLY], ids=lambda p: p.name.lower())
def test_killed_first_batch_is_made_once_by_the_same_run(stream, point):
    """After a kill at any moment of the first batch the same run makes batch 1 exactly once."""
    killed_job(stream, point, run_id="run 1")

    result = stream.run(run_id="run 1")

    assert (result.outcome, result.batch_id, result.inserted) == ("committed", 1, 400)
    assert committed(stream) == [(1, "committed", 400, 0, 0, "run 1")]
    assert_equals_source(stream)
    assert stream.run(run_id="run 2").outcome == "unchanged"


@pytest.mark.row("I02", kind="refusal")
@pytest.mark.row("I03", kind="refusal")
@pytest.mark.parametrize("point", [p for p in CrashPoint if p not in FIRST_ONLY], ids=lambda p: p.name.lower())
def test_killed_later_batch_is_made_once_by_another_run(stream, point):
    """After a kill at any moment of a later batch the next run, another one, goes on: one batch, true counts."""
    stream.run(run_id="run 0")
    stream.source(*CHANGES)
    killed_job(stream, point, run_id="run 1")

    stream.run(run_id="run 2")

    made_by = "run 1" if point in (CrashPoint.AFTER_COMMIT, CrashPoint.BEFORE_EXIT) else "run 2"
    assert committed(stream)[1:] == [(2, "committed", *CHANGED, made_by)]
    assert_equals_source(stream)
    assert stream.run(run_id="run 3").outcome == "unchanged"


@pytest.mark.parametrize("point", LATER_ONLY, ids=lambda p: p.name.lower())
def test_killed_batch_of_the_staging_path_is_made_once(stream, point):
    """The staging path, forced for all datasets, survives the same kills."""
    stream.run(run_id="run 0")
    stream.source(*CHANGES)
    killed_job(stream, point, run_id="run 1", difference_bytes=0)

    stream.run(run_id="run 1")

    assert committed(stream)[1:] == [(2, "committed", *CHANGED, "run 1")]
    assert_equals_source(stream)


def test_source_that_changed_back_after_a_kill_leaves_no_unfinished_batch(stream):
    """A batch that began and is no longer needed is taken back; its id is used by the next one."""
    stream.run(run_id="run 0")
    stream.source("UPDATE items SET name = 'other' WHERE id = '1'")
    killed_job(stream, CrashPoint.AFTER_INGESTED, run_id="run 1")
    stream.source("UPDATE items SET name = 'name 1' WHERE id = '1'")

    assert stream.run(run_id="run 2").outcome == "unchanged"
    assert [row[0] for row in committed(stream)] == [1]
