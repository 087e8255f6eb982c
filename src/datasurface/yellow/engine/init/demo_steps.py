"""The demo source: its tables and first rows, which come in as scripts, and the rights of reader and writer."""

from collections.abc import Iterator
from typing import Final

from psycopg2 import sql

from datasurface.yellow.engine import queries
from datasurface.yellow.engine.init.init_plan import InitPlan
from datasurface.yellow.engine.init.psql_text import quoted
from datasurface.yellow.engine.init.step import Step

_QUERIES: Final = queries.load("init_demo.sql")
_HAS_TABLE: Final = queries.load("init_tables.sql")["has_table"]


def demo_steps(plan: InitPlan) -> Iterator[Step]:
    """Tables and rows in one transaction, so that rows are put in once only; then rights."""
    if plan.demo is None:
        return
    roles = plan.roles
    tables = [_HAS_TABLE.format(table_text=sql.Literal(f"public.{quoted(table)}")) for table in plan.demo.tables]
    yield Step(
        title=f"tables and first rows of {plan.customer_database}",
        database=plan.customer_database,
        is_done=sql.SQL("SELECT ({})").format(sql.SQL(") AND (").join(tables)),
        statement=sql.SQL("\n").join(
            [
                _QUERIES["begin_demo"].format(owner=sql.Identifier(roles.customer_owner)),
                sql.SQL(plan.demo.ddl),
                sql.SQL(plan.demo.seed),
                _QUERIES["end_demo"],
            ]
        ),
    )
    places = {
        kind: value
        for name in ("owner", "reader", "writer")
        for role in (getattr(roles, f"customer_{name}"),)
        for kind, value in (
            (name, sql.Identifier(role)),
            (f"{name}_name", sql.Literal(role)),
            (f"{name}_text", sql.Literal(quoted(role))),
        )
    }
    yield Step(
        title=f"{roles.customer_reader} reads and {roles.customer_writer} writes {plan.customer_database}",
        database=plan.customer_database,
        is_done=_QUERIES["may_read_and_write"].format(**places),
        statement=_QUERIES["grant_demo"].format(**places),
    )
