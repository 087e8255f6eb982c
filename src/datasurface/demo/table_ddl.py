"""The DDL of a source that is just what its model says: one table per dataset, with types, nulls and key."""

import sqlalchemy

from datasurface.model.datastores import Dataset, Datastore
from datasurface.yellow.engine import ddl
from datasurface.yellow.engine.tables.table_metadata import SpelledType


def source_table(store: Datastore, dataset: Dataset) -> str:
    """Name of the table that the store's dataset is captured from."""
    return store.capture.tables.get(dataset.name, dataset.name)


def create_tables(store: Datastore) -> str:
    """`CREATE TABLE IF NOT EXISTS` for every dataset of the store, in the first schema of the search path."""
    metadata = sqlalchemy.MetaData()
    tables = [
        sqlalchemy.Table(
            source_table(store, dataset),
            metadata,
            *(
                sqlalchemy.Column(
                    column.name,
                    SpelledType(column.type.sql),
                    nullable=not column.is_required,
                    primary_key=column.primary_key,
                )
                for column in dataset.schema.columns
            ),
        )
        for dataset in store.datasets
    ]
    return "\n".join(f"{ddl.creation(table, if_missing=True)};" for table in tables)
