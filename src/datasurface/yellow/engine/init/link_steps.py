"""The link from the consumers' database to the merge database, where the server has postgres_fdw."""

from collections.abc import Iterator
from typing import Final

from psycopg2 import sql

from datasurface.yellow.engine import queries
from datasurface.yellow.engine.init.init_plan import InitPlan
from datasurface.yellow.engine.init.step import Secret, SecretKind, Step

#: Name of the merge database in the consumers' one, for CREATE FOREIGN TABLE.
LINK_SERVER: Final = "ds_merge_database"

_QUERIES: Final = queries.load("init_link.sql")


def link_steps(plan: InitPlan) -> Iterator[Step]:
    """Extension, server, and a login for the owner of the views alone."""
    secret = Secret(credential="ds_link", kind=SecretKind.PASSWORD)
    roles = plan.roles
    places = {
        "server": sql.Identifier(LINK_SERVER),
        "server_name": sql.Literal(LINK_SERVER),
        "host": sql.Literal(plan.link_host),
        "port": sql.Literal(str(plan.link_port)),
        "database_name": sql.Literal(plan.merge_database),
        "views": sql.Identifier(roles.views),
        "views_name": sql.Literal(roles.views),
        "link_name": sql.Literal(roles.link),
        "password": sql.Placeholder(secret.parameter),
    }
    for title, done, statement, needed in (
        ("extension postgres_fdw", "has_extension", "make_extension", None),
        (f"server {LINK_SERVER}", "has_server", "make_server", None),
        (f"user mapping of {roles.views}", "has_mapping", "make_mapping", secret),
    ):
        yield Step(
            title=f"{title} in {plan.consumer_database}",
            database=plan.consumer_database,
            is_done=_QUERIES[done].format(**places),
            statement=_QUERIES[statement].format(**places),
            requires=_QUERIES["is_available"].format(),
            secret=needed,
        )
