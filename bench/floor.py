"""The floor: `COPY (SELECT columns) TO STDOUT | COPY staging FROM STDIN`, table after table, by two psql processes.

Nothing that reads every row and keeps it can be faster. What it leaves in its staging tables is the source as it is,
with which the merge tables are compared afterwards.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from psycopg2 import sql

from bench import meter, statements
from bench.arena import Arena
from bench.meter import Command, Reading
from bench.options import Kind
from datasurface.errors import ModelError
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.plan.tables import TablePlan

NAME: Final = "COPY|COPY"
_QUERIES: Final = statements.load("arena.sql")
#: Arguments: program, source database, merge database, then per table truncate, out and in.
_SCRIPT: Final = """
set -e
psql=$1 source=$2 merge=$3; shift 3
while [ $# -gt 0 ]; do
  "$psql" -qX -v ON_ERROR_STOP=1 -d "$merge" -c "$1"
  "$psql" -qX -v ON_ERROR_STOP=1 -d "$source" -c "$2" | "$psql" -qX -v ON_ERROR_STOP=1 -d "$merge" -c "$3"
  shift 3
done
"""


def staging(table: TablePlan) -> str:
    """Where the floor puts a table's rows."""
    return f"floor_{table.dataset}"


def tables(arena: Arena) -> Sequence[TablePlan]:
    """The tables that are copied, with their columns."""
    return arena.stream(Kind.LIVE.platform).tables


def make_staging(arena: Arena) -> None:
    """Make the unlogged staging tables of a round."""
    with arena.admin(arena.merge_database) as session, session.raw.cursor() as cursor:
        for table in tables(arena):
            cursor.execute(
                _QUERIES["make_staging"].format(
                    staging=sql.Identifier("public", staging(table)),
                    merge=sql.Identifier("public", table.merge_table),
                    columns=_columns(table),
                )
            )
        session.commit()


def run(arena: Arena) -> Reading:
    """Copy every table once. Raises ModelError if psql is missing or fails."""
    psql = str(meter.program(arena, "psql"))
    if shutil.which(psql) is None:
        raise ModelError("there is no psql, which moves the floor's rows", fix="Install PostgreSQL's client programs")
    server = arena.installation.server
    with arena.admin() as session:
        texts = [text for table in tables(arena) for text in _copies(session, table)]
    environment = {
        "PGHOST": server.host,
        "PGPORT": str(server.port),
        "PGUSER": arena.installation.admin.username,
        "PGPASSFILE": str(_password_file(arena)),
        "PGCLIENTENCODING": "UTF8",
    }
    arguments = ["/bin/sh", "-c", _SCRIPT, "sh", psql, arena.source_database, arena.merge_database, *texts]
    reading = meter.measure(arena, Command(arguments=arguments, environment=environment))
    if reading.exit_status != 0:
        raise ModelError(f"{NAME} failed: {reading.log.strip()[-300:]}")
    return reading


def _copies(session: Session, table: TablePlan) -> Sequence[str]:
    places = {
        "source": sql.Identifier("public", table.source_table),
        "staging": sql.Identifier("public", staging(table)),
        "columns": _columns(table),
    }
    wanted = (
        "TRUNCATE {staging}",
        "COPY (SELECT {columns} FROM {source}) TO STDOUT",
        "COPY {staging} ({columns}) FROM STDIN",
    )
    return [sql.SQL(text).format(**places).as_string(session.raw) for text in wanted]


def _columns(table: TablePlan) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)


def _password_file(arena: Arena) -> Path:
    file = arena.installation.folder / "pgpass"
    file.touch(mode=0o600)
    file.write_text(f"*:*:*:*:{arena.installation.admin.password}\n", encoding="utf-8")
    return file
