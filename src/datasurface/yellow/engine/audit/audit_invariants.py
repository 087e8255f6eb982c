"""What has to hold of a stream's batches and merge tables whatever the source held: ids, intervals, keys, counts.

Everything is counted on the server, in the audit's snapshot. Nothing here trusts an index or a constraint: they are
what an audit is for.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from psycopg2 import sql

from datasurface.yellow.engine import queries, sql_types
from datasurface.yellow.engine.audit.audit_snapshots import AuditedTable, Ledger, ShapeRun
from datasurface.yellow.engine.audit.audit_verdict import AuditFinding, Check
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.difference import delta
from datasurface.yellow.plan.tables import BATCH_OUT, OPEN_BATCH

_STATEMENTS: Final = queries.load("audit.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What the counter and the batches of a stream say: `last` is the last committed batch, 0 before the first."""

    counted: int
    last: int
    committed: int
    unfinished: int
    last_unfinished: int


def numbers(session: Session, ledger: Ledger) -> Numbers:
    """Read them."""
    counted, last, committed, unfinished, last_unfinished = _row(session, ledger, "read_ledger")
    return Numbers(
        counted=counted, last=last, committed=committed, unfinished=unfinished, last_unfinished=last_unfinished
    )


def of_stream(session: Session, ledger: Ledger, found: Numbers) -> Iterator[AuditFinding]:
    """Ids without a gap, a counter that says the last one, at most one open batch and that the next, true totals."""
    if found.committed != found.last:
        (after,) = _row(session, ledger, "find_gap")
        yield _of_ids(f"batches have a gap: {after} is committed and {after - 1} is not")
    if found.counted != found.last:
        yield _of_ids(f"the counter says {found.counted}, the last committed batch is {found.last}")
    if found.unfinished > 1:
        yield _of_ids(f"{found.unfinished} batches are open, where one at most can be")
    if found.unfinished and found.last_unfinished != found.last + 1:
        yield _of_ids(f"batch {found.last_unfinished} is open, where only batch {found.last + 1} can be")
    wrong, first = _row(session, ledger, "find_wrong_totals")
    if wrong:
        yield _of_counts(f"total_records of {_batches(first, wrong)} is not the sum of the datasets' rows")


def of_counts(session: Session, ledger: Ledger, tables: Iterable[AuditedTable], after: int) -> Iterator[AuditFinding]:
    """Forensic: each batch later than `after` opened and closed as many versions as its counts say."""
    parts = [_STATEMENTS["count_versions"].format(merge=table.merge, open=_open()) for table in tables]
    if not parts:
        return
    wrong, first = _row(
        session, ledger, "find_wrong_counts", {"after": after}, versions=sql.SQL(" UNION ALL ").join(parts)
    )
    if wrong:
        yield _of_counts(f"the counts of {_batches(first, wrong)} are not those of the versions that were made")


def of_table(session: Session, table: AuditedTable, runs: Sequence[ShapeRun], last: int) -> Iterator[AuditFinding]:
    """Batch ids that exist, intervals in order and without overlap, one row of the present per key."""
    if table.is_forensic:
        backward, strange, unborn = _table_row(session, table, "check_intervals", {"last": last}, open=_open())
        yield from _if_any(backward, Check.INTERVALS, table, "versions that end before they begin")
        yield from _if_any(
            strange + unborn, Check.BATCH_IDS, table, "versions that begin or end in a batch that is not committed"
        )
    else:
        (strange,) = _table_row(session, table, "check_live_ids", {"last": last})
        yield from _if_any(strange, Check.BATCH_IDS, table, "rows of a batch that is not committed")
    yield from _of_keys(session, table, runs)


