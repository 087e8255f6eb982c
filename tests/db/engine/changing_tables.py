"""Small tables that change in every way that a careless comparison misses, and what a batch has to make of it.

Each table is a list of snapshots; the tests bring the source to one after the other and make a batch of each. Nothing
here runs a statement.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from datasurface.yellow.engine.difference.delta import Counts
from datasurface.yellow.plan.tables import ColumnPlan
from tests.db.streams import column

Row = tuple[Any, ...]
Snapshot = Sequence[Row]

#: Texts that COPY has to escape, that look like its own marks, or that are nearly the same.
STRANGE_TEXTS = (
    "",
    " ",
    "\t",
    "\n",
    "\r\n",
    "\\",
    "\\\\",
    "\\N",
    "\\.",
    "\\n",
    "\\t",
    "N",
    "null",
    "NULL",
    "'",
    '"',
    "''; --",
    "a\tb",
    "a\\tb",
    "a\nb",
    "%s %(x)s %%",
    "{} {0}",
    "\x01\x7f",
    "\u00e4",
    "a\u0308",
    "\U0001f600",
    "\u6f22\u5b57",
    "x" * 3000,
)
HOSTILE_NAMES = (
    'quo"te',
    "per%cent %s %(x)s",
    "bra{}ce {0}",
    "sp ace",
    "sel'ect",
    "select",
    "Name",
    "name",
    "NAME",
    "größe 漢字",
    "back\\slash",
    "tab\tnew\nline",
    "n" * 63,
    "m",
    "k",
    "s",
    "x",
    "d",
    "op",
    "target",
    "staged",
    "nth",
    "ds_row",
    "ds_target",
    "key",
)


@dataclass(frozen=True, kw_only=True)
class ChangingTable:
    """A dataset and its snapshots; the first columns of a row are the key's."""

    dataset: str
    columns: Sequence[ColumnPlan]
    snapshots: Sequence[Snapshot]

    @property
    def keys(self) -> int:
        """How many columns the key has; 0: rows are counted."""
        return sum(column.is_key for column in self.columns)

    @property
    def key_of(self) -> Callable[[Row], Row]:
        """The key of a row; without one the whole row."""
        return lambda row: row[: self.keys] if self.keys else row

    def counts(self, step: int) -> Counts:
        """The counts of the batch that makes snapshot `step`."""
        now, before = self.snapshots[step], self.snapshots[step - 1] if step else ()
        came, left = Counter(now) - Counter(before), Counter(before) - Counter(now)
        if not self.keys:
            return Counts(inserted=came.total(), deleted=left.total(), total=len(now))
        updated = {self.key_of(row) for row in came} & {self.key_of(row) for row in left}
        return Counts(
            inserted=came.total() - len(updated),
            updated=len(updated),
            deleted=left.total() - len(updated),
            total=len(now),
        )

    def present(self, step: int) -> list[tuple[int, Row]]:
        """The rows of snapshot `step`, each with the batch that made it what it is."""
        return sorted([(since, row) for since, until, row in self.versions(step) if until is None], key=repr)

    def versions(self, step: int) -> list[tuple[int, int | None, Row]]:
        """Every version up to snapshot `step`: first and last batch (None: open) and the row."""
        closed: list[tuple[int, int | None, Row]] = []
        open_versions: list[tuple[int, Row]] = []
        for number, snapshot in enumerate(self.snapshots[: step + 1], start=1):
            staying, coming = [], Counter(snapshot)
            for since, row in open_versions:
                if coming[row]:
                    coming[row] -= 1
                    staying.append((since, row))
                else:
                    closed.append((since, number - 1, row))
            open_versions = staying + [(number, row) for row in coming.elements()]
        return sorted([*closed, *((since, None, row) for since, row in open_versions)], key=repr)


def _key(name: str, sql_type: str = "text") -> ColumnPlan:
    return column(name, sql_type, is_key=True)


def _turned(values: Sequence[Any], steps: int) -> list[Any]:
    return [*values[steps:], *values[:steps]]


def _wide(changed: int | None) -> Row:
    """A row of 100 columns, every third one null; `changed` is the one that differs."""
    values: list[Any] = [None if number % 3 == 0 else f"v{number}" for number in range(1, 100)]
    if changed is not None:
        values[changed] = None if values[changed] is not None else ""
    return ("wide", *values)


def _named(key: str, value: str) -> Row:
    return (key, *[f"{value} {number}" for number in range(1, len(HOSTILE_NAMES))])


