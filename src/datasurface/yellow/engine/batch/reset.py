"""Reset: an operator lets go of what an unfinished batch left behind, so that the next run begins it again.

The batch keeps its id. A committed batch is never reset. The messages are part of the contract: tools read them.
"""

from collections.abc import Sequence
from typing import Final

from datasurface.errors import DatasurfaceError, ModelError, StateError, TransientError
from datasurface.model.datastores import Consistency
from datasurface.yellow.engine import columns, database_errors, locks
from datasurface.yellow.engine.batch import batch_state, staging
from datasurface.yellow.engine.batch.batches import Batch, BatchTables, StreamHistory
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.control import plan_store
from datasurface.yellow.engine.links import Links
from datasurface.yellow.engine.tables import merge_tables
from datasurface.yellow.engine.tables.merge_tables import MergeTables
from datasurface.yellow.plan import names
from datasurface.yellow.plan.streams import StreamPlan
from datasurface.yellow.plan.tables import TablePlan

SUCCESS: Final = "SUCCESS"


class UnknownStream(ModelError):
    """The names given are those of no stream; nothing was touched."""


class ResetRefused(StateError):
    """The stream has no batch that could be reset; nothing was touched."""


def reset_batch_state(links: Links, platform: str, store: str, dataset: str | None = None) -> str:
    """Reset the unfinished batch of a stream, in one transaction under the stream's lock; returns SUCCESS.

    Its staging rows go, its state is initial with the schema of the present plan, its status is started. `platform` is
    either of its names; `dataset` is given where datasets are captured one by one. Raises UnknownStream or
    ResetRefused, whose message begins with `ERROR: `, and TransientError while the stream is at work.
    """
    with links.merge() as session, database_errors.reporting(f"resetting {platform}/{store}"):
        locks.refuse_pooler(session)
        stream = _stream(session, links.schema, platform, store, dataset)
        session.rollback()
        if stream.job_credential is None:
            return _reset(session, links.schema, stream)
        with links.merge(stream.job_credential) as own_session:
            return _reset(own_session, links.schema, stream)


def answer(error: DatasurfaceError) -> str:
    """What a reset that raised `error` answers: always `ERROR: …`."""
    return error.message if error.message.startswith("ERROR: ") else f"ERROR: {error.message}"


def _stream(session: Session, schema: str, platform: str, store: str, dataset: str | None) -> StreamPlan:
    stream = plan_store.find(session, schema, platform, store, dataset)
    if stream is not None:
        return stream
    streams = plan_store.of_store(session, schema, platform, store)
    if not streams:
        raise UnknownStream(
            "ERROR: Could not find datastore in ecosystem", fix="`datasurface status` lists platforms and stores"
        )
    if streams[0].consistency is Consistency.MULTI_DATASET:
        raise UnknownStream(
            f"ERROR: Datastore {store} is MULTI_DATASET and its batch has no single dataset", fix="Leave --dataset out"
        )
    known = ", ".join(sorted(each.dataset or "" for each in streams))
    if dataset is None:
        raise UnknownStream(
            f"ERROR: Datastore {store} is SINGLE_DATASET and a dataset is needed", fix=f"Give --dataset: one of {known}"
        )
    raise UnknownStream("ERROR: Could not find dataset in datastore", fix=f"Give --dataset: one of {known}")


def _reset(session: Session, schema: str, stream: StreamPlan) -> str:
    with locks.held(session, locks.look_lock(stream.platform_name, stream.stream_key)) as is_ours:
        if not is_ours:
            raise TransientError(f"{stream.platform}/{stream.stream_key} is at work", fix="Try again when it is done")
        tables = BatchTables(stream.control, schema, stream.stream_key)
        batch = _resettable(tables.history(session))
        for staged in _staging_tables(session, schema, stream, batch):
            staging.delete_staged(session, staged, batch.ref.batch_id)
        tables.start(session, batch.ref, batch_state.initial_state(stream), None)
        session.commit()
    return SUCCESS


def _resettable(history: StreamHistory) -> Batch:
    if history.unfinished is not None:
        return history.unfinished
    if history.committed is not None:
        raise ResetRefused(
            "ERROR: Batch is COMMITTED and cannot be reset", fix="Nothing is needed: the next run makes the next batch"
        )
    raise ResetRefused(
        "ERROR: The stream has no batch that could be reset", fix="Nothing is needed: the next run makes batch 1"
    )


def _staging_tables(session: Session, schema: str, stream: StreamPlan, batch: Batch) -> Sequence[MergeTables]:
    """The staging tables of the plan, and those of datasets that the batch began with and the plan has no more."""
    planned = {table.dataset: table for table in stream.tables}
    left = [_former(stream, dataset) for dataset in batch.state.columns if dataset not in planned]
    tables = [*planned.values(), *left]
    existing = columns.read(session, schema, [table.staging_table for table in tables])
    return [
        merge_tables.of_table(table, stream.strategy, schema, store_hashes=stream.store_hashes)
        for table in tables
        if table.staging_table in existing
    ]


def _former(stream: StreamPlan, dataset: str) -> TablePlan:
    return TablePlan(
        dataset=dataset,
        source_table=dataset,
        merge_table=names.merge_table(stream.platform, stream.store, dataset),
        staging_table=names.staging_table(stream.platform, stream.store, dataset),
        columns=(),
    )
