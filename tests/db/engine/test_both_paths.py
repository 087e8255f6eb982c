"""Streaming and staging find the same difference and leave the same merge table, whatever the rows look like.

All tables of `changing_tables` are one stream, which a test brings from snapshot to snapshot on one path. After each
batch it asks everything at once, of every table; what is wrong comes as a list.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from psycopg2 import sql

from datasurface.yellow.engine import copy
from datasurface.yellow.engine.batch import batch_state, merge_lines
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.difference import checksums
from datasurface.yellow.engine.difference.delta import Counts
from datasurface.yellow.plan.tables import ALL_HASH, BATCH_ID, BATCH_IN, BATCH_OUT, KEY_HASH, OPEN_BATCH
from tests.db.engine.changing_tables import CHANGING_TABLES, STEPS, ChangingTable, Row, at_every_step
from tests.db.streams import SCHEMA, Stream, plan, table

TABLES = [at_every_step(each) for each in CHANGING_TABLES]


@dataclass(kw_only=True)
class Found:
    """What there is of one table after a batch. `places` tells where rows of the present lie and who wrote them."""

    changing: ChangingTable
    is_forensic: bool
    has_hashes: bool
    counts: Counts
    rows: list[dict[str, Any]]
    places: dict[Row, set[str]]
    state: batch_state.DatasetState
    source_lines: list[bytes]
    staged_rows: int

    @property
    def present(self) -> list[dict[str, Any]]:
        return [row for row in self.rows if row.get(BATCH_OUT, OPEN_BATCH) == OPEN_BATCH]

    def values(self, row: dict[str, Any]) -> Row:
        return tuple(row[column.name] for column in self.changing.columns)


#: A question about a table after snapshot `step`; `before` is what there was one snapshot earlier, None at the first.
Question = Callable[[Found, Found | None, int], bool]


@pytest.mark.row("I02", "I03", "I09", "I10")
@pytest.mark.parametrize("has_hashes", [False, True], ids=["plain", "hashes"])
@pytest.mark.parametrize("difference_bytes", [1 << 20, 0], ids=["streamed", "staged"])
def test_every_snapshot_is_mirrored_counted_and_kept(deployed, strategy, difference_bytes, has_hashes):
    """After each batch rows, batch ids, history, counts, checksums and hashes of every table are as they must be."""
    stream = _deployed(deployed, strategy, has_hashes=has_hashes)
    findings: list[str] = []
    before: dict[str, Found] = {}

    for step in range(STEPS):
        _fill_source(stream, step)
        assert stream.run(difference_bytes=difference_bytes).batch_id == step + 1
        now = {found.changing.dataset: found for found in _found(stream, step)}
        findings += [
            f"{dataset}: not so after batch {step + 1}: {question.__doc__}"
            for dataset, found in now.items()
            for question in (*QUESTIONS, _used_staging if difference_bytes == 0 else _streamed)
            if not question(found, before.get(dataset), step)
        ]
        before = now

    assert findings == []


def _is_mirrored(found: Found, _before: Found | None, step: int) -> bool:
    """the present rows are the snapshot, and an unchanged one keeps the batch that made it"""
    since = BATCH_IN if found.is_forensic else BATCH_ID
    rows = [(row[since], found.values(row)) for row in found.present]
    return sorted(rows, key=repr) == found.changing.present(step)


def _keeps_history(found: Found, _before: Found | None, step: int) -> bool:
    """history has every version, closed in the batch before its successor, with gaps; a live table has none"""
    if not found.is_forensic:
        return len(found.rows) == len(found.changing.snapshots[step])
    versions = [
        (row[BATCH_IN], None if row[BATCH_OUT] == OPEN_BATCH else row[BATCH_OUT], found.values(row))
        for row in found.rows
    ]
    return sorted(versions, key=repr) == found.changing.versions(step)


def _is_counted(found: Found, _before: Found | None, step: int) -> bool:
    """inserted, updated and deleted are the keys that appeared, changed and left, total the snapshot's rows"""
    return found.counts == found.changing.counts(step)


def _is_not_rewritten(found: Found, before: Found | None, step: int) -> bool:
    """an unchanged row lies where it lay, written by the transaction that wrote it"""
    if before is None:
        return True
    then, now = found.changing.snapshots[step - 1], found.changing.snapshots[step]
    staying = {row: min(then.count(row), now.count(row)) for row in set(then) & set(now)}
    return all(len(before.places[row] & found.places[row]) == times for row, times in staying.items())


def _has_the_sources_checksum(found: Found, _before: Found | None, _step: int) -> bool:
    """the recorded rows and checksum, carried along, are those of every line of the source"""
    sums = (len(found.source_lines), checksums.of_lines(found.source_lines))
    return (found.state.rows, found.state.checksum_value) == sums


