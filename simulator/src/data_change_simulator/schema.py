"""The source's tables: their DDL, first rows and schema change as scripts, and making them where they are missing."""

from dataclasses import dataclass

import psycopg2
from psycopg2 import extensions

from data_change_simulator.errors import TablesUnfit, reason
from data_change_simulator.queries import QUERIES, script
from data_change_simulator.source import REQUIRED_COLUMNS


def source_ddl() -> str:
    """Makes customers and addresses with keys and indexes; safe to run again. Several statements, no parameters."""
    return script("setupcustomerdb.sql")


def seed_sql() -> str:
    """Puts in 5 customers (CUST001 to CUST005) and 8 addresses (ADDR001 to ADDR008) if both tables are empty."""
    return script("seed.sql")


def evolve_sql() -> str:
    """Adds datecreated and lastupdated to customers, addresstype and country to addresses; safe to run again."""
    return script("evolve.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What making the tables came to."""

    created_tables: tuple[str, ...]
    seeded_rows: int


def set_up(connection: extensions.connection) -> Setup:
    """Make the tables that are missing and fill them if both are empty, in one transaction that is committed.

    With both tables there, no DDL is run, so a login that may only write rows can ask for this too. Raises TablesUnfit
    where the login may not make them; then nothing is changed.
    """
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(QUERIES["lock_setup"])
            missing = tuple(table for table in REQUIRED_COLUMNS if not _exists(cursor, table))
            if missing:
                cursor.execute(source_ddl())
            rows_before = _count_rows(cursor)
            cursor.execute(seed_sql())
            return Setup(created_tables=missing, seeded_rows=_count_rows(cursor) - rows_before)
    except psycopg2.Error as error:
        raise TablesUnfit(f"the tables cannot be made: {reason(error)}") from error


def _exists(cursor: extensions.cursor, table: str) -> bool:
    cursor.execute(QUERIES["find_columns"], {"table": table})
    return cursor.fetchone() is not None


def _count_rows(cursor: extensions.cursor) -> int:
    cursor.execute(QUERIES["count_rows"])
    return sum(cursor.fetchone() or ())
