"""Brings control tables up to date by ordered steps, and remembers which ones a database has seen.

There are three scopes, by who owns the tables: common ones, each platform's batches, each platform's plans. A step is
rendered to SQL text before anything runs, so that `init --print` shows exactly what `init` does. The steps themselves
are the modules of `migrations`; a released one is never changed.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from psycopg2 import sql
from sqlalchemy.sql.elements import quoted_name

from datasurface.yellow.engine import database_errors, ddl, queries
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.control import control_tables
from datasurface.yellow.engine.control.migrations import (
    batches_0001_batch_tables,
    batches_0002_marks_of_looks,
    common_0001_control_tables,
    common_0002_known_objects,
    plans_0001_plan_tables,
)
from datasurface.yellow.engine.roles import Roles, acting_as
from datasurface.yellow.plan import names
from datasurface.yellow.plan.platforms import ControlTables, PlatformPlan

_QUERIES: Final = queries.load("migrations.sql")
_COMMON: Final = (common_0001_control_tables, common_0002_known_objects)
_BATCHES: Final = (batches_0001_batch_tables, batches_0002_marks_of_looks)
_PLANS: Final = (plans_0001_plan_tables,)

COMMON_SCOPE: Final = "common"


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One step of one scope; `statements` is SQL text of its DDL, without parameters."""

    scope: str
    number: int
    name: str
    statements: str

    def is_applied(self, schema: str) -> sql.Composed:
        """A query that says whether the database has seen this step."""
        return self._formatted("is_applied", schema)

    def recording(self, schema: str) -> sql.Composed:
        """The statement that remembers this step."""
        return self._formatted("record_migration", schema)

    def _formatted(self, statement: str, schema: str) -> sql.Composed:
        return _QUERIES[statement].format(
            migration=sql.Identifier(schema, names.MIGRATION_TABLE),
            scope=sql.Literal(self.scope),
            number=sql.Literal(self.number),
            name=sql.Literal(self.name),
        )


def migration_table(schema: str) -> str:
    """SQL text that creates the table of migrations where it is missing."""
    table = control_tables.common_tables(schema).migration
    return ddl.creation(table, if_missing=True)


def common_migrations(schema: str) -> Sequence[Migration]:
    """All steps of the common tables, in order."""
    place = _one_name(schema)
    return _numbered(COMMON_SCOPE, [(step.__name__, partial(step.upgrade, schema=place)) for step in _COMMON])


def batch_migrations(platform_name: str, control: ControlTables, schema: str) -> Sequence[Migration]:
    """All steps of a platform's tables of batches, in order."""
    steps = [(step.__name__, partial(step.upgrade, control=control, schema=_one_name(schema))) for step in _BATCHES]
    return _numbered(f"batches of {platform_name}", steps)


def plan_migrations(platform_name: str, control: ControlTables, schema: str) -> Sequence[Migration]:
    """All steps of a platform's tables of plans and DAGs, in order."""
    steps = [(step.__name__, partial(step.upgrade, control=control, schema=_one_name(schema))) for step in _PLANS]
    return _numbered(f"plans of {platform_name}", steps)


def _one_name(schema: str) -> str:
    """The schema as Alembic takes it for one name, also where there is a dot in it."""
    return quoted_name(schema, quote=None)


def migrate_common(session: Session, schema: str, roles: Roles | None = None) -> int:
    """Bring the common tables up to date in the caller's transaction; returns how many steps that took.

    With `roles` the tables belong to their control role, which the login must be able to act as; else to the login.
    """
    with database_errors.reporting(f"making control tables in {session.endpoint}"), session.raw.cursor() as cursor:
        cursor.execute(migration_table(schema))
    return _bring_up(session, common_migrations(schema), schema, None if roles is None else roles.control)


def migrate_platform(session: Session, platform: PlatformPlan, schema: str, roles: Roles | None = None) -> int:
    """Bring a platform's control tables up to date in the caller's transaction; returns how many steps that took.

    The common tables must be there. With `roles`, batches belong to the platform's role and plans to theirs, the rights
    of all others are granted after a step, and the login must be able to act as both; else all belongs to the login.
    """
    control, name = platform.control, platform.platform_name
    batches, plans = batch_migrations(name, control, schema), plan_migrations(name, control, schema)
    if roles is None:
        return _bring_up(session, batches, schema, None) + _bring_up(session, plans, schema, None)
    tables_role = roles.platform_tables(name)
    steps = _bring_up(session, batches, schema, tables_role) + _bring_up(session, plans, schema, roles.plans)
    if steps:
        _grant(session, "grant_batch_tables", tables_role, control=control, schema=schema, roles=roles)
        _grant(session, "grant_plan_tables", roles.plans, control=control, schema=schema, roles=roles)
    return steps


def _bring_up(session: Session, migrations: Sequence[Migration], schema: str, owner: str | None) -> int:
    """Run the steps that the database has not seen; each is remembered by the login itself, not as the owner."""
    table = sql.Identifier(schema, names.MIGRATION_TABLE)
    scope = migrations[0].scope
    with database_errors.reporting(f"migrating {scope} in {session.endpoint}"), session.raw.cursor() as cursor:
        cursor.execute(_QUERIES["lock_migrations"].format(migration=table))
        cursor.execute(_QUERIES["select_applied"].format(migration=table), {"scope": scope})
        applied = {number for (number,) in cursor.fetchall()}
        missing = [migration for migration in migrations if migration.number not in applied]
        for migration in missing:
            if owner is None:
                cursor.execute(migration.statements)
            else:
                with acting_as(session, owner):
                    cursor.execute(migration.statements)
            cursor.execute(migration.recording(schema))
    return len(missing)


def _grant(session: Session, statement: str, owner: str, *, control: ControlTables, schema: str, roles: Roles) -> None:
    tables = {
        "batch_counter": control.batch_counter,
        "batch_metrics": control.batch_metrics,
        "stream_plan": control.stream_plan,
        "airflow_dsg": control.airflow_dsg,
    }
    grantees = {name: getattr(roles, name) for name in ("merge", "monitor", "views", "jobs", "dags")}
    with acting_as(session, owner), session.raw.cursor() as cursor:
        cursor.execute(
            _QUERIES[statement].format(
                **{name: sql.Identifier(schema, table) for name, table in tables.items()},
                **{name: sql.Identifier(role) for name, role in grantees.items()},
            )
        )


def _numbered(scope: str, steps: Sequence[tuple[str, Callable[[Operations], None]]]) -> Sequence[Migration]:
    """Render steps to text; the number is the place in the order, the name is the module's."""
    return tuple(
        Migration(scope=scope, number=number, name=module.rpartition(".")[2], statements=_rendered(upgrade))
        for number, (module, upgrade) in enumerate(steps, start=1)
    )


def _rendered(upgrade: Callable[[Operations], None]) -> str:
    text = io.StringIO()
    context = MigrationContext.configure(dialect_name="postgresql", opts={"as_sql": True, "output_buffer": text})
    upgrade(Operations(context))
    return text.getvalue().strip()
