"""Reset of a batch: what it lets go of, what it refuses, and that the next run commits the same batch."""

import json

import pytest
from click.testing import CliRunner
from psycopg2 import sql

from datasurface.cli.main import cli
from datasurface.dsl import MilestoneStrategy
from datasurface.errors import StateError, TransientError
from datasurface.yellow.engine import locks
from datasurface.yellow.engine.batch import batch_state, reset, staging
from datasurface.yellow.engine.batch.crash_points import CrashPoint
from datasurface.yellow.engine.batch.reset import ResetRefused, UnknownStream
from datasurface.yellow.engine.tables import merge_tables
from tests.db.killed_job import killed_job
from tests.db.streams import SCHEMA, column, plan, table

LINES = table("lines", column("name"), column("amount", "integer"))
WIDER_LINES = table("lines", column("name"), column("amount", "integer"), column("note"))
MAKE_LINES = "CREATE TABLE lines (name text, amount integer, note text)"
SEED = "INSERT INTO lines VALUES ('a', 1), ('a', 1), ('b', 2)"


@pytest.fixture
def strategy() -> MilestoneStrategy:
    """A reset does not depend on how rows are kept."""
    return MilestoneStrategy.BATCH_MILESTONED


@pytest.fixture
def stream(deployed, strategy):
    """A stream that stages its later batches, because its dataset has no key."""
    stream = deployed(plan(strategy, LINES), MAKE_LINES, SEED)
    stream.run()
    return stream


@pytest.fixture
def interrupted(stream):
    """The same stream, its second batch ingested and not committed."""
    stream.source("INSERT INTO lines VALUES ('c', 3)")
    killed_job(stream, CrashPoint.AFTER_INGESTED)
    assert stream.batch(2)["batch_status"] == "ingested"
    return stream


def staged_rows(stream, batch_id: int) -> int:
    """How many rows of a batch lie in staging."""
    with stream.installation.session("admin") as session:
        return staging.staged_rows(session, merge_tables.of_stream(stream.plan, SCHEMA)[0], batch_id)


def reset_stream(stream, **names) -> str:
    asked = {"platform": stream.plan.platform, "store": stream.plan.store, "dataset": stream.plan.dataset} | names
    return reset.reset_batch_state(stream.links, **asked)


def answer_of(stream, *arguments: str) -> tuple[int, str]:
    """Exit status and stdout of the command."""
    environment = {"DATASURFACE_CONNECTIONS": str(stream.installation.connections_path)}
    ended = CliRunner().invoke(cli, ["reset-batch-state", *arguments], env=environment)
    return ended.exit_code, ended.stdout


@pytest.mark.row("R01", "R05", "R07")
def test_ingested_batch_is_reset_to_its_beginning(interrupted):
    """Staging rows of the batch go, its state is initial with the present schema, its status started."""
    assert staged_rows(interrupted, 2) == 4

    assert reset_stream(interrupted) == "SUCCESS"

    assert staged_rows(interrupted, 2) == 0
    batch = interrupted.batch(2)
    assert batch["batch_status"] == "started"
    assert batch_state.from_document(batch["state"]) == batch_state.initial_state(interrupted.plan)


@pytest.mark.row("R05")
@pytest.mark.row("I12")
def test_after_a_reset_the_next_run_commits_the_same_batch(interrupted):
    """Nothing is skipped: the id of the batch that was reset is the one that commits."""
    reset_stream(interrupted)

    result = interrupted.run()

    assert (result.outcome, result.batch_id, result.inserted) == ("committed", 2, 1)
    assert interrupted.rows() == [("a", 1), ("a", 1), ("b", 2), ("c", 3)]
    assert interrupted.batch(2)["batch_status"] == "committed"


@pytest.mark.row("I12", kind="refusal")
@pytest.mark.row("R05", kind="refusal")
def test_staged_batch_of_another_schema_waits_for_its_reset(interrupted):
    """The run fails, names columns and command, and goes on once the operator has reset the batch."""
    interrupted.execute(sql.SQL("ALTER TABLE {} ADD COLUMN note text").format(interrupted.tables().merge))
    interrupted.execute(sql.SQL("ALTER TABLE {} ADD COLUMN note text").format(interrupted.tables().staging))
    interrupted.redeploy(plan(interrupted.plan.strategy, WIDER_LINES))
    command = f"datasurface reset-batch-state --platform {interrupted.plan.platform} --store Store1"
    with pytest.raises(StateError, match=f"lines.note.*{command}"):
        interrupted.run()
    assert interrupted.batch(2)["batch_status"] == "failed"

    assert reset_stream(interrupted) == "SUCCESS"

    assert interrupted.run().batch_id == 2
    assert ("c", 3, None) in interrupted.rows()


@pytest.mark.row("R05", kind="refusal")
def test_staging_of_a_dataset_that_left_the_plan_is_emptied_as_well(deployed, strategy):
    """What the batch began with counts, not only what the plan has now."""
    both = plan(strategy, LINES, table("others", column("name")))
    stream = deployed(both, MAKE_LINES, SEED, "CREATE TABLE others (name text)", "INSERT INTO others VALUES ('x')")
    stream.run()
    stream.source("INSERT INTO others VALUES ('y')")
    killed_job(stream, CrashPoint.AFTER_INGESTED)
    others = both.tables[1].staging_table
    assert len(stream.query("SELECT * FROM {}", others)) == 2
    stream.redeploy(plan(strategy, LINES))

    assert reset_stream(stream) == "SUCCESS"

    assert stream.query("SELECT * FROM {}", others) == []


