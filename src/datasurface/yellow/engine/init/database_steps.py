"""The databases, and who may enter which of them and its schema: PUBLIC nowhere."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from psycopg2 import sql

from datasurface.yellow.engine import queries
from datasurface.yellow.engine.init.init_plan import InitPlan
from datasurface.yellow.engine.init.step import Step

_QUERIES: Final = queries.load("init_databases.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseRights:
    """One database: its owner (None: whoever runs the initialisation), and which roles have which right there.

    `users` connect and look names of `schema` up; `temporary` may make temporary tables; `creators` may make objects in
    the schema, and look names up.
    """

    database: str
    schema: str = "public"
    owner: str | None = None
    users: Sequence[str] = ()
    temporary: Sequence[str] = ()
    creators: Sequence[str] = ()


def databases(plan: InitPlan) -> Sequence[DatabaseRights]:
    """All databases of the installation."""
    roles = plan.roles
    merge = DatabaseRights(
        database=plan.merge_database,
        schema=plan.merge_schema,
        users=(roles.merge, roles.jobs, roles.monitor, roles.dags, roles.link, roles.readers),
        temporary=(roles.merge, roles.jobs),
        creators=(roles.views, roles.plans, roles.control),
    )
    consumer = DatabaseRights(
        database=plan.consumer_database, users=(roles.merge, roles.readers), creators=(roles.views,)
    )
    airflow = DatabaseRights(
        database=plan.airflow_database, owner=roles.airflow, users=(roles.airflow,), creators=(roles.airflow,)
    )
    customer = DatabaseRights(
        database=plan.customer_database,
        users=(roles.customer_reader, roles.customer_writer),
        creators=(roles.customer_owner,),
    )
    return [merge, consumer, airflow, *([customer] if plan.demo else ())]


def database_steps(plan: InitPlan) -> Iterator[Step]:
    """Make the databases, close them to PUBLIC, then let the roles in."""
    for rights in databases(plan):
        yield _database(plan, rights)
    for rights in databases(plan):
        yield from _entry_steps(plan, rights)
    for rights in databases(plan):
        yield from _schema_steps(rights)


def _database(plan: InitPlan, rights: DatabaseRights) -> Step:
    kind = "make_database" if rights.owner is None else "make_owned_database"
    return Step(
        title=f"database {rights.database}",
        database=plan.maintenance_database,
        is_done=_QUERIES["has_database"].format(database_name=sql.Literal(rights.database)),
        statement=_QUERIES[kind].format(
            database=sql.Identifier(rights.database), owner=sql.Identifier(rights.owner or "")
        ),
        in_transaction=False,
    )


def _entry_steps(plan: InitPlan, rights: DatabaseRights) -> Iterator[Step]:
    place = {"database": sql.Identifier(rights.database), "database_name": sql.Literal(rights.database)}
    yield Step(
        title=f"database {rights.database} is closed to PUBLIC",
        database=plan.maintenance_database,
        is_done=_QUERIES["is_closed_database"].format(**place),
        statement=_QUERIES["close_database"].format(**place),
    )
    for done, statement, verb, roles in (
        ("may_connect", "grant_connect", "connect to", rights.users),
        ("may_use_temporary", "grant_temporary", "make temporary tables in", rights.temporary),
    ):
        if roles:
            yield Step(
                title=f"{', '.join(roles)} may {verb} {rights.database}",
                database=plan.maintenance_database,
                is_done=_QUERIES[done].format(role_names=sql.Literal(list(roles)), **place),
                statement=_QUERIES[statement].format(roles=_listed(roles), **place),
            )


def _schema_steps(rights: DatabaseRights) -> Iterator[Step]:
    place = {"schema": sql.Identifier(rights.schema), "schema_name": sql.Literal(rights.schema)}
    for schema in dict.fromkeys(("public", rights.schema)):
        own = {"schema": sql.Identifier(schema), "schema_name": sql.Literal(schema)}
        yield Step(
            title=f"schema {schema} of {rights.database}",
            database=rights.database,
            is_done=_QUERIES["has_schema"].format(**own),
            statement=_QUERIES["make_schema"].format(**own),
        )
        yield Step(
            title=f"schema {schema} of {rights.database} is closed to PUBLIC",
            database=rights.database,
            is_done=_QUERIES["is_closed_schema"].format(**own),
            statement=_QUERIES["close_schema"].format(**own),
        )
    users = tuple(dict.fromkeys((*rights.users, *rights.creators)))
    for done, statement, verb, roles in (
        ("may_use_schema", "grant_usage", "use", users),
        ("may_create", "grant_create", "create in", rights.creators),
    ):
        yield Step(
            title=f"{', '.join(roles)} may {verb} schema {rights.schema} of {rights.database}",
            database=rights.database,
            is_done=_QUERIES[done].format(role_names=sql.Literal(list(roles)), **place),
            statement=_QUERIES[statement].format(roles=_listed(roles), **place),
        )


def _listed(roles: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, roles))
