"""The proof: the audit of every stream, and every current view against the source both ways."""

from typing import Final

from psycopg2 import sql

from datasurface.demo import rounds, statements
from datasurface.demo.records import Audited, ViewCompared, ViewsCompared
from datasurface.demo.stage import SCHEMA, Stage
from datasurface.errors import StateError
from datasurface.yellow.engine import copy
from datasurface.yellow.engine.audit import audit, audit_verdict
from datasurface.yellow.engine.audit.audit import AuditRequest
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.links import Links
from datasurface.yellow.plan.views import ViewKind, ViewPlan

_QUERIES: Final = statements.load("tour.sql")


def audit_streams(stage: Stage) -> Audited:
    """Compare every row with the source once more, then recompute rows and checksums from the merge tables alone.

    Raises StateError if the audit of a stream has findings.
    """
    rounds.compare_in_full(stage)
    audits = tuple(audit.audit(Links(stage.connections, application_name="datasurface demo"), AuditRequest()))
    findings = [f"{each.platform}/{each.stream_key} {finding}" for each in audits for finding in each.findings]
    if findings:
        raise StateError(f"the audit does not hold: {'; '.join(findings)}")
    return Audited(sentence=audit_verdict.summary(audits))


def compare_views(stage: Stage) -> ViewsCompared:
    """Compare each current view with its source table. Raises StateError if a row is on one side alone."""
    views = [view for view in stage.plan.views if view.kind is ViewKind.CURRENT]
    compared = []
    with stage.source_session() as source, stage.merge_session() as merge, merge.raw.cursor() as cursor:
        cursor.execute(_QUERIES["widen_memory"])
        for number, view in enumerate(views, start=1):
            compared.append(_compare(source, merge, view, _source_table(stage, view)))
            stage.progress(number, len(views))
    differing = [each.view for each in compared if not each.is_equal]
    if differing:
        raise StateError(f"these views are not what the source is: {', '.join(differing)}")
    return ViewsCompared(views=compared)


def _source_table(stage: Stage, view: ViewPlan) -> str:
    tables = (table for stream in stage.plan.streams for table in stream.tables)
    return next(table.source_table for table in tables if table.merge_table == view.merge_table)


def _compare(source: Session, merge: Session, view: ViewPlan, source_table: str) -> ViewCompared:
    """Copy the source's rows beside the view; its lock and the copy last until the transactions end."""
    columns = [column.name for column in view.columns]
    places = {
        "view": sql.Identifier(SCHEMA, view.name),
        "table": sql.Identifier(SCHEMA, source_table),
        "columns": sql.SQL(", ").join(map(sql.Identifier, columns)),
    }
    with source.raw.cursor() as cursor:
        cursor.execute(_QUERIES["hold_still"].format(**places))
    with merge.raw.cursor() as cursor:
        cursor.execute(_QUERIES["make_room"].format(**places))
        with copy.RowsOut(source.raw, copy.copy_out(_QUERIES["rows_of_table"].format(**places))) as blocks:
            copy.rows_in(merge.raw, copy.copy_in(sql.Identifier("source_rows"), columns), blocks)
        cursor.execute(_QUERIES["compare"].format(**places))
        rows, only_in_view, only_in_source = cursor.fetchone() or (0, 0, 0)
        cursor.execute(_QUERIES["drop_room"])
    return ViewCompared(view=view.name, rows=rows, only_in_view=only_in_view, only_in_source=only_in_source)