def _of_keys(session: Session, table: AuditedTable, runs: Sequence[ShapeRun]) -> Iterator[AuditFinding]:
    """Each key is judged within the batches of which it was the key: a change of key closes all that was open."""
    for first, last, key in _key_runs(runs):
        if not key or not set(key) <= table.columns.keys():
            continue
        is_present = last == runs[-1].last
        places = _places(table, key)
        if is_present:
            number, example = _table_row(session, table, "find_repeated_keys", None, **places)
            problem, told = "keys with more than one row of the present", _told(table, key, example)
            yield from _if_any(number, Check.ONE_OPEN_VERSION, table, problem, told)
        if table.is_forensic:
            upto = OPEN_BATCH if is_present else last
            places |= {"first": sql.Literal(first), "last": sql.Literal(upto)}
            number, example = _table_row(session, table, "find_overlaps", None, **places)
            problem, told = "keys with versions that overlap", _told(table, key, example)
            yield from _if_any(number, Check.INTERVALS, table, problem, told)


def _key_runs(runs: Sequence[ShapeRun]) -> list[tuple[int, int, Sequence[str]]]:
    """Batches and the key that they had: runs that follow each other with one key are one."""
    merged: list[tuple[int, int, Sequence[str]]] = []
    for run in runs:
        if merged and tuple(merged[-1][2]) == tuple(run.shape.key):
            merged[-1] = (merged[-1][0], run.last, run.shape.key)
        else:
            merged.append((run.first, run.last, run.shape.key))
    return merged


def _places(table: AuditedTable, key: Sequence[str]) -> dict[str, sql.Composable]:
    named = [sql.Identifier("m", name) for name in key]
    in_order = [
        sql.SQL('{} COLLATE "C"').format(column) if sql_types.is_collatable(table.columns[name].sql_type) else column
        for name, column in zip(key, named, strict=True)
    ]
    return {
        "key_text": sql.SQL(" || E'\\t' || ").join(sql.SQL("coalesce({}::text, '\\N')").format(each) for each in named),
        "key_columns": sql.SQL(", ").join(in_order),
        "open_rows": sql.SQL("{} = {}").format(sql.Identifier("m", BATCH_OUT), _open())
        if table.is_forensic
        else sql.SQL("true"),
    }


def _told(table: AuditedTable, key: Sequence[str], example: str | None) -> str:
    """One of the keys, as far as it may be told: nothing of a former key."""
    if example is None or table.plan is None or tuple(table.plan.key) != tuple(key):
        return ""
    return f" (one of them: {delta.described_key(table.plan, example.encode())})"


def _row(
    session: Session,
    ledger: Ledger,
    statement: str,
    parameters: dict[str, Any] | None = None,
    **places: sql.Composable,
) -> tuple[Any, ...]:
    query = _STATEMENTS[statement].format(metrics=ledger.metrics, counter=ledger.counter, **places)
    return _fetched(session, query, {"key": ledger.key, **(parameters or {})})


def _table_row(
    session: Session,
    table: AuditedTable,
    statement: str,
    parameters: dict[str, Any] | None,
    **places: sql.Composable,
) -> tuple[Any, ...]:
    return _fetched(session, _STATEMENTS[statement].format(merge=table.merge, **places), parameters)


def _fetched(session: Session, query: sql.Composable, parameters: dict[str, Any] | None) -> tuple[Any, ...]:
    with session.raw.cursor() as cursor:
        cursor.execute(query, parameters)
        row: tuple[Any, ...] = cursor.fetchone() or ()
    return row


def _open() -> sql.Composable:
    return sql.Literal(OPEN_BATCH)


def _of_ids(message: str) -> AuditFinding:
    return AuditFinding(check=Check.BATCH_IDS, dataset=None, message=message)


def _of_counts(message: str) -> AuditFinding:
    return AuditFinding(check=Check.COUNTS, dataset=None, message=message)


def _batches(first: int, number: int) -> str:
    return f"batch {first}" if number == 1 else f"batch {first} and {number - 1} more"


def _if_any(number: int, check: Check, table: AuditedTable, problem: str, told: str = "") -> Iterator[AuditFinding]:
    if number:
        yield AuditFinding(check=check, dataset=table.dataset, message=f"{problem}: {number}{told}")
