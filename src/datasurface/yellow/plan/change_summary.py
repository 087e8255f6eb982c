"""Changes of a plan in words, a line each: what `model diff` and `model apply` tell a person."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from datasurface.yellow.plan.changes import Change, ChangeKind, PlanChanges, TableChange, TypeChange

VERBS: Final = {ChangeKind.ADDED: "is new", ChangeKind.REMOVED: "goes", ChangeKind.CHANGED: "changes"}


def summary(changes: PlanChanges) -> list[str]:
    """The changes in words, tables first said by what happens to their columns; empty where nothing changes.

    A DAG row is named only where its stream does not change, because a stream's change is the row's, too.
    """
    streams = {change.name for change in changes.streams}
    return [
        *_lines("platform", changes.platforms),
        *_lines("workspace", changes.workspaces),
        *_lines("stream", changes.streams),
        *(_table_line(table) for table in changes.tables),
        *_lines("view", changes.views),
        *_lines("DAG row", (row for row in changes.dags if row.name not in streams)),
    ]


def _lines(word: str, changes: Iterable[Change]) -> Iterator[str]:
    for change in changes:
        yield f"{word} {change.name} {VERBS[change.kind]}"


def _table_line(table: TableChange) -> str:
    parts = list(_column_parts(table)) if table.kind is ChangeKind.CHANGED else [VERBS[table.kind]]
    return f"table {table.merge_table} {'; '.join(parts)}"


def _column_parts(table: TableChange) -> Iterator[str]:
    """What happens to the columns of a table that both plans have."""
    named = (
        ("gains", table.added),
        ("hides", table.hidden),
        ("refuses nulls in", table.required),
        ("allows nulls in", table.relaxed),
        ("widens", _typed(table.widened)),
        ("retypes", _typed(table.retyped)),
    )
    yield from (f"{verb} {', '.join(columns)}" for verb, columns in named if columns)
    if table.is_key_changed:
        yield "has another key"
    if table.is_kept_otherwise:
        yield "is kept with other columns of the platform's own"
    if table.before != table.after:
        yield f"moves from stream {table.before} to {table.after}"


def _typed(changes: Sequence[TypeChange]) -> list[str]:
    return [f"{change.column} ({change.before} → {change.after})" for change in changes]
