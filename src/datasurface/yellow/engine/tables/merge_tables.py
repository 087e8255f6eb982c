"""What the merge and staging tables of a dataset look like: one definition, for DDL and for every statement.

Nothing here runs a statement. `table_metadata` makes the tables' DDL of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from psycopg2 import sql

from datasurface.model.platforms import MilestoneStrategy
from datasurface.yellow.engine import sql_types
from datasurface.yellow.plan import names
from datasurface.yellow.plan.streams import StreamPlan
from datasurface.yellow.plan.tables import ALL_HASH, BATCH_ID, BATCH_IN, BATCH_OUT, KEY_HASH, OPEN_BATCH, TablePlan

#: Room in each page for new versions of its rows: the write-ahead log of a small batch is a third smaller than at 100.
FILLFACTOR: Final = 85


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeTables:
    """The tables of one dataset on one platform, in `schema`.

    `has_key_hash` and `has_all_hash` say which hash columns they carry: a dataset without a key has the first, a
    platform with `store_hashes` both.
    """

    plan: TablePlan
    schema: str
    is_forensic: bool
    has_key_hash: bool
    has_all_hash: bool

    @property
    def merge(self) -> sql.Identifier:
        """The merge table, qualified."""
        return sql.Identifier(self.schema, self.plan.merge_table)

    @property
    def staging(self) -> sql.Identifier:
        """The staging table, qualified."""
        return sql.Identifier(self.schema, self.plan.staging_table)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the dataset's columns in the order in which rows travel."""
        return tuple(column.name for column in self.plan.wire_columns)

    @property
    def hash_columns(self) -> tuple[str, ...]:
        """The hash columns that both tables carry, behind the dataset's columns."""
        present = ((KEY_HASH, self.has_key_hash), (ALL_HASH, self.has_all_hash))
        return tuple(name for name, is_there in present if is_there)

    @property
    def batch_columns(self) -> tuple[str, ...]:
        """The merge table's batch columns, last in a row that travels."""
        return (BATCH_IN, BATCH_OUT) if self.is_forensic else (BATCH_ID,)

    def batch_values(self, batch_id: int) -> tuple[int, ...]:
        """Values of `batch_columns` for a row that is new in the batch."""
        return (batch_id, OPEN_BATCH) if self.is_forensic else (batch_id,)

    @property
    def key_index(self) -> str:
        """Name of the unique index on the key; a dataset without a key has one, not unique, on the key's hash."""
        return names.dependent(self.plan.merge_table, "_key")

    def open_rows(self, alias: str) -> sql.Composable:
        """The condition under which a row of the merge table is of the present."""
        if not self.is_forensic:
            return sql.SQL("true")
        return sql.SQL("{} = {}").format(sql.Identifier(alias, BATCH_OUT), sql.Literal(OPEN_BATCH))

    def open_lines(self) -> sql.Composed:
        """A query of the present rows in the plan's types and order, as the source is read."""
        columns = sql.SQL(", ").join(
            sql.SQL("{}::{}").format(sql.Identifier("m", column.name), sql_types.of_plan(column.sql_type))
            for column in self.plan.wire_columns
        )
        return sql.SQL("SELECT {} FROM {} AS m WHERE {}").format(columns, self.merge, self.open_rows("m"))


def of_stream(stream: StreamPlan, schema: str) -> Sequence[MergeTables]:
    """The tables of every dataset of a stream, in the plan's order."""
    return [of_table(table, stream.strategy, schema, store_hashes=stream.store_hashes) for table in stream.tables]


def of_table(table: TablePlan, strategy: MilestoneStrategy, schema: str, *, store_hashes: bool) -> MergeTables:
    """The tables of one dataset on a platform of that strategy."""
    return MergeTables(
        plan=table,
        schema=schema,
        is_forensic=strategy is MilestoneStrategy.BATCH_MILESTONED,
        has_key_hash=store_hashes or not table.key,
        has_all_hash=store_hashes,
    )
