"""Another plan for a stream that runs, its tables brought there as applying a model does it; and what came of it."""

from collections.abc import Sequence
from typing import Any

from datasurface.yellow.engine import columns, ddl
from datasurface.yellow.engine.tables import merge_tables, table_differences, table_metadata, table_sync
from datasurface.yellow.engine.tables.merge_tables import MergeTables
from datasurface.yellow.engine.tables.table_differences import TableDifference
from datasurface.yellow.engine.tables.table_sync import Alteration, TableRef
from datasurface.yellow.plan.changes import StreamRef
from datasurface.yellow.plan.streams import StreamPlan
from datasurface.yellow.plan.tables import BATCH_ID, BATCH_IN, BATCH_OUT, OPEN_BATCH
from tests.db.streams import SCHEMA, Stream, _hand_over


def evolve(stream: Stream, plan: StreamPlan) -> None:
    """Make missing tables, add and widen columns, store the plan; the job goes on owning all of it."""
    with stream.installation.session("admin") as session:
        for tables in merge_tables.of_stream(plan, SCHEMA):
            for is_merge in (True, False):
                metadata = table_metadata.of_merge(tables) if is_merge else table_metadata.of_staging(tables)
                facts = columns.read(session, SCHEMA, [metadata.name]).get(metadata.name)
                if facts is None:
                    ddl.create(session, metadata)
                    continue
                find = table_differences.of_merge if is_merge else table_differences.of_staging
                difference = find(tables, facts)
                assert not difference.unsafe
                if not difference.is_empty:
                    table_sync.alter(session, SCHEMA, _alteration(stream, tables, difference, is_merge=is_merge))
        _hand_over(session, plan, stream.installation.roles.job)
        session.commit()
    stream.redeploy(plan)


def _alteration(stream: Stream, tables: MergeTables, difference: TableDifference, *, is_merge: bool) -> Alteration:
    ref = TableRef(
        name=tables.plan.merge_table if is_merge else tables.plan.staging_table,
        is_merge=is_merge,
        owner=stream.installation.roles.job,
        platform_name=stream.plan.platform_name,
        stream=StreamRef(platform=stream.plan.platform, stream_key=stream.plan.stream_key),
        store=stream.plan.store,
        dataset=tables.plan.dataset,
    )
    return Alteration(ref=ref, difference=difference)


def since(stream: Stream, dataset: str = "items") -> dict[Any, int]:
    """The batch that made each row of the present, by the row's id."""
    rows = stream.query("SELECT * FROM {}", stream.tables(dataset).plan.merge_table)
    name = BATCH_IN if stream.is_forensic else BATCH_ID
    return {row["id"]: row[name] for row in rows if row.get(BATCH_OUT, OPEN_BATCH) == OPEN_BATCH}


def indexed(stream: Stream, dataset: str = "items") -> list[Sequence[str]]:
    """The columns of each unique index of a merge table."""
    rows = stream.query(
        "SELECT array_agg(a.attname::text ORDER BY k.n) AS columns FROM pg_index AS i,"
        " unnest(i.indkey) WITH ORDINALITY AS k (attnum, n), pg_attribute AS a"
        " WHERE i.indrelid = %s::regclass AND i.indisunique AND a.attrelid = i.indrelid AND a.attnum = k.attnum"
        " GROUP BY i.indexrelid",
        parameters=[f"{SCHEMA}.{stream.tables(dataset).plan.merge_table}"],
    )
    return [row["columns"] for row in rows]


def counts(stream: Stream, **run: Any) -> tuple[int | None, int, int, int, int]:
    """Run the stream: its batch, inserted, updated, deleted and total rows."""
    result = stream.run(**run)
    return (result.batch_id, result.inserted, result.updated, result.deleted, result.total)
