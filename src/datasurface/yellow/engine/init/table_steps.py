"""The common control tables, who may do what with them, and the functions by which the model merge makes roles."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from psycopg2 import sql

from datasurface.yellow.engine import queries
from datasurface.yellow.engine.control import control_tables, migrate
from datasurface.yellow.engine.init.init_plan import InitPlan
from datasurface.yellow.engine.init.psql_text import dollar_quoted, quoted, rendered
from datasurface.yellow.engine.init.step import Step
from datasurface.yellow.plan import names

_QUERIES: Final = queries.load("init_tables.sql")
_READ: Final = ("SELECT",)
_WRITE: Final = ("SELECT", "INSERT", "UPDATE")


def table_steps(plan: InitPlan) -> Iterator[Step]:
    """Make the tables as their owner, grant their rights, make the functions."""
    yield _migration_table(plan)
    for migration in migrate.common_migrations(plan.merge_schema):
        yield _migration(plan, migration)
    for table, rights in _rights(plan).items():
        for role, privileges in rights.items():
            yield _grant(plan, table, role, privileges)
    yield from _function_steps(plan)
    yield _own_locks(plan)


def _own_locks(plan: InitPlan) -> Step:
    names = {"jobs_name": sql.Literal(plan.roles.jobs), "merge_name": sql.Literal(plan.roles.merge)}
    return Step(
        title="advisory locks for jobs and the model merge alone",
        database=plan.merge_database,
        is_done=_QUERIES["has_own_locks"].format(**names),
        statement=_QUERIES["keep_locks"].format(**names),
    )


def _rights(plan: InitPlan) -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Per common table: which role has which rights."""
    tables = control_tables.common_tables(plan.merge_schema)
    roles = plan.roles
    return {
        tables.migration.name: {roles.merge: _WRITE, roles.jobs: _READ, roles.monitor: _READ},
        tables.revision.name: {roles.merge: _WRITE, roles.monitor: _READ},
        tables.platform.name: {roles.merge: _WRITE, roles.jobs: _READ, roles.dags: _READ, roles.monitor: _READ},
        tables.known.name: {roles.merge: (*_WRITE, "DELETE")},
        tables.audit.name: {roles.merge: _WRITE, roles.jobs: ("SELECT", "INSERT"), roles.monitor: _READ},
    }


def _as_owner(plan: InitPlan, *statements: sql.Composable) -> sql.Composed:
    begin = _QUERIES["act_as"].format(role=sql.Identifier(plan.roles.control))
    return sql.SQL("\n").join([begin, *statements, _QUERIES["act_as_oneself"]])


def _migration_table(plan: InitPlan) -> Step:
    table = names.MIGRATION_TABLE
    return Step(
        title=f"table {table}",
        database=plan.merge_database,
        is_done=_QUERIES["has_table"].format(table_text=sql.Literal(_name(plan, table))),
        statement=_as_owner(plan, sql.SQL(migrate.migration_table(plan.merge_schema) + ";")),
    )


def _migration(plan: InitPlan, migration: migrate.Migration) -> Step:
    recording = migration.recording(plan.merge_schema)
    return Step(
        title=f"control tables, step {migration.number}: {migration.name}",
        database=plan.merge_database,
        is_done=migration.is_applied(plan.merge_schema),
        statement=_as_owner(plan, sql.SQL(migration.statements), recording),
    )


def _grant(plan: InitPlan, table: str, role: str, privileges: Sequence[str]) -> Step:
    return Step(
        title=f"{role} has {', '.join(privileges)} on {table}",
        database=plan.merge_database,
        is_done=_QUERIES["may_use_table"].format(
            role_name=sql.Literal(role),
            table_text=sql.Literal(_name(plan, table)),
            privilege_names=sql.Literal(list(privileges)),
        ),
        statement=_QUERIES["grant_table"].format(
            privileges=sql.SQL(", ").join(map(sql.SQL, privileges)),
            table=sql.Identifier(plan.merge_schema, table),
            role=sql.Identifier(role),
        ),
    )


def _function_steps(plan: InitPlan) -> Iterator[Step]:
    """The functions; a role of their making carries a mark with this installation's name, so that no other is taken."""
    roles, schema = plan.roles, plan.merge_schema
    marks = {
        kind: f"datasurface {roles.prefix}{plan.merge_database}: {what}"
        for kind, what in (("platform", "owner of a platform's tables"), ("reader", "reader of a workspace"))
    }
    places = {name: sql.Identifier(schema, f"ds_{name}") for name in ("make_role", "make_platform", "make_reader")} | {
        "merge": sql.Identifier(roles.merge)
    }
    values = {
        "prefix": roles.prefix,
        "schema_name": schema,
        "merge_name": roles.merge,
        "job_name": roles.job,
        "jobs_name": roles.jobs,
        "readers_name": roles.readers,
    }
    literals = {name: sql.Literal(value) for name, value in values.items()}
    for name, arguments, kind in (
        ("make_role", "text, text, text", "platform"),
        ("make_platform", "text", "platform"),
        ("make_reader", "text", "reader"),
    ):
        body = rendered(_QUERIES[f"{name}_body"].format(**places, **literals, mark=sql.Literal(marks[kind])))
        quoted_body = sql.SQL(dollar_quoted(body))
        yield Step(
            title=f"function ds_{name}",
            database=plan.merge_database,
            is_done=_has_function(plan, f"ds_{name}", arguments, f"\n{body}\n"),
            statement=_QUERIES[f"{name}_function"].format(**places, body=quoted_body),
        )


def _has_function(plan: InitPlan, name: str, arguments: str, body: str) -> sql.Composed:
    is_definer = name != "ds_make_role"
    may_call = sql.SQL("pg_catalog.has_function_privilege({merge}, p.oid, 'EXECUTE')")
    return _QUERIES["has_function"].format(
        function_text=sql.Literal(f"{_name(plan, name)}({arguments})"),
        is_definer=sql.Literal(is_definer),
        body_md5=sql.Literal(hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()),
        may_call=may_call.format(merge=sql.Literal(plan.roles.merge)) if is_definer else sql.Literal(True),
    )


def _name(plan: InitPlan, name: str) -> str:
    return f"{quoted(plan.merge_schema)}.{quoted(name)}"
