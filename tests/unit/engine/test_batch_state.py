"""What is stored of a batch: its JSON form gives the state back; a committed batch goes nowhere."""

from __future__ import annotations

import json

import pytest

from datasurface.errors import Family
from datasurface.model import codec
from datasurface.yellow.engine.batch import batch_state
from datasurface.yellow.engine.batch.batch_state import (
    MOVES,
    BatchState,
    BatchStatus,
    ColumnState,
    DatasetState,
    Failure,
)
from datasurface.yellow.engine.difference import checksums
from datasurface.yellow.plan.tables import ColumnPlan, TablePlan

TABLE = TablePlan(
    dataset="items",
    source_table="items",
    merge_table="m",
    staging_table="s",
    columns=(ColumnPlan(name="v", sql_type="text"), ColumnPlan(name="k", sql_type="integer", is_key=True)),
)
FULL = BatchState(
    schema_hash="ab" * 32,
    columns={"items": batch_state.column_states(TABLE)},
    done=("items",),
    staged=("items",),
    datasets={"items": batch_state.dataset_state(TABLE, rows=3, checksum=checksums.MODULUS - 1)},
    failure=Failure(family=Family.MODEL, message="items.v: 1 value is null — »nein«"),
    compared_in_full_at="2026-11-21T11:00:00+00:00",
)


@pytest.mark.row("I13")
@pytest.mark.parametrize(
    "state",
    [FULL, BatchState(schema_hash=""), BatchState(schema_hash="x", failure=Failure(family=None, message=""))],
    ids=["full", "initial", "unforeseen failure"],
)
def test_state_comes_back_from_its_json(state):
    """Nothing is lost between the table's column and the record."""
    assert batch_state.from_document(json.loads(json.dumps(batch_state.to_document(state)))) == state


@pytest.mark.row("I13", kind="refusal")
@pytest.mark.parametrize(
    "document",
    [None, [], "x", {"schema_hash": 7}, {"done": ["a"]}, {"schema_hash": "", "datasets": {"a": 1}}],
    ids=["null", "list", "text", "wrong type", "no schema hash", "wrong dataset"],
)
def test_document_that_is_no_state_is_refused(document):
    """What somebody else wrote there is not taken for a state."""
    with pytest.raises(codec.InvalidDocument):
        batch_state.from_document(document)


def test_columns_are_stored_in_the_order_of_the_lines():
    """A checksum is of lines of these columns in this order: the key first."""
    assert batch_state.column_states(TABLE) == (
        ColumnState(name="k", sql_type="integer"),
        ColumnState(name="v", sql_type="text"),
    )


def test_dataset_state_holds_the_checksum_as_text():
    """JSON has no numbers of 128 bits."""
    state = batch_state.dataset_state(TABLE, rows=3, checksum=255)

    assert isinstance(state, DatasetState)
    assert (state.checksum, state.checksum_value) == (f"{255:032x}", 255)
    assert (state.algorithm, state.key) == ("sum-xxh3-128", ("k",))


@pytest.mark.row("I12", kind="refusal")
def test_committed_batch_goes_nowhere():
    """Nothing starts, stages, fails or commits it again."""
    assert MOVES[BatchStatus.COMMITTED] == frozenset()
    assert not any(BatchStatus.COMMITTED.value in batch_state.sources(to) for to in BatchStatus)


@pytest.mark.row("I12")
def test_batch_commits_only_from_ingested():
    """Every difference is known before anything is applied."""
    assert batch_state.sources(BatchStatus.COMMITTED) == ["ingested"]


def test_every_status_says_where_it_leads():
    """A status without an entry would be a dead end by accident."""
    assert set(MOVES) == set(BatchStatus)
