"""What keeps merge tables fast after a batch: VACUUM and ANALYZE where enough rows changed. Never part of a batch."""

from typing import Final

from datasurface.errors import DatasurfaceError
from datasurface.yellow.engine import database_errors
from datasurface.yellow.engine.batch import applied, merge_statements
from datasurface.yellow.engine.batch.looking import LookOutcome
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.tables import merge_tables
from datasurface.yellow.plan.streams import StreamPlan

#: Below this share of changed rows autovacuum is soon enough.
_SHARE: Final = 0.05
#: Nor is a table of fewer rows worth a statement of its own.
_LEAST_ROWS: Final = 10_000


def after_look(session: Session, stream: StreamPlan, schema: str, outcome: LookOutcome) -> tuple[str, ...]:
    """VACUUM (ANALYZE) the merge tables of which the look changed much; returns their names.

    Runs outside of a transaction. A failure is left to autovacuum: the batch is committed.
    """
    changed = [table for table in merge_tables.of_stream(stream, schema) if _is_worth_it(outcome, table.plan.dataset)]
    if not changed:
        return ()
    session.raw.autocommit = True
    try:
        for table in changed:
            with database_errors.reporting(f"vacuuming {table.plan.merge_table}"):
                applied.run(session, merge_statements.statement("vacuum", table))
    except DatasurfaceError:
        return ()
    finally:
        session.raw.autocommit = False
    return tuple(table.plan.merge_table for table in changed)


def _is_worth_it(outcome: LookOutcome, dataset: str) -> bool:
    counts = outcome.datasets.get(dataset)
    if outcome.batch_id is None or counts is None or counts.total < _LEAST_ROWS:
        return False
    return counts.changed >= _SHARE * counts.total
