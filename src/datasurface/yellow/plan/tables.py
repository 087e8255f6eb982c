"""Which tables a platform keeps of a dataset, and what their columns are."""

from collections.abc import Sequence
from dataclasses import dataclass

#: Where an open version ends: batch ids never get there.
OPEN_BATCH = 2_147_483_647

BATCH_ID = "ds_surf_batch_id"
BATCH_IN = "ds_surf_batch_in"
BATCH_OUT = "ds_surf_batch_out"
KEY_HASH = "ds_surf_key_hash"
ALL_HASH = "ds_surf_all_hash"


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnPlan:
    """A column of a dataset: its type as PostgreSQL spells it, and what the incoming rows must hold.

    `labels` are the values allowed in a column of an Enum, else empty. The values of a column that `is_classified` never
    reach a log or an error, not even as a key.
    """

    name: str
    sql_type: str
    is_required: bool = False
    is_key: bool = False
    is_classified: bool = False
    labels: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePlan:
    """A dataset on a platform: where it comes from, where it goes, what it looks like.

    `columns` stand in the model's order. Names of tables are physical and without a schema.
    """

    dataset: str
    source_table: str
    merge_table: str
    staging_table: str
    columns: Sequence[ColumnPlan]

    @property
    def key(self) -> tuple[str, ...]:
        """Names of the key's columns; empty: the whole row is the key, by hash."""
        return tuple(column.name for column in self.columns if column.is_key)

    @property
    def wire_columns(self) -> tuple[ColumnPlan, ...]:
        """The columns in the order in which rows travel: the key first, so that a line begins with it."""
        keys = tuple(column for column in self.columns if column.is_key)
        return keys + tuple(column for column in self.columns if not column.is_key)
