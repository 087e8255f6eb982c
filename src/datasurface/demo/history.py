"""The history of one row, read by a user of its workspace who may read that workspace's views and nothing else."""

from collections.abc import Sequence
from typing import Any, Final

from psycopg2 import extensions, sql

from datasurface.connections import Login
from datasurface.demo import statements
from datasurface.demo.records import HistoryTold, Version
from datasurface.demo.stage import SCHEMA, Stage
from datasurface.errors import StateError
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.init.login_files import ensure_login
from datasurface.yellow.plan import names
from datasurface.yellow.plan.tables import TablePlan
from datasurface.yellow.plan.views import ViewKind, ViewPlan

_QUERIES: Final = statements.load("tour.sql")


def tell_history(stage: Stage) -> HistoryTold:
    """Make a login for the reader of a workspace, and read the row with most versions through its history view."""
    view = _history_view(stage)
    login = stage.reader = reader_login(stage, view.workspace)
    key = _table(stage, view).key
    with stage.installation.session(stage.installation.plan.merge_database, login) as session:
        values = _most_changed(session, view, key)
        columns, rows = _versions(session, view, key, values)
    shown = [name for index, name in enumerate(columns) if len({row[index + 2] for row in rows}) > 1]
    return HistoryTold(
        key=" ".join(str(value) for value in values),
        view=view.name,
        reader=login.username,
        columns=shown,
        versions=_told(columns, rows, shown),
    )


def reader_login(stage: Stage, workspace: str) -> Login:
    """A login that is a member of the workspace's reader role; its password lies beside the others."""
    reader = stage.installation.plan.roles.reader(workspace)
    user = names.dependent(reader.removesuffix("_reader"), "_user")
    login = ensure_login(stage.installation.folder / "credentials" / user, user).login
    with stage.merge_session() as session:
        verifier = extensions.encrypt_password(login.password, user, session.raw, "scram-sha-256")
        with session.raw.cursor() as cursor:
            statement = _QUERIES["make_reader_login"].format(user=sql.Identifier(user), reader=sql.Identifier(reader))
            cursor.execute(statement, {"verifier": verifier})
        session.commit()
    return login


def _history_view(stage: Stage) -> ViewPlan:
    for view in stage.plan.views:
        if view.kind is ViewKind.HISTORY and view.dataset == stage.source.story_dataset:
            return view
    raise StateError(f"the model has no history view of {stage.source.story_dataset}")


def _table(stage: Stage, view: ViewPlan) -> TablePlan:
    tables = (table for stream in stage.plan.streams for table in stream.tables)
    return next(table for table in tables if table.merge_table == view.merge_table)


def _most_changed(session: Session, view: ViewPlan, key: Sequence[str]) -> tuple[Any, ...]:
    distinct = [sql.SQL("count(DISTINCT ROW({}::text))").format(sql.Identifier(column.name)) for column in view.columns]
    query = _QUERIES["most_changed_key"].format(
        view=sql.Identifier(SCHEMA, view.name), key=_listed(key), distinct_values=sql.SQL(" + ").join(distinct)
    )
    with session.raw.cursor() as cursor:
        cursor.execute(query)
        found = cursor.fetchone()
    if found is None:
        raise StateError(f"{view.name} has no row")
    return tuple(found)


def _versions(
    session: Session, view: ViewPlan, key: Sequence[str], values: Sequence[Any]
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """The columns outside of the key, and per version: batch from, batch to, their texts."""
    columns = [column.name for column in view.columns if column.name not in key]
    query = _QUERIES["versions_of_key"].format(
        view=sql.Identifier(SCHEMA, view.name),
        key=_listed(key),
        values=sql.SQL(", ").join([sql.Placeholder()] * len(key)),
        texts=sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(column)) for column in columns),
    )
    with session.raw.cursor() as cursor:
        cursor.execute(query, list(values))
        return columns, cursor.fetchall()


def _told(columns: list[str], rows: list[tuple[Any, ...]], shown: list[str]) -> list[Version]:
    versions: list[Version] = []
    for index, (valid_from, valid_to, *texts) in enumerate(rows):
        row = dict(zip(columns, texts, strict=True))
        before = dict(zip(columns, rows[index - 1][2:], strict=True)) if index else None
        follows = before is not None and rows[index - 1][1] == valid_from - 1
        changed = [name for name in shown if before is not None and row[name] != before[name]] if follows else None
        values = [row[name] for name in shown]
        versions.append(Version(valid_from=valid_from, valid_to=valid_to, values=values, changed=changed))
    return versions


def _listed(columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))
