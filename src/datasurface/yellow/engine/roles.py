"""Names of an installation's database roles, and acting as one of them.

`docs/design/roles.md` says what each may do; `init` makes them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import psycopg2
from psycopg2 import sql

from datasurface.errors import StateError
from datasurface.yellow.engine import database_errors, queries
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.plan import names

_QUERIES: Final = queries.load("roles.sql")


@dataclass(frozen=True, slots=True)
class Roles:
    """Role names of one installation; `prefix` tells several installations on one server apart."""

    prefix: str = ""

    def named(self, name: str) -> str:
        """A role's name on the server."""
        return f"{self.prefix}{name}"

    @property
    def airflow(self) -> str:
        """Login that owns Airflow's metadata database."""
        return self.named("airflow")

    @property
    def merge(self) -> str:
        """Login of the model merge; it changes tables and views only after SET ROLE to their owner."""
        return self.named("ds_merge")

    @property
    def job(self) -> str:
        """Common login of the jobs."""
        return self.named("ds_job")

    @property
    def jobs(self) -> str:
        """Group of all logins of jobs: what jobs of every platform may read and write."""
        return self.named("ds_jobs")

    @property
    def views(self) -> str:
        """Owner of the views."""
        return self.named("ds_views")

    @property
    def readers(self) -> str:
        """Group of all workspaces' readers: they may connect and look names up."""
        return self.named("ds_readers")

    @property
    def link(self) -> str:
        """Login by which the consumers' database reads views of the merge database."""
        return self.named("ds_link")

    @property
    def dags(self) -> str:
        """Login of Airflow's bundle."""
        return self.named("ds_dags")

    @property
    def monitor(self) -> str:
        """Login of status and metrics."""
        return self.named("ds_monitor")

    @property
    def control(self) -> str:
        """Owner of the common control tables; nobody is a member."""
        return self.named("ds_control")

    @property
    def plans(self) -> str:
        """Owner of the platforms' tables of plans and DAGs, which jobs may read and not change."""
        return self.named("ds_plans")

    @property
    def customer_owner(self) -> str:
        """Owner of the demo source's tables."""
        return self.named("customer_owner")

    @property
    def customer_reader(self) -> str:
        """Login by which jobs read the demo source."""
        return self.named("customer_reader")

    @property
    def customer_writer(self) -> str:
        """Login of the simulator."""
        return self.named("customer_writer")

    def platform_tables(self, platform_name: str) -> str:
        """Owner of a platform's merge, staging and batch tables."""
        return names.tables_role(self.prefix, platform_name)

    def platform_job(self, platform_name: str) -> str:
        """A platform's own login of jobs, where the installation has one."""
        return f"{self.platform_tables(platform_name).removesuffix('_tables')}_job"

    def reader(self, workspace: str) -> str:
        """Role by which a workspace reads its views."""
        return names.reader_role(self.prefix, workspace)


@contextmanager
def acting_as(session: Session, role: str) -> Iterator[None]:
    """Run the block under SET LOCAL ROLE, in the caller's transaction; what it creates belongs to `role`.

    The role's rights replace the login's own inside the block. After an error the transaction has to be rolled back,
    which also ends the role.
    """
    with database_errors.reporting(f"acting as role {role} on {session.endpoint}"), session.raw.cursor() as cursor:
        cursor.execute(_QUERIES["act_as"].format(role=sql.Identifier(role)))
    yield
    with session.raw.cursor() as cursor:
        cursor.execute(_QUERIES["act_as_oneself"])


def whole_readers(session: Session, schema: str, roles: Roles) -> frozenset[str]:
    """The roles of workspaces, by their names on the server, that `make_reader_role` would leave as they are."""
    return _names(session, "read_whole_readers", schema=schema, readers=roles.readers, merge=roles.merge)


def whole_platforms(session: Session, schema: str, roles: Roles) -> frozenset[str]:
    """The owners of platforms' tables that `make_platform_role` would leave as they are."""
    logins = {"merge": roles.merge, "job": roles.job, "jobs": roles.jobs}
    return _names(session, "read_whole_platforms", schema=schema, **logins)


def make_platform_role(session: Session, schema: str, roles: Roles, platform_name: str) -> str:
    """Make the owner of a platform's tables in the caller's transaction, or accept it; returns its name.

    Model merge and jobs become members. Raises StateError if somebody else's role has the name.
    """
    return _make_role(session, sql.Identifier(schema, "ds_make_platform"), roles.platform_tables(platform_name))


def make_reader_role(session: Session, schema: str, roles: Roles, workspace: str) -> str:
    """Make the role by which a workspace reads, in the caller's transaction, or accept it; returns its name.

    It may connect to the merge and the consumers' database. Raises StateError if somebody else's role has the name.
    """
    return _make_role(session, sql.Identifier(schema, "ds_make_reader"), roles.reader(workspace))


def _names(session: Session, statement: str, **values: str) -> frozenset[str]:
    doing = f"{statement.replace('_', ' ')} of {session.endpoint}"
    with database_errors.reporting(doing), session.raw.cursor() as cursor:
        cursor.execute(_QUERIES[statement], values)
        return frozenset(name for (name,) in cursor.fetchall())


def _make_role(session: Session, function: sql.Identifier, role: str) -> str:
    try:
        with session.raw.cursor() as cursor:
            cursor.execute(_QUERIES["make_role"].format(function=function), {"role": role})
    except psycopg2.errors.DuplicateObject:
        raise StateError(
            f"role {role} exists on {session.endpoint} and is not one that this installation made",
            fix="Rename the platform or workspace in the model, or drop that role if nothing needs it",
        ) from None
    except psycopg2.errors.InvalidName:
        raise StateError(
            f"{role} is no name for a role of this installation",
            fix="Set merge.role_prefix in the connections file to the prefix that `datasurface init` was given",
        ) from None
    except psycopg2.errors.UndefinedFunction:
        raise StateError(
            f"{session.endpoint} has no function that makes role {role}", fix="Run `datasurface init` on that server"
        ) from None
    except psycopg2.Error as error:
        raise database_errors.from_database(error, f"making role {role} on {session.endpoint}") from None
    return role
