"""What a stretch of the JSON log comes to per key: the difference between two snapshots of the source. No I/O."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any

from data_change_simulator.changes import LOG_VERSION, RowKey
from data_change_simulator.errors import LogUnusable


class NetChange(StrEnum):
    """What became of one key between two moments."""

    INSERTED = "inserted"
    UPDATED = "updated"
    DELETED = "deleted"


def net_changes(
    log_lines: Iterable[str], *, after: datetime | None = None, until: datetime | None = None
) -> dict[str, dict[str, NetChange]]:
    """The net change per table and key of the changes in `log_lines`, which are in the order of their commits.

    Only changes with `after` < at <= `until` count; None leaves that side open. Both are aware times. A key that was
    inserted and deleted again, and a row whose content is again what it was, come to nothing and are not in the result;
    a key that was deleted and inserted again is updated if its content differs. A table without net change is not in
    the result. Blank lines are skipped.

    Raises LogUnusable, with the line's number, for a line that is not of this log or of another version of it.
    """
    first: dict[RowKey, str | None] = {}
    last: dict[RowKey, str | None] = {}
    for row_key, before, after_row in _touched_rows(log_lines, after, until):
        first.setdefault(row_key, before)
        last[row_key] = after_row
    net: dict[str, dict[str, NetChange]] = {}
    for row_key in sorted(last):
        kind = _net_change(first[row_key], last[row_key])
        if kind is not None:
            net.setdefault(row_key.table, {})[row_key.key] = kind
    return net


def _net_change(before: str | None, after: str | None) -> NetChange | None:
    if before == after:
        return None
    if before is None:
        return NetChange.INSERTED
    return NetChange.DELETED if after is None else NetChange.UPDATED


def _touched_rows(
    log_lines: Iterable[str], after: datetime | None, until: datetime | None
) -> Iterator[tuple[RowKey, str | None, str | None]]:
    for number, line in enumerate(log_lines, start=1):
        if not line.strip():
            continue
        at, rows = _parsed(number, line)
        if (after is None or at > after) and (until is None or at <= until):
            yield from rows


def _parsed(number: int, line: str) -> tuple[datetime, list[tuple[RowKey, str | None, str | None]]]:
    try:
        entry: dict[str, Any] = json.loads(line)
        version = entry["v"]
        at = datetime.fromisoformat(entry["at"])
        rows = [(RowKey(table=row["table"], key=row["key"]), row["before"], row["after"]) for row in entry["rows"]]
    except (ValueError, KeyError, TypeError) as error:
        raise LogUnusable(f"line {number} is not a change of the simulator's log: {type(error).__name__}") from error
    if version != LOG_VERSION:
        raise LogUnusable(f"line {number} is of log version {version}, this program reads version {LOG_VERSION}")
    return at, rows
