"""What happens to the source between two looks. Pure: rows come and go as dicts by `rid`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from tests.soak.oracle import Values, unfit
from tests.soak.shapes import SOURCE, VALUES, Column, TableShape, cast, fits

Rows = Mapping[int, Values]
MANY = 25


class Kind(StrEnum):
    """A change of a source table."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    DUPLICATE = "duplicate a row"
    SWAP_KEYS = "swap two keys"
    TRUNCATE = "truncate"
    REORDER = "write in another order"
    FLIP_BACK = "flip back to an earlier state"
    RETURN = "a deleted row returns"
    MANY = "many rows"
    TOUCH = "write without a change"
    ROLLED_BACK = "a transaction that is rolled back"


#: How often each is drawn.
WEIGHTS: Final[Mapping[Kind, int]] = {
    Kind.INSERT: 5,
    Kind.UPDATE: 7,
    Kind.DELETE: 3,
    Kind.DUPLICATE: 1,
    Kind.SWAP_KEYS: 1,
    Kind.TRUNCATE: 1,
    Kind.REORDER: 1,
    Kind.FLIP_BACK: 1,
    Kind.RETURN: 2,
    Kind.MANY: 1,
    Kind.TOUCH: 1,
    Kind.ROLLED_BACK: 1,
}
WEIGHTED: Final[Sequence[Kind]] = [kind for kind, times in WEIGHTS.items() for _ in range(times)]


@dataclass(frozen=True, kw_only=True)
class Change:
    """A change; numbers choose rows, columns and values, modulo how many there are."""

    kind: Kind
    table: str
    one: int
    other: int
    value: int


@dataclass(kw_only=True)
class SourceTable:
    """A table of the source, with what it held before."""

    name: str
    rows: dict[int, Values] = field(default_factory=dict)
    earlier: list[Rows] = field(default_factory=list)
    gone: list[Values] = field(default_factory=list)
    next_rid: int = 1

    def change(self, change: Change) -> None:
        """Make a change that has an effect on rows; REORDER changes their order alone."""
        effect = _EFFECTS.get(change.kind)
        if effect is not None:
            self.earlier.append(dict(self.rows))
            effect(self, change)

    def add(self, row: Values) -> None:
        self.rows[self.next_rid] = dict(row)
        self.next_rid += 1

    def remove(self, rid: int) -> None:
        self.gone.append(self.rows.pop(rid))

    def chosen(self, number: int) -> int | None:
        """The rid of a row, None of an empty table."""
        return sorted(self.rows)[number % len(self.rows)] if self.rows else None

    def free_id(self, number: int) -> str:
        """An id that no row has, if the small ones are not all taken."""
        taken = {row["id"] for row in self.rows.values()}
        free = [str(each) for each in range(40) if str(each) not in taken]
        return free[number % min(12, len(free))] if free else str(number)

    def mend(self, table: TableShape) -> None:
        """Let the rows fit a model."""
        for rid, row in list(self.rows.items()):
            mended = dict(row)
            for column in table.columns:
                value = mended[column.name]
                if not fits(value, column.sql_type) or (value is None and column.is_required):
                    is_id = column.name == "id"
                    mended[column.name] = self.free_id(rid) if is_id else _fitting(value, column)
            self.rows[rid] = mended
        seen: set[tuple[str | None, ...]] = set()
        for rid, row in list(self.rows.items()):
            key = tuple(row[name] for name in table.key)
            if table.key and key in seen:
                self.remove(rid)
            seen.add(key)
        assert not unfit(list(self.rows.values()), table)


def _fitting(value: str | None, column: Column) -> str:
    """What a careless cast would make of a value, where that has a place; else another one."""
    try:
        near = cast(value, column.sql_type)
    except OverflowError:
        near = None
    return near if near is not None and fits(near, column.sql_type) else {"n": "1.00", "w": "1"}.get(column.name, "a")


def _drawn(table: SourceTable, change: Change, number: int) -> dict[str, str | None]:
    row = {
        name: VALUES[name][(change.value + number * (place + 3)) % len(VALUES[name])]
        for place, name in enumerate(SOURCE[table.name])
    }
    return row | {"id": table.free_id(change.one + number)}


def _insert(table: SourceTable, change: Change) -> None:
    table.add(_drawn(table, change, 0))


def _update(table: SourceTable, change: Change) -> None:
    rid = table.chosen(change.one)
    if rid is None:
        return
    names = list(SOURCE[table.name])
    name = names[change.other % len(names)]
    table.rows[rid] = dict(table.rows[rid]) | {name: VALUES[name][change.value % len(VALUES[name])]}


def _delete(table: SourceTable, change: Change) -> None:
    rid = table.chosen(change.one)
    if rid is not None:
        table.remove(rid)


def _duplicate(table: SourceTable, change: Change) -> None:
    rid = table.chosen(change.one)
    if rid is not None:
        table.add(table.rows[rid])


def _swap_keys(table: SourceTable, change: Change) -> None:
    one, other = table.chosen(change.one), table.chosen(change.other)
    if one is not None and other is not None:
        ids = table.rows[one]["id"], table.rows[other]["id"]
        table.rows[one], table.rows[other] = (
            dict(table.rows[one]) | {"id": ids[1]},
            dict(table.rows[other]) | {"id": ids[0]},
        )


def _truncate(table: SourceTable, _change: Change) -> None:
    for rid in list(table.rows):
        table.remove(rid)


def _flip_back(table: SourceTable, change: Change) -> None:
    table.rows = dict(table.earlier[-1 - change.one % min(6, len(table.earlier))])


def _return(table: SourceTable, change: Change) -> None:
    if table.gone:
        row = table.gone[-1 - change.one % len(table.gone)]
        if all(row["id"] != each["id"] for each in table.rows.values()):
            table.add(row)


def _many(table: SourceTable, change: Change) -> None:
    for number in range(MANY):
        table.add(_drawn(table, change, number))


def _reorder(table: SourceTable, change: Change) -> None:
    rids = sorted(table.rows, key=lambda rid: (rid * (change.one * 2 + 7) + change.other) % 31)
    table.rows = {rid: table.rows[rid] for rid in rids}


_EFFECTS: Final = {
    Kind.INSERT: _insert,
    Kind.UPDATE: _update,
    Kind.DELETE: _delete,
    Kind.DUPLICATE: _duplicate,
    Kind.SWAP_KEYS: _swap_keys,
    Kind.TRUNCATE: _truncate,
    Kind.REORDER: _reorder,
    Kind.FLIP_BACK: _flip_back,
    Kind.RETURN: _return,
    Kind.MANY: _many,
}
