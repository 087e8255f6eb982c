"""The result of a run: what it says, and that it fits where Kubernetes keeps it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasurface.errors import DatasurfaceError, ExitStatus, ModelError, StateError, TransientError
from datasurface.yellow.engine.batch import run_result
from datasurface.yellow.engine.batch.run_result import MAX_BYTES, Outcome, RunResult
from datasurface.yellow.engine.difference.delta import Counts

COUNTS = Counts(inserted=4, updated=3, deleted=1, total=198)


@pytest.mark.row("I13")
def test_result_has_the_fields_that_airflow_acts_on():
    """Names and values are part of the contract; counts are of keys, total of rows."""
    document = run_result.of_looks("run-1", COUNTS, 7, keeps_working=True).document()

    assert document == {
        "v": 1,
        "rc": 1,
        "family": None,
        "outcome": "committed",
        "run_id": "run-1",
        "batch_id": 7,
        "inserted": 4,
        "updated": 3,
        "deleted": 1,
        "total": 198,
        "message": "",
    }


@pytest.mark.row("I13", kind="refusal")
def test_run_without_a_batch_is_unchanged():
    """A run in which no dataset was processed is a result like any other, with counts of 0."""
    result = run_result.of_looks(None, Counts(), None, keeps_working=False)

    assert (result.rc, result.outcome, result.batch_id, result.inserted) == (0, Outcome.UNCHANGED, None, 0)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ModelError("m"), ExitStatus.FINDINGS),
        (StateError("s"), ExitStatus.STATE),
        (TransientError("t"), ExitStatus.TRANSIENT),
        (DatasurfaceError("nobody foresaw it"), ExitStatus.UNHANDLED),
    ],
    ids=["model", "state", "transient", "unforeseen"],
)
def test_failure_has_the_exit_status_of_its_family(error, status):
    """A failed run has -1 and a family, from which the exit status follows."""
    result = run_result.failed("run-1", error)

    assert (result.rc, result.outcome, result.family) == (-1, Outcome.FAILED, error.family)
    assert result.exit_status == status
    assert error.exit_status == status


@pytest.mark.parametrize(
    "result",
    [
        run_result.busy("run-1", "another run is at work"),
        run_result.of_looks(None, COUNTS, 7, keeps_working=True),
        run_result.of_looks(None, COUNTS, None, keeps_working=False),
    ],
    ids=["busy", "keep working", "unchanged"],
)
def test_anything_but_a_failure_exits_with_0(result):
    """Keep working and busy are no errors."""
    assert result.exit_status == ExitStatus.DONE


def test_recorded_result_reads_back():
    """What the counter keeps is the whole result."""
    result = run_result.of_looks("run-1", COUNTS, 7, keeps_working=False)

    assert RunResult.model_validate(json.loads(json.dumps(result.document()))) == result


@given(message=st.text(st.characters(exclude_categories=["Cs"]), max_size=9_000))
def test_text_fits_into_a_termination_message(message):
    """At most MAX_BYTES bytes of UTF-8, one line, always JSON of the same result."""
    result = RunResult(rc=-1, outcome=Outcome.FAILED, message=message)

    text = result.text()

    assert len(text.encode()) <= MAX_BYTES
    assert "\n" not in text
    read = RunResult.model_validate_json(text)
    assert read.model_copy(update={"message": ""}) == result.model_copy(update={"message": ""})
    assert message.startswith(read.message.removesuffix("…"))


@pytest.mark.parametrize(
    "letter", ["x", "é", "漢", "😀", '"', "\n", "\x01"], ids=["1", "2", "3", "4", "quote", "line", "control"]
)
@pytest.mark.parametrize("length", [3_000, 3_500, 20_000])
def test_long_message_is_cut_and_most_of_it_kept(letter, length):
    """Letters of several bytes, and such as JSON writes longer, are counted by what they take."""
    text = RunResult(rc=-1, outcome=Outcome.FAILED, message=letter * length).text()

    assert len(text.encode()) <= MAX_BYTES
    kept = json.loads(text)["message"]
    assert len(json.dumps(kept, ensure_ascii=False).encode()) > MAX_BYTES - 1_000 or kept == letter * length


def test_message_that_fits_is_not_touched():
    """Nothing is cut that need not be."""
    result = RunResult(rc=-1, outcome=Outcome.FAILED, message="a short one")

    assert json.loads(result.text())["message"] == "a short one"
