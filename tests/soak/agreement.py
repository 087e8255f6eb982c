"""Compares all that the databases hold with what the oracle says: rows, intervals, batches, checksums, views."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from datasurface.yellow.plan import names
from tests.soak import landscapes
from tests.soak.landscapes import PLATFORM
from tests.soak.oracle import MergeTable, Recorded, StreamOracle, Version, checksum_of, line_of
from tests.soak.shapes import SOURCE, TableShape, cast, fits
from tests.soak.world import World

if TYPE_CHECKING:
    from tests.soak.course import Course

OPEN: Final = "2147483647"
_BATCH_COLUMNS: Final = ("ds_surf_batch_id", "ds_surf_batch_in", "ds_surf_batch_out")
_HISTORY: Final = ("valid_from_batch", "valid_to_batch", "valid_from", "valid_to")
_METRICS, _COUNTER = names.batch_metrics(PLATFORM), names.batch_counter(PLATFORM)


def check(course: Course) -> None:
    """Everything has to be as the oracle says."""
    for dataset in SOURCE:
        _merge_table(course, dataset)
    for stream, oracle in course.streams.items():
        _batches(course.world, landscapes.stream_key(stream), oracle)
        _history(oracle, is_forensic=course.shape.is_forensic)
    assert _strays(course) == []
    for dataset in SOURCE:
        _views(course, dataset)


def staged_rows(world: World, dataset: str, batch_id: int) -> int:
    """How many rows of a batch lie in a staging table."""
    found = world.dump(landscapes.staging_table(dataset))
    return 0 if found is None else sum(row["ds_surf_batch_id"] == str(batch_id) for row in found[1])


def _merge_table(course: Course, dataset: str) -> None:
    found = course.world.dump(landscapes.merge_table(dataset))
    known = course.tables.get(dataset)
    if found is None or known is None:
        assert known is None or not known.versions
        assert found is None or found[1] == []
        return
    stored = [_version(row) for row in found[1]]
    if known.key:
        _same(dataset, _frozen(known.versions), _frozen(stored))
    elif known.is_forensic:
        _same(dataset, _frozen(known.versions, without_end=True), _frozen(stored, without_end=True))
    else:
        _same(dataset, Counter(), _frozen(stored) - (known.possible or _frozen(known.versions)))
        assert len(stored) == len(known.versions), dataset
    known.versions = stored
    known.possible = Counter()


def _version(row: Mapping[str, str | None]) -> Version:
    end = row.get("ds_surf_batch_out", OPEN)
    begin = row.get("ds_surf_batch_in", row.get("ds_surf_batch_id"))
    return Version(
        values={name: value for name, value in row.items() if name not in _BATCH_COLUMNS},
        begin=int(begin or 0),
        end=None if end == OPEN else int(end or 0),
    )


def _frozen(versions: Iterable[Version], *, without_end: bool = False) -> Counter[tuple[object, ...]]:
    frozen = (version.frozen() for version in versions)
    return Counter((begin, values) if without_end else (begin, end, values) for begin, end, values in frozen)


def _same(what: str, wanted: Counter[Any], found: Counter[Any]) -> None:
    differing = {"missing": list(wanted - found)[:5], "odd": list(found - wanted)[:5]}
    assert differing == {"missing": [], "odd": []}, what


def _batches(world: World, key: str, oracle: StreamOracle) -> None:
    """Ids without a gap, statuses, counts and recorded states; the counter says the last one."""
    rows = world.rows(
        "SELECT batch_id, batch_status, records_inserted, records_updated, records_deleted, total_records, state"
        " FROM {} WHERE key = %s ORDER BY batch_id",
        [key],
        _METRICS,
    )
    committed = len(oracle.batches)
    assert [row[0] for row in rows] == list(range(1, committed + 1 + (oracle.unfinished is not None)))
    for row, counts, recorded in zip(rows, oracle.counts, oracle.batches, strict=False):
        assert (row[1], tuple(row[2:6])) == ("committed", counts), row[:6]
        _recorded(row[6]["datasets"], recorded)
    if oracle.unfinished is not None:
        _, status, *_, state = rows[-1]
        assert (status, len(state["staged"])) == (oracle.unfinished.status, len(oracle.unfinished.staged))
    counter = world.rows("SELECT batch_id FROM {} WHERE key = %s", [key], _COUNTER)
    assert counter == [(committed,)] or (counter, committed) == ([], 0)


def _recorded(state: Mapping[str, Any], recorded: Mapping[str, Recorded]) -> None:
    assert state.keys() == recorded.keys()
    for dataset, wanted in recorded.items():
        found = state[dataset]
        assert found["rows"] == wanted.lines.total(), dataset
        assert [(each["name"], each["sql_type"]) for each in found["columns"]] == [
            (column.name, column.sql_type) for column in wanted.columns
        ]
        assert found["key"] == [column.name for column in wanted.columns if column.is_key]
        assert found["checksum"] == checksum_of(wanted.lines), f"{dataset}: checksum"


def _history(oracle: StreamOracle, *, is_forensic: bool) -> None:
    """Every batch's snapshot, computed again from the intervals; of a live table the last one's."""
    for batch_id, recorded in enumerate(oracle.batches, start=1):
        for dataset, wanted in recorded.items():
            versions = oracle.tables[dataset].versions
            if is_forensic:
                versions = [each for each in versions if each.begin <= batch_id <= (each.end or int(OPEN))]
            elif any(dataset in later for later in oracle.batches[batch_id:]):
                continue
            _same(f"{dataset} in batch {batch_id}", wanted.lines, _lines(versions, wanted))


def _lines(versions: Sequence[Version], recorded: Recorded) -> Counter[bytes]:
    names_of = [column.name for column in recorded.columns]
    return Counter(line_of({name: version.values.get(name) for name in names_of}, names_of) for version in versions)


def _strays(course: Course) -> list[tuple[Any, ...]]:
    """Rows of streams that nobody knows."""
    keys = [landscapes.stream_key(stream) for stream in course.streams]
    return course.world.rows("SELECT key, batch_id FROM {} WHERE NOT key = ANY (%s)", [keys], _METRICS)


def _views(course: Course, dataset: str) -> None:
    """The dataset's columns and rows in its views; no view of a dataset that left."""
    table = course.shape.tables.get(dataset)
    for is_history in (False, True) if course.shape.is_forensic else (False,):
        name = landscapes.view(dataset, is_history=is_history)
        if table is None:
            assert course.world.rows("SELECT to_regclass(%s)", [name]) == [(None,)]
            continue
        known = course.tables.get(dataset, MergeTable(dataset=dataset, is_forensic=True))
        versions = known.versions if is_history else known.open()
        if not _is_shown_whole(versions, table):
            course.tally.add("views", "not compared: a stored value does not fit the narrower model")
            continue
        _view(course, name, table, versions, is_history=is_history)