@pytest.mark.row("R02")
@pytest.mark.row("R07", kind="refusal")
def test_committed_batch_is_refused_and_stays_committed(stream):
    """The exact message, and a batch that is as it was."""
    before = stream.batch(1)

    with pytest.raises(ResetRefused) as refused:
        reset_stream(stream)

    assert refused.value.message == "ERROR: Batch is COMMITTED and cannot be reset"
    assert stream.batch(1) == before


@pytest.mark.row("R03")
@pytest.mark.row("R07", kind="refusal")
@pytest.mark.parametrize("names", [{"store": "Nowhere"}, {"platform": "Nowhere"}], ids=["store", "platform"])
def test_unknown_store_is_refused(stream, names):
    """A store that no stream of the platform reads cannot be found."""
    with pytest.raises(UnknownStream) as unknown:
        reset_stream(stream, **names)

    assert unknown.value.message == "ERROR: Could not find datastore in ecosystem"


@pytest.mark.row("R04", kind="refusal")
def test_dataset_of_a_store_that_is_read_at_once_is_refused(stream):
    """A MULTI_DATASET batch is of all datasets."""
    with pytest.raises(UnknownStream, match="ERROR: Datastore Store1 is MULTI_DATASET"):
        reset_stream(stream, dataset="lines")


@pytest.mark.row("R04", kind="refusal")
@pytest.mark.parametrize(
    ("dataset", "message"),
    [(None, "ERROR: Datastore Store1 is SINGLE_DATASET"), ("others", "ERROR: Could not find dataset in datastore")],
    ids=["missing", "unknown"],
)
def test_missing_or_unknown_dataset_is_refused(deployed, dataset, message):
    """A SINGLE_DATASET store has a stream per dataset; the way out lists them."""
    stream = deployed(plan(MilestoneStrategy.LIVE_ONLY, LINES, dataset="lines"), MAKE_LINES)

    with pytest.raises(UnknownStream, match=message) as unknown:
        reset_stream(stream, dataset=dataset)
    assert "lines" in unknown.value.fix


@pytest.mark.row("R04")
def test_single_dataset_is_reset_under_its_own_key(deployed):
    """The key is `store#dataset`, and the command names both."""
    stream = deployed(plan(MilestoneStrategy.LIVE_ONLY, LINES, dataset="lines"), MAKE_LINES, SEED)
    killed_job(stream, CrashPoint.AFTER_STARTED)
    assert stream.plan.stream_key == "Store1#lines"

    assert reset_stream(stream) == "SUCCESS"
    assert stream.run().batch_id == 1


@pytest.mark.row("R02", kind="refusal")
def test_stream_without_a_batch_has_nothing_to_reset(deployed, strategy):
    """Before batch 1 there is nothing to let go of, and nothing is written."""
    stream = deployed(plan(strategy, LINES), MAKE_LINES)

    with pytest.raises(ResetRefused, match="ERROR: The stream has no batch that could be reset"):
        reset_stream(stream)
    assert stream.batch(1) is None


@pytest.mark.row("R01", kind="refusal")
def test_reset_under_a_running_job_is_transient_and_touches_nothing(interrupted):
    """Whoever holds the stream's lock goes on undisturbed."""
    job = interrupted.installation.session("job")
    lock = locks.look_lock(interrupted.plan.platform_name, interrupted.plan.stream_key)

    with locks.held(job, lock), pytest.raises(TransientError, match="is at work"):
        reset_stream(interrupted)

    assert (interrupted.batch(2)["batch_status"], staged_rows(interrupted, 2)) == ("ingested", 4)


@pytest.mark.row("R06")
def test_command_answers_and_exits_by_what_happened(interrupted):
    """SUCCESS and 0; either name of the platform will do."""
    arguments = ("--platform", interrupted.plan.platform_name, "--store", "Store1")

    assert answer_of(interrupted, *arguments) == (0, "SUCCESS\n")


@pytest.mark.row("R03", "R06", kind="refusal")
def test_command_tells_errors_from_success_by_its_status(stream):
    """A committed batch is a state error, an unknown store a model error, a busy stream transient."""
    platform = ("--platform", stream.plan.platform)

    assert answer_of(stream, *platform, "--store", "Store1") == (3, "ERROR: Batch is COMMITTED and cannot be reset\n")
    status, answer = answer_of(stream, *platform, "--store", "Nowhere", "--json")
    assert (status, json.loads(answer)["answer"]) == (1, "ERROR: Could not find datastore in ecosystem")
    job = stream.installation.session("job")
    with locks.held(job, locks.look_lock(stream.plan.platform_name, stream.plan.stream_key)):
        status, answer = answer_of(stream, *platform, "--store", "Store1")
    assert status == 75
    assert answer.startswith(f"ERROR: {stream.plan.platform}/Store1 is at work")
