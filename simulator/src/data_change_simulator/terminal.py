"""How changes and the beginning and end of a run read on a terminal. The one place of the project with emoji."""

from collections.abc import Mapping
from typing import Final

from data_change_simulator.changes import Change, OperationName, RowOperation
from data_change_simulator.simulator import Summary

_WORDS: Final[Mapping[OperationName, str]] = {
    OperationName.INSERT_CUSTOMER: "👤 new customer    ",
    OperationName.UPDATE_CUSTOMER: "📝 changed customer",
    OperationName.INSERT_ADDRESS: "🏠 new address     ",
    OperationName.UPDATE_ADDRESS: "🚚 changed address ",
    OperationName.DELETE_ADDRESS: "❌ removed address ",
}
_SIGNS: Final[Mapping[RowOperation, str]] = {
    RowOperation.INSERTED: "+",
    RowOperation.UPDATED: "~",
    RowOperation.DELETED: "-",
}


def change_line(change: Change) -> str:
    """One line: number, kind, and the key of every row with + ~ or - for inserted, updated, deleted."""
    keys = "  ".join(f"{_SIGNS[row.operation]}{row.key}" for row in change.rows)
    return f"{change.n:>6}  {_WORDS[change.operation]}  {keys}"


def row_lines(change: Change) -> list[str]:
    """One line per row: table, key, and the first digits of the hashes before and after."""
    return [
        f"{'':>8}{row.table}/{row.key}  {(row.before or 'none')[:8]} -> {(row.after or 'none')[:8]}"
        for row in change.rows
    ]


def summary_line(summary: Summary) -> str:
    """What the run came to, with what is needed to repeat it."""
    reconnects = f", connected again {summary.reconnects} x" if summary.reconnects else ""
    return f"{summary} in {summary.elapsed_seconds:.1f} s, seed {summary.seed}{reconnects}"
