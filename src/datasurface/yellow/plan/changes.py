"""What one plan changes in another: for `model apply`, which waits for the streams it disturbs, and for people.

Only plans are compared. What a database has beyond the deployed plan, such as columns that left the model earlier, is
found by reflection when the plan is applied.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

from datasurface.model.widening import is_widening_sql
from datasurface.yellow.plan.ecosystem_plan import EcosystemPlan
from datasurface.yellow.plan.streams import StreamPlan
from datasurface.yellow.plan.tables import ColumnPlan, TablePlan

T = TypeVar("T")


class ChangeKind(StrEnum):
    """What happened to a thing that one of the plans has."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A platform, stream, view, workspace or DAG row, by the name under which plans are compared."""

    kind: ChangeKind
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeChange:
    """A column whose type is another; both as PostgreSQL spells them."""

    column: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRef:
    """A stream, as its lock and its rows name it."""

    platform: str
    stream_key: str

    def __str__(self) -> str:
        return f"{self.platform}/{self.stream_key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableChange:
    """A merge table that is added, removed from the plan, or has other columns or another stream.

    `hidden` columns left the model and stay in the table. `retyped` ones have a type that is no widening of the old
    one. `required` columns refuse nulls from now on, `relaxed` ones no longer do. `is_kept_otherwise`: the platform's
    own columns differ, because it keeps history or hashes where it did not. `before` and `after` are the table's
    streams, None where it is in no plan.
    """

    kind: ChangeKind
    merge_table: str
    store: str
    dataset: str
    before: StreamRef | None
    after: StreamRef | None
    added: Sequence[str] = ()
    hidden: Sequence[str] = ()
    widened: Sequence[TypeChange] = ()
    retyped: Sequence[TypeChange] = ()
    required: Sequence[str] = ()
    relaxed: Sequence[str] = ()
    is_key_changed: bool = False
    is_kept_otherwise: bool = False

    @property
    def disturbs(self) -> bool:
        """True where an existing table is altered or gets another stream: no batch of its streams may be under way."""
        if self.kind is not ChangeKind.CHANGED:
            return False
        is_altered = self.added or self.widened or self.retyped or self.is_key_changed or self.is_kept_otherwise
        return bool(is_altered) or self.before != self.after


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanChanges:
    """All differences of two plans, each list sorted by name. Streams are named `YellowLive/Store1`."""

    platforms: Sequence[Change]
    streams: Sequence[Change]
    tables: Sequence[TableChange]
    views: Sequence[Change]
    workspaces: Sequence[Change]
    dags: Sequence[Change]

    @property
    def is_empty(self) -> bool:
        """True where the two plans are one."""
        return not (self.platforms or self.streams or self.tables or self.views or self.workspaces or self.dags)

    @property
    def disturbed_streams(self) -> tuple[StreamRef, ...]:
        """The streams whose locks are needed before the tables may change, sorted."""
        refs = {ref for table in self.tables if table.disturbs for ref in (table.before, table.after) if ref}
        return tuple(sorted(refs, key=str))


#: The plan of a database where nothing is deployed yet.
NOTHING: Final = EcosystemPlan(ecosystem="", platforms=(), streams=(), views=(), workspaces=(), dags=(), plan_hash="")


#: What a plan changes in itself.
NONE: Final = PlanChanges(platforms=(), streams=(), tables=(), views=(), workspaces=(), dags=())


def compare(deployed: EcosystemPlan | None, new: EcosystemPlan) -> PlanChanges:
    """What `new` changes in `deployed`; None: nothing is deployed yet, so that everything is added."""
    old = deployed or NOTHING
    return PlanChanges(
        platforms=_changes(old.platforms, new.platforms, lambda platform: platform.platform),
        streams=_changes(old.streams, new.streams, lambda stream: str(_ref(stream))),
        tables=_table_changes(old.streams, new.streams),
        views=_changes(old.views, new.views, lambda view: view.name),
        workspaces=_changes(old.workspaces, new.workspaces, str),
        dags=_changes(old.dags, new.dags, lambda row: f"{row.config['original_platform_name']}/{row.stream_key}"),
    )