CHANGING_TABLES = (
    ChangingTable(
        dataset="plain",
        columns=[_key("id", "integer"), column("name"), column("size", "integer")],
        snapshots=[
            [(1, "one", 1), (2, "two", 2), (3, "three", 3), (4, "four", 4)],
            [(1, "one", 1), (2, "two", 20), (4, "four", 4), (5, "five", 5)],
            [(1, "one", 1), (2, "two", 2), (3, "three", 3), (4, "four", 4), (5, "five", 5)],
            [(1, "one", 1), (2, "two", 2), (3, "three", 3), (4, "four", 4), (5, "five", 5)],
            [(1, "one", 1)],
            [(number, f"row {number}", -number) for number in range(300)],
        ],
    ),
    ChangingTable(
        dataset="moved_boundary",
        columns=[_key("a"), _key("b"), column("v")],
        snapshots=[
            [("a", "bc", "1"), ("x", "", "y"), ("p", "q", "rs")],
            [("ab", "c", "1"), ("", "x", "y"), ("p", "q", "rs")],
            [("a", "bc", "1"), ("x", "y", ""), ("p", "qr", "s")],
        ],
    ),
    ChangingTable(
        dataset="strange_values",
        columns=[_key("id", "integer"), column("v"), column("w")],
        snapshots=[
            [(number, text, text) for number, text in enumerate((*STRANGE_TEXTS, None))],
            [(number, text, None) for number, text in enumerate(_turned((*STRANGE_TEXTS, None), 1))],
            [(number, None, text) for number, text in enumerate(_turned((*STRANGE_TEXTS, None), 1))],
            [(number, text, text) for number, text in enumerate(_turned((*STRANGE_TEXTS, None), 5))],
        ],
    ),
    ChangingTable(
        dataset="strange_keys",
        columns=[_key("k", "character varying(4000)"), _key("l"), column("v", "integer")],
        snapshots=[
            [(text, "l", 1) for text in STRANGE_TEXTS],
            [(text, "l", 2) for text in STRANGE_TEXTS],
            [("l", text, 2) for text in STRANGE_TEXTS],
            [(text, text, number % 2) for number, text in enumerate(STRANGE_TEXTS)],
            [(text, text, 1) for text in STRANGE_TEXTS[::2]],
        ],
    ),
    ChangingTable(
        dataset="keys_of_one_case",
        columns=[_key("k", "character varying(10)"), column("v")],
        snapshots=[
            [("abc", "1"), ("ABC", "2"), ("Abc", "3"), ("ä", "4"), ("Ä", "5")],
            [("abc", "1"), ("ABC", "20"), ("aBc", "3"), ("Ä", "4"), ("a\u0308", "5")],
            [("ABC", "1"), ("abc", "20")],
        ],
    ),
    ChangingTable(
        dataset="nulls_and_empties",
        columns=[_key("id", "integer"), column("v"), column("w")],
        snapshots=[
            [(1, None, "x"), (2, "", None), (3, None, None), (4, "x", "")],
            [(1, "x", None), (2, None, ""), (3, "", ""), (4, "", "x")],
            [(1, "x", ""), (2, None, None), (3, None, None), (4, "", "x")],
            [(1, None, "x"), (2, "", None), (3, None, None), (4, "x", "")],
        ],
    ),
    ChangingTable(
        dataset="coming_and_going",
        columns=[_key("id"), column("v")],
        snapshots=[
            [("stays", "1"), ("flips", "a"), ("leaves", "1")],
            [("stays", "1"), ("flips", "b")],
            [("stays", "1"), ("flips", "a"), ("leaves", "1")],
            [("stays", "1"), ("flips", "b"), ("leaves", "2")],
            [("stays", "1"), ("flips", "b")],
            [("stays", "1"), ("flips", "a"), ("leaves", "2")],
        ],
    ),
    ChangingTable(
        dataset="emptied",
        columns=[_key("id"), column("v")],
        snapshots=[[("a", "1"), ("b", "2")], [], [], [("a", "1"), ("b", "3")], [], [("c", "1")]],
    ),
    ChangingTable(
        dataset="empty_at_first",
        columns=[_key("id"), column("v")],
        snapshots=[[], [], [("a", "1")], [("a", "2")], []],
    ),
    ChangingTable(
        dataset="all_key",
        columns=[_key("a"), _key("b", "integer")],
        snapshots=[[("x", 1), ("x", 2), ("y", 1)], [("x", 1), ("y", 2)], [("x", 1), ("x", 2), ("y", 1)]],
    ),
    ChangingTable(
        dataset="one_column",
        columns=[_key("only")],
        snapshots=[[("",), ("\\N",), ("a",)], [("",), ("b",)], [("a",)], []],
    ),
    ChangingTable(
        dataset="wide",
        columns=[_key("id"), *(column(f"column {number}") for number in range(1, 100))],
        snapshots=[[_wide(None)], [_wide(0)], [_wide(98)], [_wide(97)], [_wide(None)]],
    ),
    ChangingTable(
        dataset='or"der %s {0} größe; --',
        columns=[_key(HOSTILE_NAMES[0]), *(column(name) for name in HOSTILE_NAMES[1:])],
        snapshots=[
            [_named("a", "x"), _named("b", "x")],
            [_named("a", "y"), _named("c", "x")],
            [_named("a", "y"), _named("b", "x")],
        ],
    ),
    ChangingTable(
        dataset="counted_rows",
        columns=[column("a"), column("b")],
        snapshots=[
            [("x", "1"), ("x", "1"), ("x", "1"), ("y", None), ("y", ""), (None, "y"), (None, None), (None, None)],
            [("x", "1"), ("x", "1"), ("y", None), ("y", None), (None, "y"), (None, None)],
            [("x", "2"), ("x", "1"), ("y", None), ("y", None), (None, "y"), (None, None), ("x1", "")],
            [],
            [("x", "1")] * 4,
            [("x", "1")] * 3 + [("\t", "\n"), ("\t\n", "")],
        ],
    ),
    ChangingTable(
        dataset="one_counted_column",
        columns=[column("v", "integer")],
        snapshots=[[(1,), (1,), (None,)], [(1,), (None,), (None,)], [(1,), (1,), (1,), (None,)]],
    ),
)
STEPS = max(len(table.snapshots) for table in CHANGING_TABLES)


def at_every_step(table: ChangingTable) -> ChangingTable:
    """The table with as many snapshots as there are steps: it keeps its last one."""
    missing = STEPS - len(table.snapshots)
    return ChangingTable(
        dataset=table.dataset,
        columns=table.columns,
        snapshots=[*table.snapshots, *[table.snapshots[-1]] * missing],
    )