def _view(course: Course, name: str, table: TableShape, versions: Sequence[Version], *, is_history: bool) -> None:
    found = course.world.dump(name)
    assert found is not None, name
    columns, rows = found
    shown = [column.name for column in table.columns]
    assert sorted(columns) == sorted([*shown, *(_HISTORY if is_history else ())])
    types = {column.name: column.sql_type for column in table.columns}
    order = [(each, types.get(each)) for each in columns]
    before = course.view_orders.get(name, [])
    if set(before) <= set(order):
        assert order[: len(before)] == before, "a view was not replaced in place"
    course.view_orders[name] = order
    wanted = Counter(_shown(version, table, is_history=is_history) for version in versions)
    names_of = [*shown, *(_HISTORY[:2] if is_history else ())]
    _same(name, wanted, Counter(tuple(row[each] for each in names_of) for row in rows))
    if is_history:
        assert all(row["valid_from"] for row in rows)
        assert all((row["valid_to"] is None) == (row["valid_to_batch"] is None) for row in rows)
    course.tally.add("views", "compared")


def _shown(version: Version, table: TableShape, *, is_history: bool) -> tuple[str | None, ...]:
    values = [cast(version.values.get(column.name), column.sql_type) for column in table.columns]
    if is_history:
        values += [str(version.begin), None if version.end is None else str(version.end)]
    return tuple(values)


def _is_shown_whole(versions: Sequence[Version], table: TableShape) -> bool:
    return all(
        fits(version.values.get(column.name), column.sql_type) for version in versions for column in table.columns
    )
