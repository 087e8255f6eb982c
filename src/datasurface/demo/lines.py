"""The records of the tour as lines of at most 100 columns. No facts are made here."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from datasurface.demo.records import (
    Audited,
    Finished,
    HistoryTold,
    LeftRunning,
    ModelRead,
    Record,
    RevisionApplied,
    RoundRun,
    ServerStarted,
    SourceChanged,
    SourceMade,
    StreamRun,
    Version,
    ViewsCompared,
)

WIDTH: Final = 100
#: Where the text of a line begins, after its label.
INDENT: Final = 13
_GAP: Final = "   "
_WIDEST_CELL: Final = 32
#: Room that is kept for naming what changed.
_LEAST_CHANGED: Final = 14


def lines(record: Record) -> Sequence[str]:  # noqa: PLR0911, C901 - one line per kind of record
    """What a person reads of a record."""
    match record:
        case ServerStarted():
            place = f"{record.version} embedded · touches nothing but {record.folder}"
            return [_spread("datasurface demo", place)]
        case ModelRead():
            return list(
                _labelled("model", [_spread(_model(record), f"lint: {counted(record.findings, 'finding')}", INDENT)])
            )
        case SourceMade():
            return list(_labelled("source", _wrapped([f"{rows:,} {table}" for table, rows in record.rows.items()])))
        case RevisionApplied():
            return list(_labelled("model", _revision(record)))
        case SourceChanged():
            return list(_labelled("source", textwrap.wrap(record.text, WIDTH - INDENT)))
        case RoundRun():
            return list(_labelled(f"batch {record.number}", _runs(record.runs)))
        case HistoryTold():
            return list(_history(record))
        case Audited():
            return list(_labelled("audit", [_spread(record.sentence, "OK", INDENT)]))
        case ViewsCompared():
            return list(_labelled("views", _views(record)))
        case LeftRunning():
            return list(_left_running(record))
        case Finished():
            removed = "" if record.removed is None else f"; {record.removed} is removed"
            return list(_labelled("done", [f"{record.seconds:.1f} s{removed}"]))


def counted(count: int, word: str) -> str:
    """`1 store`, `2 stores`."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def _labelled(label: str, texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield f"  {label:<{INDENT - 2}}{text}"
        label = ""


def _spread(left: str, right: str, taken: int = 0) -> str:
    """Both at the ends of the line, on one that has room; else one after the other."""
    return f"{left}{' ' * max(1, WIDTH - taken - len(left) - len(right))}{right}"


def _wrapped(parts: Sequence[str], separator: str = ", ") -> Iterator[str]:
    """Parts in lines that end within the width."""
    line = ""
    for part in parts:
        if line and INDENT + len(line) + len(separator) + len(part) >= WIDTH:
            yield line + separator.rstrip()
            line = ""
        line = f"{line}{separator if line else ''}{part}"
    yield line


def _model(record: ModelRead) -> str:
    counts = (
        counted(record.stores, "store"),
        counted(record.datasets, "dataset"),
        counted(record.platforms, "platform"),
        counted(record.workspaces, "workspace"),
    )
    return f"{record.ecosystem}: {', '.join(counts)}"


def _revision(record: RevisionApplied) -> Iterator[str]:
    gained = [f"{dataset} gains {', '.join(columns)}" for dataset, columns in record.added_columns.items()]
    counts = [
        f"{counted(count, thing)} {what}"
        for count, thing, what in (
            (record.tables_created, "table", "created"),
            (record.tables_altered, "table", "altered"),
            (record.views_created, "view", "created"),
            (record.views_updated, "view", "replaced"),
        )
        if count
    ]
    *first, last = _wrapped([f"revision {record.revision}", *gained], "; ")
    done = ", ".join([*counts, f"{record.seconds:.2f} s"])
    yield from first
    if INDENT + len(last) + len(_GAP) + len(done) <= WIDTH:
        yield _spread(last, done, INDENT)
    else:
        yield from (last, _spread("", done, INDENT))


def _runs(runs: Sequence[StreamRun]) -> Iterator[str]:
    rows = [
        (
            run.platform,
            run.stream_key,
            f"{run.counts.total:,} rows",
            f"+{run.counts.inserted:,}",
            f"~{run.counts.updated:,}",
            f"-{run.counts.deleted:,}",
            f"{run.seconds:.2f} s",
            "" if run.batch_id is not None else "unchanged",
        )
        for run in runs
    ]
    return _table(rows, left=(0, 1, 7))


def _table(rows: Sequence[Sequence[str]], left: Sequence[int]) -> Iterator[str]:
    """Columns as wide as they have to be; those in `left` begin at the left, the others end at the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (
            f"{cell:<{width}}" if index in left else f"{cell:>{width}}"
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield _GAP.join(cells).rstrip()


def _history(record: HistoryTold) -> Iterator[str]:
    columns = _fitting(record)
    header = ["valid from batch", "to", *(record.columns[index] for index in columns), "changed"]
    rows = [_version(version, columns) for version in record.versions]
    room = (
        WIDTH
        - len("  ")
        - sum(max(map(len, column)) + len(_GAP) for column in list(zip(header, *rows, strict=True))[:-1])
    )
    for row, version in zip(rows, record.versions, strict=True):
        row[-1] = _changed(version, room)
    yield ""
    yield f"  {record.key} as the forensic view remembers it"
    yield from (f"  {line}" for line in _table([header, *rows], left=range(2, len(header))))
    yield f"  {record.view}, read by {record.reader}"
    yield ""


def _version(version: Version, columns: Sequence[int]) -> list[str]:
    """One row of the table; its last cell, what changed, is filled once the room for it is known."""
    valid_to = "–" if version.valid_to is None else str(version.valid_to)
    return [str(version.valid_from), valid_to, *(_cell(version.values[index]) for index in columns), ""]


def _changed(version: Version, room: int) -> str:
    """The columns that changed, as many as there is room for, and how many more."""
    if version.changed is None:
        return "first seen" if version.valid_from == 1 else "seen again"
    named = list(version.changed)
    for shown in range(len(named), 0, -1):
        more = "" if shown == len(named) else f" +{len(named) - shown}"
        text = ", ".join(named[:shown]) + more
        if len(text) <= room:
            return text
    return counted(len(named), "column")


def _fitting(record: HistoryTold) -> list[int]:
    """Numbers of the columns that fit beside the rest, from the left."""
    room = WIDTH - len("  valid from batch") - 2 * len(_GAP) - len("to") - _LEAST_CHANGED
    fitting = []
    for index, name in enumerate(record.columns):
        width = max(len(name), *(len(_cell(version.values[index])) for version in record.versions)) + len(_GAP)
        if width <= room:
            fitting.append(index)
            room -= width
    return fitting


def _cell(value: str | None) -> str:
    text = "–" if value is None else value
    return text if len(text) <= _WIDEST_CELL else f"{text[: _WIDEST_CELL - 1]}…"


def _views(record: ViewsCompared) -> Iterator[str]:
    rows = sum(view.rows for view in record.views)
    counts = f"{counted(len(record.views), 'current view')}, {counted(rows, 'row')}"
    text = f"{counts}, compared with the source both ways (EXCEPT ALL)"
    yield _spread(text, "OK" if all(view.is_equal for view in record.views) else "DIFFERENT", INDENT)


def _left_running(record: LeftRunning) -> Iterator[str]:
    yield from _labelled("look", record.psql)
    yield from _labelled("in psql", record.queries)
    yield from _labelled("go on", record.commands)
    yield from _labelled("stop", [record.stop])
