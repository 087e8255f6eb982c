"""What a view is made of: its SELECT, the statement that makes it and what the catalogue says of it. Pure.

A view shows exactly the dataset's columns in the plan's types, so that what is stored beside them or more widely never
shows. Which views there are is the plan's matter, when they change `view_sync`'s.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from psycopg2 import sql

from datasurface.yellow.engine import queries, sql_types
from datasurface.yellow.plan import names
from datasurface.yellow.plan.tables import OPEN_BATCH
from datasurface.yellow.plan.views import HISTORY_COLUMNS, ViewKind, ViewPlan

_STATEMENTS: Final = queries.load("views.sql")

#: How the last line of a view's comment begins that is ours.
MARKER: Final = "datasurface:"

#: The types of `HISTORY_COLUMNS`.
HISTORY_TYPES: Final[Mapping[str, str]] = dict(
    zip(HISTORY_COLUMNS, ("integer", "integer", "timestamp with time zone", "timestamp with time zone"), strict=True)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What the comment of a view of ours says: whose it is, and hashes of its text as we wrote it and as it is stored.

    By the first it is seen that the plan asks for something else, by the second that somebody changed the view.
    """

    platform_name: str
    workspace: str
    definition: str
    stored: str


def place(view_name: str, schema: str) -> sql.Identifier:
    """The view's name, qualified."""
    return sql.Identifier(schema, view_name)


def shown(view: ViewPlan) -> Mapping[str, str]:
    """Names and types of all that the view shows, in the order of a new view."""
    columns = {column.name: column.sql_type for column in view.columns}
    return columns | dict(HISTORY_TYPES) if view.kind is ViewKind.HISTORY else columns


def order(view: ViewPlan, existing: Iterable[str]) -> tuple[str, ...]:
    """The names of `shown` as a view can be replaced in place: the `existing` ones in their order, then the new."""
    names_shown = shown(view)
    kept = [name for name in existing if name in names_shown]
    return (*kept, *(name for name in names_shown if name not in kept))


def query(view: ViewPlan, names_in_order: Sequence[str], schema: str) -> sql.Composed:
    """The view's SELECT, its columns in the given order of the names of `shown`."""
    name = "current_of_forensic" if view.is_forensic else "current_of_live"
    if view.kind is ViewKind.HISTORY:
        name = "history"
    expressions = _expressions(view)
    return _STATEMENTS[name].format(
        columns=sql.SQL(", ").join(
            sql.SQL("{} AS {}").format(expressions[name], sql.Identifier(name)) for name in names_in_order
        ),
        merge=sql.Identifier(schema, view.merge_table),
        metrics=sql.Identifier(schema, view.batch_metrics),
        key=sql.Literal(view.stream_key),
        open=sql.Literal(OPEN_BATCH),
    )


def create(view: ViewPlan, names_in_order: Sequence[str], schema: str) -> sql.Composed:
    """The statement that makes the view, or replaces it in place."""
    return _STATEMENTS["create_view"].format(view=place(view.name, schema), query=query(view, names_in_order, schema))


#: Makes the statement that makes a view: its plan, the names of `shown` in order, the schema.
CreateView = Callable[[ViewPlan, Sequence[str], str], sql.Composed]


def digest(definition: str) -> str:
    """The hash of a statement's text."""
    return hashlib.sha256(definition.encode()).hexdigest()[:32]


def comment(view: ViewPlan, *, definition: str, stored: str) -> str:
    """What the catalogue says of the view: a line for people and the mark; the hashes as in `Mark`."""
    what = "every version, with its validity" if view.kind is ViewKind.HISTORY else "as of the last batch"
    mark = {
        "v": 1,
        "platform": names.platform_name(view.platform),
        "workspace": view.workspace,
        "definition": definition,
        "stored": stored,
    }
    line = f"{view.store}/{view.dataset} for {view.workspace}/{view.group} by {view.platform}: {what}"
    return f"{line}\n{MARKER}{json.dumps(mark, ensure_ascii=False)}"


def mark_of(text: str | None) -> Mark | None:
    """The mark in a comment, or None: the view is not ours."""
    last_line = (text or "").rpartition("\n")[2]
    if not last_line.startswith(MARKER):
        return None
    try:
        mark = json.loads(last_line.removeprefix(MARKER))
        return Mark(
            platform_name=str(mark["platform"]),
            workspace=str(mark["workspace"]),
            definition=str(mark["definition"]),
            stored=str(mark["stored"]),
        )
    except (ValueError, KeyError, TypeError):
        return None


def _expressions(view: ViewPlan) -> Mapping[str, sql.Composable]:
    """What stands for each name of `shown`: a column of the merge table, cast, or a part of the version's validity."""
    columns: dict[str, sql.Composable] = {
        column.name: sql.SQL("{}::{}").format(sql.Identifier("m", column.name), sql_types.of_plan(column.sql_type))
        for column in view.columns
    }
    if view.kind is ViewKind.HISTORY:
        columns |= {name: _STATEMENTS[name].format(open=sql.Literal(OPEN_BATCH)) for name in HISTORY_COLUMNS}
    return columns
