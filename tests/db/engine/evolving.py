"""Another plan for a stream that runs: its tables get what the plan needs, as applying a model would do it."""

from datasurface.yellow.engine import columns
from datasurface.yellow.engine.tables import merge_tables, table_differences, table_sync
from datasurface.yellow.engine.tables.merge_tables import MergeTables
from datasurface.yellow.engine.tables.table_differences import TableDifference
from datasurface.yellow.engine.tables.table_sync import Alteration, TableRef
from datasurface.yellow.plan.changes import StreamRef
from datasurface.yellow.plan.streams import StreamPlan
from tests.db.streams import SCHEMA, Stream, _hand_over


def evolve(stream: Stream, plan: StreamPlan) -> None:
    """Make missing tables, add and widen columns, store the plan; the job goes on owning all of it."""
    with stream.installation.session("admin") as session:
        for tables in merge_tables.of_stream(plan, SCHEMA):
            for is_merge in (True, False):
                metadata = tables.merge_metadata() if is_merge else tables.staging_metadata()
                facts = columns.read(session, SCHEMA, [metadata.name]).get(metadata.name)
                if facts is None:
                    metadata.create(session.sa)
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
