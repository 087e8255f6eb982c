"""The model that is deployed against the one that shall be: nothing that consumers rely on goes without notice.

A thing may go or narrow once its `deprecated` has been deployed. What tables and batches cannot follow is refused too,
with the way round it. Adding is always free.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from datasurface.lint.report import Finding
from datasurface.lint.rule import declare
from datasurface.model.datastores import Dataset, Datastore
from datasurface.model.datatypes import DataType, Enum
from datasurface.model.ecosystem import Ecosystem
from datasurface.model.schemas import DDLColumn
from datasurface.model.widening import is_widening

STORE_REMOVED: Final = declare("DS201", "store-removed", "A store leaves only after it was deprecated.")
DATASET_REMOVED: Final = declare("DS202", "dataset-removed", "A dataset leaves only after it was deprecated.")
COLUMN_REMOVED: Final = declare("DS203", "column-removed", "A column leaves only after it was deprecated.")
TYPE_CHANGED: Final = declare("DS204", "type-changed", "A column's type only widens, unless it was deprecated.")
REQUIRED: Final = declare("DS205", "column-required", "A column stays nullable, unless it was deprecated.")
KEY_CHANGED: Final = declare("DS206", "key-changed", "A dataset keeps its key, unless it was deprecated.")
STRATEGY_CHANGED: Final = declare("DS207", "strategy-changed", "A platform keeps its milestone strategy.")
MERGE_CHANGED: Final = declare("DS208", "merge-changed", "A platform keeps its merge database.")
CONSISTENCY_CHANGED: Final = declare("DS209", "consistency-changed", "A store keeps its consistency.")

#: How many readers a message names.
SHOWN_READERS: Final = 2
Readers = Mapping[tuple[str, str], Sequence[str]]


def findings(deployed: Ecosystem, new: Ecosystem) -> list[Finding]:
    """Everything by which `new` breaks what `deployed` promises, by rule and then in the deployed model's order."""
    readers = _readers(deployed)
    found = [*_stores(deployed, new, readers), *_platforms(deployed, new)]
    return sorted(found, key=lambda finding: finding.rule)


def _stores(deployed: Ecosystem, new: Ecosystem, readers: Readers) -> Iterator[Finding]:
    kept = {store.name: (path, store) for path, store in reversed(list(new.stores()))}
    for path, store in deployed.stores():
        if store.name not in kept:
            if store.deprecated is None:
                yield STORE_REMOVED.finding(path, "the store is deployed and is no longer declared", _notice("store"))
            continue
        new_path, new_store = kept[store.name]
        yield from _datasets(path, store, new_path, new_store, readers)
        if new_store.capture.consistency is not store.capture.consistency and store.datasets:
            yield CONSISTENCY_CHANGED.finding(
                new_path,
                f"the capture changes from {store.capture.consistency.name} to {new_store.capture.consistency.name}:"
                " its batches would begin at 1 again over tables that have some",
                "restore the consistency, or declare the datasets in a store of another name",
            )


def _datasets(path: str, store: Datastore, new_path: str, new_store: Datastore, readers: Readers) -> Iterator[Finding]:
    kept = {dataset.name: dataset for dataset in reversed(new_store.datasets)}
    for dataset in store.datasets:
        is_announced = (store.deprecated or dataset.deprecated) is not None
        reader = _read_by(readers, store, dataset)
        if dataset.name not in kept:
            if not is_announced:
                yield DATASET_REMOVED.finding(
                    f"{path}/{dataset.name}", f"the dataset{reader} is no longer declared", _notice("dataset")
                )
        elif not is_announced:
            yield from _changes(f"{new_path}/{dataset.name}", dataset, kept[dataset.name], reader)


def _changes(path: str, old: Dataset, new: Dataset, reader: str) -> Iterator[Finding]:
    if old.schema == new.schema:
        return
    kept = {column.name: column for column in reversed(new.schema.columns)}
    for column in old.schema.columns:
        if column.deprecated is not None:
            continue
        if column.name in kept:
            yield from _column_changes(f"{path}/{column.name}", column, kept[column.name], reader)
        else:
            yield COLUMN_REMOVED.finding(
                f"{path}/{column.name}", f"the column of a dataset{reader} is no longer declared", _notice("column")
            )
    if old.schema.key != new.schema.key:
        yield KEY_CHANGED.finding(
            path,
            f"the key changes from ({', '.join(old.schema.key)}) to ({', '.join(new.schema.key)})",
            f"restore the key, or {_notice('dataset')}",
        )


def _column_changes(path: str, old: DDLColumn, new: DDLColumn, reader: str) -> Iterator[Finding]:
    if not is_widening(old.type, new.type):
        yield TYPE_CHANGED.finding(
            path,
            f"{_change(old.type, new.type)} does not keep every value of a column{reader}",
            f"widen it again, or {_notice('column')}",
        )
    if new.is_required and not old.is_required and not new.primary_key:
        yield REQUIRED.finding(
            path,
            "the column may be null and shall be so no longer: rows that have a null would fail the batch",
            f"leave it nullable, or {_notice('column')}",
        )


def _platforms(deployed: Ecosystem, new: Ecosystem) -> Iterator[Finding]:
    kept = {platform.name: platform for platform in reversed(new.data_platforms)}
    for old in deployed.data_platforms:
        platform = kept.get(old.name)
        if platform is None:
            continue
        path = f"{new.name}/{platform.name}"
        if platform.milestone_strategy is not old.milestone_strategy:
            yield STRATEGY_CHANGED.finding(
                path,
                f"{old.milestone_strategy.name} becomes {platform.milestone_strategy.name}:"
                " its tables cannot be turned into the other kind",
                "restore the strategy, declare a platform of another name and assign the groups to it",
            )
        if platform.merge_container.name != old.merge_container.name:
            yield MERGE_CHANGED.finding(
                path,
                f'the merge container "{old.merge_container.name}" becomes "{platform.merge_container.name}":'
                " tables and their history stay where they are",
                "restore it; to move a database keep the container's name and change its address",
            )


def _readers(ecosystem: Ecosystem) -> Readers:
    readers: dict[tuple[str, str], list[str]] = {}
    for _, workspace, group in ecosystem.groups():
        for sink in group.sinks:
            readers.setdefault((sink.store, sink.dataset), []).append(f"{workspace.name}/{group.name}")
    return readers


def _read_by(readers: Readers, store: Datastore, dataset: Dataset) -> str:
    """` that Consumer1/LiveDSG reads`, or nothing where nobody does."""
    names = readers.get((store.name, dataset.name), ())
    if not names:
        return ""
    if len(names) <= SHOWN_READERS:
        return f" that {' and '.join(names)} {'reads' if len(names) == 1 else 'read'}"
    return f" that {', '.join(names[:SHOWN_READERS])} and {len(names) - SHOWN_READERS} more read"


def _change(old: DataType, new: DataType) -> str:
    if isinstance(old, Enum) and isinstance(new, Enum):
        gone = [label for label in old.labels if label not in new.labels]
        return f"taking away the label {', '.join(gone[:SHOWN_READERS])}{'…' if len(gone) > SHOWN_READERS else ''}"
    return f"{_spelled(old)} → {_spelled(new)}"


def _spelled(kind: DataType) -> str:
    return "enum" if isinstance(kind, Enum) else kind.sql.replace("character varying", "varchar")


def _notice(kind: str) -> str:
    return f"deprecate the {kind} first: deploy it with deprecated=…, then change it in a later commit"
