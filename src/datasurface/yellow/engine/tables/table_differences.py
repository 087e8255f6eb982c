"""How a stored table differs from the one that the plan wants, and which differences cannot be removed safely. Pure.

A column whose stored type is wider than the plan's stays as it is, and so does one that the plan does not have: both
are hidden by the views and by how rows are read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from datasurface.model.widening import is_widening_sql
from datasurface.yellow.engine import sql_types
from datasurface.yellow.engine.columns import ColumnFact
from datasurface.yellow.engine.tables.merge_tables import MergeTables
from datasurface.yellow.plan.tables import BATCH_ID

_HASH_TYPE: Final = "character varying(32)"
_BATCH_TYPE: Final = "integer"


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedColumn:
    """A column as the plan wants it kept; one `in_byte_order` has the collation "C"."""

    name: str
    sql_type: str
    in_byte_order: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WidenedColumn:
    """A column whose type has to hold more; `in_byte_order` as it is stored, because a change of type forgets it."""

    name: str
    before: str
    after: str
    in_byte_order: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsafeChange:
    """A column that cannot become what the plan wants; `stored` None: it is not there and cannot be added."""

    column: str
    stored: str | None
    declared: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDifference:
    """What a table lacks. Where something is unsafe, nothing else may be done either."""

    added: Sequence[WantedColumn]
    widened: Sequence[WidenedColumn]
    unsafe: Sequence[UnsafeChange]

    @property
    def is_empty(self) -> bool:
        """True where the table is as the plan wants it, or holds more."""
        return not (self.added or self.widened or self.unsafe)


def of_merge(tables: MergeTables, stored: Mapping[str, ColumnFact]) -> TableDifference:
    """How the merge table differs; batch columns are never added, since old rows would have no place in time."""
    wanted = _dataset_columns(tables, is_merge=True)
    batch = [WantedColumn(name=name, sql_type=_BATCH_TYPE) for name in tables.batch_columns]
    missing = [
        UnsafeChange(column=each.name, stored=None, declared=_BATCH_TYPE) for each in batch if each.name not in stored
    ]
    return _difference([*wanted, *(each for each in batch if each.name in stored)], stored, missing)


def of_staging(tables: MergeTables, stored: Mapping[str, ColumnFact]) -> TableDifference:
    """How the staging table differs."""
    batch = WantedColumn(name=BATCH_ID, sql_type=_BATCH_TYPE)
    return _difference([*_dataset_columns(tables, is_merge=False), batch], stored, [])


def _dataset_columns(tables: MergeTables, *, is_merge: bool) -> list[WantedColumn]:
    columns = [
        WantedColumn(
            name=column.name,
            sql_type=column.sql_type,
            in_byte_order=is_merge and column.is_key and sql_types.is_collatable(column.sql_type),
        )
        for column in tables.plan.columns
    ]
    return columns + [WantedColumn(name=name, sql_type=_HASH_TYPE) for name in tables.hash_columns]


def _difference(
    wanted: Sequence[WantedColumn], stored: Mapping[str, ColumnFact], unsafe: Sequence[UnsafeChange]
) -> TableDifference:
    there = [(column, stored[column.name]) for column in wanted if column.name in stored]
    narrower = [(column, fact) for column, fact in there if not is_widening_sql(column.sql_type, fact.sql_type)]
    return TableDifference(
        added=[column for column in wanted if column.name not in stored],
        widened=[
            WidenedColumn(
                name=column.name, before=fact.sql_type, after=column.sql_type, in_byte_order=fact.collation == "C"
            )
            for column, fact in narrower
            if is_widening_sql(fact.sql_type, column.sql_type)
        ],
        unsafe=[
            *unsafe,
            *(
                UnsafeChange(column=column.name, stored=fact.sql_type, declared=column.sql_type)
                for column, fact in narrower
                if not is_widening_sql(fact.sql_type, column.sql_type)
            ),
        ],
    )
