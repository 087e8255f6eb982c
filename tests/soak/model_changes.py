"""How a model changes: columns come, go, widen and narrow, keys change, datasets leave and return. Pure."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from tests.soak.shapes import ITEMS, KEYS, LADDERS, OTHERS, SOURCE, Column, Shape, TableShape


class EditKind(StrEnum):
    """A change of a model."""

    COLUMN = "add, hide or return a column"
    WIDEN = "widen"
    NARROW = "narrow"
    KEY = "re-key"
    REQUIRE = "require a column, or no longer"
    MOVE = "move a column"
    DATASET = "a dataset leaves or comes"
    HASHES = "store hashes, or no longer"


EDITS: Final = (
    *[EditKind.COLUMN] * 4,
    *[EditKind.WIDEN] * 3,
    *[EditKind.NARROW] * 2,
    *[EditKind.KEY] * 3,
    EditKind.REQUIRE,
    EditKind.MOVE,
    EditKind.DATASET,
    EditKind.HASHES,
)


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One change; `number` chooses what of."""

    kind: EditKind
    number: int

    def applied(self, shape: Shape) -> Shape:
        """The changed model; the same one where the change is not possible."""
        if self.kind is EditKind.HASHES:
            return shape.but(store_hashes=not shape.store_hashes)
        if self.kind is EditKind.DATASET:
            tables = dict(shape.tables)
            if tables.pop(OTHERS, None) is None:
                tables[OTHERS] = _others()
            return shape.but(tables=tables)
        edited = _EFFECTS[self.kind](shape.tables[ITEMS], self.number)
        return shape.but(tables={**shape.tables, ITEMS: edited})


def first_shape(*, is_forensic: bool, is_multi: bool, store_hashes: bool) -> Shape:
    """The model that a sequence begins with, before its first edits."""
    items = TableShape(
        dataset=ITEMS,
        columns=[
            Column(name="id", sql_type="integer", is_key=True, is_required=True),
            Column(name="a", sql_type="character varying(8)"),
            Column(name="n", sql_type="numeric"),
        ],
    )
    return Shape(
        is_forensic=is_forensic, is_multi=is_multi, store_hashes=store_hashes, tables={ITEMS: items, OTHERS: _others()}
    )


def _others() -> TableShape:
    return TableShape(
        dataset=OTHERS,
        columns=[
            Column(name="id", sql_type="integer", is_key=True, is_required=True),
            Column(name="v", sql_type="text"),
        ],
    )


def _column(table: TableShape, number: int) -> TableShape:
    names = list(SOURCE[table.dataset])
    name = names[number % len(names)]
    present = [column for column in table.columns if column.name != name]
    if len(present) < len(table.columns):
        return replace(table, columns=present) if present else table
    ladder = LADDERS[name]
    place = number % (len(present) + 1)
    added = Column(name=name, sql_type=ladder[(number // len(names) + 1) % len(ladder)])
    return replace(table, columns=[*present[:place], added, *present[place:]])


def _retyped(table: TableShape, number: int, by: int) -> TableShape:
    changed = number % len(table.columns)
    columns = list(table.columns)
    ladder = LADDERS[columns[changed].name]
    level = ladder.index(columns[changed].sql_type) + by
    columns[changed] = replace(columns[changed], sql_type=ladder[min(max(level, 0), len(ladder) - 1)])
    return replace(table, columns=columns)


def _key(table: TableShape, number: int) -> TableShape:
    key = KEYS[number % len(KEYS)]
    columns = [replace(column, is_key=column.name in key, is_required=column.name in key) for column in table.columns]
    missing = [name for name in key if all(column.name != name for column in columns)]
    columns += [Column(name=name, sql_type=LADDERS[name][-1], is_key=True, is_required=True) for name in missing]
    return replace(table, columns=columns)


def _required(table: TableShape, number: int) -> TableShape:
    changed = number % len(table.columns)
    columns = list(table.columns)
    if not columns[changed].is_key:
        columns[changed] = replace(columns[changed], is_required=not columns[changed].is_required)
    return replace(table, columns=columns)


def _moved(table: TableShape, number: int) -> TableShape:
    columns = list(table.columns)
    columns.insert(0, columns.pop(number % len(columns)))
    return replace(table, columns=columns)


_EFFECTS: Final = {
    EditKind.COLUMN: _column,
    EditKind.WIDEN: lambda table, number: _retyped(table, number, 1),
    EditKind.NARROW: lambda table, number: _retyped(table, number, -1),
    EditKind.KEY: _key,
    EditKind.REQUIRE: _required,
    EditKind.MOVE: _moved,
}