def _changes(before: Sequence[T], after: Sequence[T], name_of: Callable[[T], str]) -> tuple[Change, ...]:
    old = {name_of(element): element for element in before}
    new = {name_of(element): element for element in after}
    return tuple(
        Change(kind=kind, name=name)
        for name in sorted(old.keys() | new.keys())
        if (kind := _kind(old.get(name), new.get(name))) is not None
    )


def _kind(before: object | None, after: object | None) -> ChangeKind | None:
    if before is None:
        return ChangeKind.ADDED
    if after is None:
        return ChangeKind.REMOVED
    return None if before == after else ChangeKind.CHANGED


def _ref(stream: StreamPlan) -> StreamRef:
    return StreamRef(platform=stream.platform, stream_key=stream.stream_key)


def _tables(streams: Iterable[StreamPlan]) -> Mapping[str, tuple[StreamPlan, TablePlan]]:
    return {table.merge_table: (stream, table) for stream in streams for table in stream.tables}


def _table_changes(before: Sequence[StreamPlan], after: Sequence[StreamPlan]) -> tuple[TableChange, ...]:
    old, new = _tables(before), _tables(after)
    changes = []
    for name in sorted(old.keys() | new.keys()):
        if name in old and name in new:
            change = _table_change(*old[name], *new[name])
        elif name in new:
            change = _whole_table(ChangeKind.ADDED, *new[name])
        else:
            change = _whole_table(ChangeKind.REMOVED, *old[name])
        changes += [change] if change else []
    return tuple(changes)


def _whole_table(kind: ChangeKind, stream: StreamPlan, table: TablePlan) -> TableChange:
    ref = _ref(stream)
    return TableChange(
        kind=kind,
        merge_table=table.merge_table,
        store=stream.store,
        dataset=table.dataset,
        before=None if kind is ChangeKind.ADDED else ref,
        after=ref if kind is ChangeKind.ADDED else None,
    )


def _table_change(old_stream: StreamPlan, old: TablePlan, new_stream: StreamPlan, new: TablePlan) -> TableChange | None:
    """How the table differs; None where nothing that a database keeps does."""
    before = {column.name: column for column in old.columns}
    after = {column.name: column for column in new.columns}
    both = [(before[name], column) for name, column in after.items() if name in before]
    change = TableChange(
        kind=ChangeKind.CHANGED,
        merge_table=new.merge_table,
        store=new_stream.store,
        dataset=new.dataset,
        before=_ref(old_stream),
        after=_ref(new_stream),
        added=tuple(name for name in after if name not in before),
        hidden=tuple(name for name in before if name not in after),
        widened=tuple(_type_change(*pair) for pair in both if _is_retyped(*pair) and _is_widened(*pair)),
        retyped=tuple(_type_change(*pair) for pair in both if _is_retyped(*pair) and not _is_widened(*pair)),
        required=tuple(now.name for then, now in both if now.is_required and not then.is_required),
        relaxed=tuple(now.name for then, now in both if then.is_required and not now.is_required),
        is_key_changed=old.key != new.key,
        is_kept_otherwise=_metadata(old_stream) != _metadata(new_stream),
    )
    return change if change.disturbs or change.hidden or change.required or change.relaxed else None


def _is_retyped(before: ColumnPlan, after: ColumnPlan) -> bool:
    return before.sql_type != after.sql_type


def _is_widened(before: ColumnPlan, after: ColumnPlan) -> bool:
    return is_widening_sql(before.sql_type, after.sql_type)


def _type_change(before: ColumnPlan, after: ColumnPlan) -> TypeChange:
    return TypeChange(column=after.name, before=before.sql_type, after=after.sql_type)


def _metadata(stream: StreamPlan) -> tuple[str, bool]:
    """What decides which columns of its own a platform keeps beside the dataset's."""
    return (stream.strategy, stream.store_hashes)
