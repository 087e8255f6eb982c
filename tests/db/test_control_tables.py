"""Control tables: one definition, reached by ordered steps, that refuses rows which cannot be true."""

from typing import Any

import psycopg2
import pytest
from psycopg2 import sql

from datasurface.model.platforms import MilestoneStrategy
from datasurface.yellow.engine import ddl
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.control import control_tables, migrate
from datasurface.yellow.plan import names
from datasurface.yellow.plan.platforms import ControlTables, PlatformPlan
from tests.db.installation import Installation

SHAPES = {
    "columns": """
        SELECT c.relname, a.attname, a.attnum, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
               pg_get_expr(d.adbin, d.adrelid)
          FROM pg_attribute a
          JOIN pg_class c ON c.oid = a.attrelid
          LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
         WHERE c.relnamespace = %s::regnamespace AND c.relkind = 'r' AND a.attnum > 0
         ORDER BY 1, 3""",
    "constraints": """
        SELECT conrelid::regclass::text, contype, pg_get_constraintdef(oid)
          FROM pg_constraint WHERE connamespace = %s::regnamespace ORDER BY 1, 2, 3""",
    "indexes": """
        SELECT c.relname, pg_get_indexdef(c.oid)
          FROM pg_class c WHERE c.relnamespace = %s::regnamespace AND c.relkind = 'i' ORDER BY 1""",
}


def platform_plan(name: str = "YellowLive") -> PlatformPlan:
    """A platform with the names that the plan would give it."""
    return PlatformPlan(
        platform=name,
        platform_name=names.platform_name(name),
        strategy=MilestoneStrategy.LIVE_ONLY,
        control=ControlTables(
            batch_counter=names.batch_counter(name),
            batch_metrics=names.batch_metrics(name),
            stream_plan=names.stream_plan(name),
            airflow_dsg=names.airflow_dsg(name),
        ),
        merge_container="merge_db",
        merge_host="localhost",
        merge_port=5432,
        merge_database="datasurface_merge",
        infrastructure_schedule="@daily",
        retention_days=30,
    )


def shapes(session: Session, schema: str) -> dict[str, list[tuple[Any, ...]]]:
    """What the catalog knows of a schema's tables, without the schema's own name."""
    found = {}
    with session.raw.cursor() as cursor:
        for kind, query in SHAPES.items():
            cursor.execute(query, [schema])
            rows = [[str(value).replace(f"{schema}.", "") for value in row] for row in cursor.fetchall()]
            found[kind] = [tuple(row) for row in rows]
    return found


@pytest.mark.parametrize(
    "name", ["YellowLive", "A platform whose name is so long that its tables' names have to be cut"]
)
@pytest.mark.row("D09")
def test_the_sum_of_all_migrations_is_the_metadata(installation: Installation, name: str) -> None:
    """A schema made by the migrations equals one made from the metadata: columns, defaults, constraints, indexes."""
    session = installation.session("admin")
    platform = platform_plan(name)
    with session.raw.cursor() as cursor:
        cursor.execute("CREATE SCHEMA migrated; CREATE SCHEMA declared")

    migrate.migrate_common(session, "migrated")
    migrate.migrate_platform(session, platform, "migrated")
    declarations = [
        *control_tables.common_tables("declared").metadata.sorted_tables,
        *control_tables.platform_tables(platform.control, "declared").metadata.sorted_tables,
    ]
    for table in declarations:
        ddl.create(session, table)

    migrated, declared = shapes(session, "migrated"), shapes(session, "declared")
    assert len(declared["columns"]) > 40
    assert migrated == declared


def test_migrating_again_changes_nothing(installation: Installation) -> None:
    """A second run makes no step, and each step is remembered with its number and name."""
    session = installation.session("admin")
    with session.raw.cursor() as cursor:
        cursor.execute("CREATE SCHEMA again")

    first = migrate.migrate_common(session, "again") + migrate.migrate_platform(session, platform_plan(), "again")
    second = migrate.migrate_common(session, "again") + migrate.migrate_platform(session, platform_plan(), "again")

    assert (first, second) == (5, 0)
    with session.raw.cursor() as cursor:
        cursor.execute("SELECT scope, number, name FROM again.ds_migration ORDER BY scope, number")
        assert cursor.fetchall() == [
            ("batches of yellowlive", 1, "batches_0001_batch_tables"),
            ("batches of yellowlive", 2, "batches_0002_marks_of_looks"),
            ("common", 1, "common_0001_control_tables"),
            ("common", 2, "common_0002_known_objects"),
            ("plans of yellowlive", 1, "plans_0001_plan_tables"),
        ]


def test_migrations_are_numbered_by_their_place() -> None:
    """A step's module carries the scope and the number under which it is remembered."""
    control = platform_plan().control
    steps = {
        "common": migrate.common_migrations("public"),
        "batches": migrate.batch_migrations("yellowlive", control, "public"),
        "plans": migrate.plan_migrations("yellowlive", control, "public"),
    }

    for scope, migrations in steps.items():
        for place, migration in enumerate(migrations, start=1):
            assert migration.number == place
            assert migration.name.startswith(f"{scope}_{place:04}_")


def test_a_rolled_back_migration_is_not_remembered(installation: Installation) -> None:
    """Step and memory are one transaction."""
    session = installation.session("admin")
    with session.raw.cursor() as cursor:
        cursor.execute("CREATE SCHEMA s")
    session.commit()

    steps = migrate.migrate_common(session, "s")
    session.rollback()

    assert migrate.migrate_common(session, "s") == steps


IMPOSSIBLE = {
    "a second batch that is not committed": "INSERT INTO {metrics} (key, batch_id, batch_status)"
    " VALUES ('S', 1, 'started'), ('S', 2, 'failed')",
    "a committed batch without its end and counts": "INSERT INTO {metrics} (key, batch_id, batch_status)"
    " VALUES ('S', 1, 'committed')",
    "an unknown status of a batch": "INSERT INTO {metrics} (key, batch_id, batch_status) VALUES ('S', 1, 'merged')",
    "a batch 0": "INSERT INTO {metrics} (key, batch_id, batch_status) VALUES ('S', 0, 'started')",
    "an unknown status of a DAG": "INSERT INTO {dags} (stream_key, config_json, status, generation)"
    " VALUES ('S', '{{}}', 'on', 1)",
    "a plan without version": "INSERT INTO {plans} (stream_key, plan, schema_hash, revision)"
    " VALUES ('S', '{{}}', 'h', 'r')",
    "an unknown outcome of a revision": "INSERT INTO {revision} (revision, outcome) VALUES ('r', 'done')",
}


@pytest.mark.row("D09", kind="refusal")
@pytest.mark.parametrize("what", IMPOSSIBLE)
def test_rows_that_cannot_be_true_are_refused(installation: Installation, what: str) -> None:
    """The tables themselves refuse states that no code should ever write."""
    session = installation.session("admin")
    platform = platform_plan()
    with session.raw.cursor() as cursor:
        cursor.execute("CREATE SCHEMA s")
        migrate.migrate_common(session, "s")
        migrate.migrate_platform(session, platform, "s")
        tables = {
            "metrics": sql.Identifier("s", platform.control.batch_metrics),
            "plans": sql.Identifier("s", platform.control.stream_plan),
            "dags": sql.Identifier("s", platform.control.airflow_dsg),
            "revision": sql.Identifier("s", "ds_revision"),
        }

        with pytest.raises((psycopg2.errors.CheckViolation, psycopg2.errors.UniqueViolation)):
            cursor.execute(sql.SQL(IMPOSSIBLE[what]).format(**tables))
