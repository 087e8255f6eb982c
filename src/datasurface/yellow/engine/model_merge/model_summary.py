"""What applying a revision did, in two lines for a person: what changed, and how much work that was. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from datasurface.yellow.engine.model_merge.model_apply import ApplyOutcome
from datasurface.yellow.engine.views.view_steps import ViewAction
from datasurface.yellow.plan.changes import Change, ChangeKind, PlanChanges, TableChange

_VERBS: Final = {ChangeKind.ADDED: "is new", ChangeKind.REMOVED: "goes", ChangeKind.CHANGED: "changes"}
_PLURALS: Final = {ChangeKind.ADDED: "are new", ChangeKind.REMOVED: "go", ChangeKind.CHANGED: "change"}
#: How many things of one kind are named before the rest is counted.
_NAMED: Final = 5


def headline(outcome: ApplyOutcome) -> str:
    """`revision dir-3f2a91c: customers gains datecreated, lastupdated; addresses gains addresstype`."""
    return f"revision {outcome.revision}: {'; '.join(sentences(outcome.changes)) or 'nothing changes'}"


def sentences(changes: PlanChanges) -> list[str]:
    """What changes, each thing once: a dataset on two platforms has one sentence, its views and DAG rows have none."""
    return [
        *_named("platform", changes.platforms),
        *_named("workspace", changes.workspaces),
        *_named("stream", (change for change in changes.streams if change.kind is not ChangeKind.CHANGED)),
        *_datasets(changes),
    ] or _otherwise(changes)


def figures(outcome: ApplyOutcome) -> str:
    """`4 tables altered, 6 views replaced, 0.06 s`; what happened to none is left out."""
    counts = outcome.counts
    views: Mapping[ViewAction, int] = counts.views
    parts = (
        (counts.tables_created, "table", "made"),
        (counts.tables_altered, "table", "altered"),
        (views[ViewAction.CREATED], "view", "made"),
        (views[ViewAction.UPDATED], "view", "replaced"),
        (views[ViewAction.DROPPED], "view", "dropped"),
        (counts.streams_removed, "stream", "removed"),
    )
    said = [f"{count} {noun if count == 1 else noun + 's'} {verb}" for count, noun, verb in parts if count]
    return ", ".join([*said, f"{outcome.seconds:.2f} s"])


def _named(word: str, changes: Iterable[Change]) -> Iterator[str]:
    """`stream YellowLive/Store1 is new`, `platforms A, B and 7 more are new`."""
    by_kind: dict[ChangeKind, list[str]] = {}
    for change in changes:
        by_kind.setdefault(change.kind, []).append(change.name)
    for kind, names in by_kind.items():
        if len(names) == 1:
            yield f"{word} {names[0]} {_VERBS[kind]}"
            continue
        rest = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        yield f"{word}s {', '.join(names[:_NAMED])}{rest} {_PLURALS[kind]}"


def _datasets(changes: PlanChanges) -> Iterator[str]:
    """A sentence per dataset of a stream that stays, whatever the number of its platforms."""
    whole = {change.name for change in changes.streams if change.kind is not ChangeKind.CHANGED}
    tables = [table for table in changes.tables if str(table.after or table.before) not in whole]
    stores = {table.store for table in tables}
    said: dict[str, None] = {}
    for table in tables:
        name = table.dataset if len(stores) == 1 else f"{table.store}/{table.dataset}"
        for part in _parts(table):
            said[f"{name} {part}"] = None
    yield from said


def _parts(table: TableChange) -> Iterator[str]:
    if table.kind is not ChangeKind.CHANGED:
        yield _VERBS[table.kind]
        return
    named = (
        ("gains", table.added),
        ("hides", table.hidden),
        ("widens", [change.column for change in (*table.widened, *table.retyped)]),
        ("refuses nulls in", table.required),
        ("allows nulls in", table.relaxed),
    )
    yield from (f"{verb} {', '.join(columns)}" for verb, columns in named if columns)
    if table.is_key_changed:
        yield "has another key"


def _otherwise(changes: PlanChanges) -> list[str]:
    """What is left to say where no table, stream, platform or workspace changes."""
    found = (("view", changes.views), ("stream", changes.streams), ("DAG row", changes.dags))
    return [f"1 {word} differs" if len(each) == 1 else f"{len(each)} {word}s differ" for word, each in found if each]
