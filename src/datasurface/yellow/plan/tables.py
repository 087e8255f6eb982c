"""Which tables a platform keeps of a dataset, and what their columns are."""

from collections.abc import Sequence
from dataclasses import dataclass

from datasurface.model.datastores import Dataset, Datastore
from datasurface.model.datatypes import Enum
from datasurface.model.schemas import ClassificationType, SimpleClassification
from datasurface.yellow.plan import names

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

    `labels` are the values allowed in a column of an Enum, else empty. The values of a column that `is_classified`
    never reach a log or an error, not even as a key.
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


def column_plans(dataset: Dataset) -> tuple[ColumnPlan, ...]:
    """The dataset's columns in the model's order; platforms and views of one dataset share them."""
    is_classified = _is_classified(dataset.classifications)
    return tuple(
        ColumnPlan(
            name=column.name,
            sql_type=column.type.sql,
            is_required=column.is_required,
            is_key=column.primary_key,
            is_classified=_is_classified(column.classifications) if column.classifications else is_classified,
            labels=column.type.labels if isinstance(column.type, Enum) else (),
        )
        for column in dataset.schema.columns
    )


def _is_classified(classifications: Sequence[SimpleClassification]) -> bool:
    return any(each.kind is not ClassificationType.PUB for each in classifications)


def table_plan(platform: str, store: Datastore, dataset: Dataset, columns: Sequence[ColumnPlan]) -> TablePlan:
    """The tables of `dataset`, which has `columns`, on `platform`; a dataset that is not mapped has its own name's."""
    return TablePlan(
        dataset=dataset.name,
        source_table=store.capture.tables.get(dataset.name, dataset.name),
        merge_table=names.merge_table(platform, store.name, dataset.name),
        staging_table=names.staging_table(platform, store.name, dataset.name),
        columns=columns,
    )
