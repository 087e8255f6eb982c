"""Logins of people and programs that read a workspace's views: members of the workspace's role, and nothing more.

The model merge makes the same roles of workspaces when it first needs them; whoever comes first, the other one finds
them made. A login whose workspaces change loses the views that are not its own any more.
"""

from collections.abc import Iterator
from typing import Final

from psycopg2 import sql

from datasurface.yellow.engine import queries
from datasurface.yellow.engine.init.init_plan import InitPlan, ReaderLogin
from datasurface.yellow.engine.init.step import Step

_QUERIES: Final = queries.load("init_readers.sql")


def reader_steps(plan: InitPlan) -> Iterator[Step]:
    """The roles of workspaces, who is a member of which, and that the model merge may try what each of them sees."""
    for workspace in dict.fromkeys(each for reader in plan.readers for each in reader.workspaces):
        yield _workspace_role(plan, workspace)
    for reader in plan.readers:
        yield _membership(plan, reader)
    yield Step(
        title=f"{plan.roles.merge} may act as every reader",
        database=plan.merge_database,
        is_done=_QUERIES["may_act_as_readers"].format(**_places(plan)),
        statement=_QUERIES["act_as_readers"].format(**_places(plan)),
    )


def _workspace_role(plan: InitPlan, workspace: str) -> Step:
    role = plan.roles.reader(workspace)
    return Step(
        title=f"role {role} of workspace {workspace}",
        database=plan.merge_database,
        is_done=_QUERIES["has_reader"].format(reader_name=sql.Literal(role), **_places(plan)),
        statement=_QUERIES["make_reader"].format(
            make_reader=sql.Identifier(plan.merge_schema, "ds_make_reader"), reader_name=sql.Literal(role)
        ),
    )


def _membership(plan: InitPlan, reader: ReaderLogin) -> Step:
    login = plan.roles.named(reader.login)
    groups = [plan.roles.reader(workspace) for workspace in reader.workspaces]
    places = _places(plan) | {"login_name": sql.Literal(login), "group_names": sql.Literal(groups)}
    return Step(
        title=f"{login} reads as {', '.join(groups)}",
        database=plan.merge_database,
        is_done=_QUERIES["reads_as"].format(**places),
        statement=_QUERIES["read_as"].format(**places),
    )


def _places(plan: InitPlan) -> dict[str, sql.Composable]:
    return {"readers_name": sql.Literal(plan.roles.readers), "merge_name": sql.Literal(plan.roles.merge)}