def _has_hashes(found: Found, _before: Found | None, _step: int) -> bool:
    """the hash columns that have to be there are, and hold the hashes of keys and rows"""
    keys = found.changing.keys
    expected = {KEY_HASH, ALL_HASH} if found.has_hashes else set() if keys else {KEY_HASH}
    width = keys or len(found.changing.columns)
    lines = {
        KEY_HASH: [b"\t".join(line.split(b"\t")[:width]) for line in found.source_lines],
        ALL_HASH: found.source_lines,
    }
    if any({KEY_HASH, ALL_HASH} & row.keys() != expected for row in found.rows):
        return False
    return all(
        sorted(row[name] for row in found.present)
        == sorted(merge_lines.line_hash(line).decode() for line in lines[name])
        for name in expected
    )


def _used_staging(found: Found, before: Found | None, step: int) -> bool:
    """staging holds the snapshot of the last batch that found a difference in rows that were there"""
    if before is None or not before.rows or not found.counts.changed:
        return True
    return found.staged_rows == len(found.changing.snapshots[step])


def _streamed(found: Found, _before: Found | None, _step: int) -> bool:
    """staging is used for nothing but datasets without a key"""
    return found.staged_rows == 0 or found.changing.keys == 0


QUESTIONS: tuple[Question, ...] = (
    _is_mirrored,
    _keeps_history,
    _is_counted,
    _is_not_rewritten,
    _has_the_sources_checksum,
    _has_hashes,
)


def _deployed(deployed: Any, strategy: Any, *, has_hashes: bool) -> Stream:
    tables = [table(each.dataset, *each.columns) for each in TABLES]
    stream: Stream = deployed(plan(strategy, *tables, store_hashes=has_hashes), *map(_create, TABLES))
    return stream


def _create(changing: ChangingTable) -> sql.Composed:
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(column.name), sql.SQL(column.sql_type)) for column in changing.columns
    )
    return sql.SQL("CREATE TABLE {} ({})").format(sql.Identifier(changing.dataset), columns)


def _fill_source(stream: Stream, step: int) -> None:
    """Bring the source to a snapshot; its physical order is another one each time."""
    with stream.installation.session("admin", "source") as session, session.raw.cursor() as cursor:
        for changing in TABLES:
            place = sql.Identifier(SCHEMA, changing.dataset)
            cursor.execute(sql.SQL("TRUNCATE {}").format(place))
            if rows := list(changing.snapshots[step]):
                turned = sql.SQL(", ").join(map(_row, rows[step:] + rows[:step]))
                cursor.execute(sql.SQL("INSERT INTO {} VALUES {}").format(place, turned))
        session.commit()


def _row(values: Row) -> sql.Composed:
    return sql.SQL("({})").format(sql.SQL(", ").join(map(sql.Literal, values)))


def _found(stream: Stream, step: int) -> Iterator[Found]:
    installation = stream.installation
    state = batch_state.from_document(stream.batch(step + 1)["state"])
    with installation.session("admin") as merge, installation.session("customer_reader") as source:
        for changing in TABLES:
            rows, places = _rows_and_places(merge, stream, changing)
            yield Found(
                changing=changing,
                is_forensic=stream.is_forensic,
                has_hashes=stream.plan.store_hashes,
                counts=stream.outcomes[-1].datasets[changing.dataset],
                rows=rows,
                places=places,
                state=state.datasets[changing.dataset],
                source_lines=_source_lines(source, changing),
                staged_rows=_staged_rows(merge, stream, changing),
            )


def _rows_and_places(
    merge: Session, stream: Stream, changing: ChangingTable
) -> tuple[list[dict[str, Any]], dict[Row, set[str]]]:
    tables = stream.tables(changing.dataset)
    rows, places = [], {}
    with merge.raw.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT ctid::text || '/' || xmin::text, * FROM {}").format(tables.merge))
        header = [each.name for each in cursor.description or ()][1:]
        for place, *values in cursor.fetchall():
            rows.append(row := dict(zip(header, values, strict=True)))
            if row.get(BATCH_OUT, OPEN_BATCH) == OPEN_BATCH:
                places.setdefault(tuple(row[each.name] for each in changing.columns), set()).add(place)
    return rows, places


def _staged_rows(merge: Session, stream: Stream, changing: ChangingTable) -> int:
    with merge.raw.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(stream.tables(changing.dataset).staging))
        (count,) = cursor.fetchone() or (0,)
    return int(count)


def _source_lines(source: Session, changing: ChangingTable) -> list[bytes]:
    """The source's rows as COPY prints them, the key first as these tables have it."""
    query = sql.SQL("SELECT * FROM {}").format(sql.Identifier(SCHEMA, changing.dataset))
    with copy.RowsOut(source.raw, copy.copy_out(query)) as blocks:
        return b"".join(blocks).split(b"\n")[:-1]
