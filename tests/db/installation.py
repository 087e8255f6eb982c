"""A whole installation for one test: databases of its own, roles, credential directories, a connections file."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import psycopg2
from psycopg2 import sql

from data_change_simulator import seed_sql, source_ddl
from datasurface.connections import Connections, Endpoint, Login, load_connections
from datasurface.yellow.engine import connect
from datasurface.yellow.engine.connect import Purpose, Session
from datasurface.yellow.engine.init.init_plan import DemoSource, InitPlan
from datasurface.yellow.engine.init.link_steps import LINK_SERVER
from datasurface.yellow.engine.init.run import initialise
from datasurface.yellow.engine.roles import Roles

#: Logins by the names that tests use, and the database each of them is for.
WHO: Final = {
    "admin": "merge",
    "apply": "merge",
    "job": "merge",
    "monitor": "merge",
    "dags": "merge",
    "link": "merge",
    "customer_reader": "source",
    "customer_writer": "source",
}
DIRECTORIES: Final = {
    "apply": "ds_merge",
    "job": "ds_job",
    "monitor": "ds_monitor",
    "dags": "ds_dags",
    "link": "ds_link",
}


_DROP: Final = sql.SQL("DROP DATABASE IF EXISTS {name} WITH (FORCE)")


class Server(Protocol):
    """What a test needs of a server: addresses and the superuser."""

    @property
    def login(self) -> Login: ...

    def endpoint(self, database: str = "postgres") -> Endpoint: ...


@dataclass(kw_only=True)
class Template:
    """A server that `init` has prepared: its databases are copied for each test."""

    server: Server
    roles: Roles
    credentials: Path
    databases: dict[str, str]
    copies: int = 0
    _admin: Session | None = field(default=None, repr=False)

    @property
    def admin(self) -> Session:
        """A superuser's session in autocommit mode that serves test after test; another one if the server went away."""
        if self._admin is not None and not _answers(self._admin):
            self._admin = None
        if self._admin is None:
            self._admin = connect.open_session(
                self.server.endpoint(), self.server.login, application_name="test admin", purpose=Purpose.CONTROL
            )
            self._admin.raw.autocommit = True
        return self._admin


@dataclass(kw_only=True)
class Installation:
    """One test's installation; every session opened through it is closed at the end of the test."""

    template: Template
    directory: Path
    number: int
    closing: ExitStack = field(repr=False)
    copied: set[str] = field(default_factory=set)

    @property
    def roles(self) -> Roles:
        return self.template.roles

    @property
    def server(self) -> Server:
        return self.template.server

    @property
    def connections_path(self) -> Path:
        """File for DATASURFACE_CONNECTIONS: containers customer_db and merge_db, all credentials, the merge section."""
        return self.directory / "connections.json"

    @property
    def connections(self) -> Connections:
        return load_connections(self.connections_path)

    def endpoint(self, database: str = "merge") -> Endpoint:
        """Address of this test's `merge`, `source`, `consumer` or `airflow` database, which is copied at first need."""
        endpoint = self.server.endpoint(self.roles.named(f"test{self.number}_{database}"))
        if database not in self.copied:
            self.copied.add(database)
            copy_database(self.template, self.template.databases[database], endpoint.database)
            self.closing.callback(_drop_copy, self.template, endpoint.database)
            if database == "consumer":
                self._link_copies()
        return endpoint

    def address(self, database: str) -> dict[str, str | int]:
        """The address as the connections file has it; the database need not be there yet."""
        endpoint = self.server.endpoint(self.roles.named(f"test{self.number}_{database}"))
        return {"host": endpoint.host, "port": endpoint.port, "database": endpoint.database}

    def login(self, who: str) -> Login:
        """Login of `admin`, or of one of WHO."""
        if who == "admin":
            return self.server.login
        return self.connections.login(DIRECTORIES.get(who, who))

    def session(self, who: str, database: str | None = None) -> Session:
        """A new session of one of WHO in the database it is for, or in another one."""
        purpose = Purpose.SOURCE if who == "customer_reader" else Purpose.MERGE
        endpoint = self.endpoint(database or WHO[who])
        session = connect.open_session(endpoint, self.login(who), application_name=f"test {who}", purpose=purpose)
        return self.closing.enter_context(session)

    def make_demo_source(self) -> None:
        """Put the demo's tables and first rows into the source database, which is empty otherwise."""
        with self.session("admin", "source") as session, session.raw.cursor() as cursor:
            cursor.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(self.roles.customer_owner)))
            cursor.execute("SET LOCAL search_path = public")
            cursor.execute(source_ddl())
            cursor.execute(seed_sql())
            session.commit()

    def _link_copies(self) -> None:
        """Let postgres_fdw, where the server has it, lead to this test's merge database and not to the template."""
        with (
            administrator(self.server, str(self.address("consumer")["database"])) as admin,
            admin.raw.cursor() as cursor,
        ):
            cursor.execute("SELECT FROM pg_foreign_server WHERE srvname = %s", [LINK_SERVER])
            if cursor.fetchone() is not None:
                cursor.execute(
                    sql.SQL("ALTER SERVER {} OPTIONS (SET dbname %s)").format(sql.Identifier(LINK_SERVER)),
                    [self.endpoint("merge").database],
                )

    def write_connections(self) -> None:
        """Write the connections file for this test's databases."""
        credentials = {path.name: {"directory": str(path)} for path in sorted(self.template.credentials.iterdir())}
        job = credentials["ds_job"]
        content = {
            "v": 1,
            "containers": {
                "customer_db": self.address("source"),
                "merge_db": self.address("merge"),
                "consumer_db": self.address("consumer"),
            },
            "credentials": credentials | {"yellowlive_merge": job, "yellowforensic_merge": job},
            "merge": {
                **self.address("merge"),
                "credentials": {
                    "job": job,
                    "apply": credentials["ds_merge"],
                    "monitor": credentials["ds_monitor"],
                    "dags": credentials["ds_dags"],
                },
                "role_prefix": self.roles.prefix,
            },
        }
        self.connections_path.write_text(json.dumps(content, indent=1))


@contextmanager
def administrator(server: Server, database: str = "postgres") -> Iterator[Session]:
    """A superuser's session in autocommit mode, for CREATE DATABASE and the like."""
    with connect.open_session(
        server.endpoint(database), server.login, application_name="test admin", purpose=Purpose.CONTROL
    ) as session:
        session.raw.autocommit = True
        yield session


@contextmanager
def copied(template: Template, directory: Path) -> Iterator[Installation]:
    """Copies of the template's databases with their rights; all but the merge database when they are first asked for.

    Sessions are closed and copies dropped at the end.
    """
    template.copies += 1
    with ExitStack() as closing:
        installation = Installation(template=template, directory=directory, number=template.copies, closing=closing)
        installation.write_connections()
        installation.endpoint("merge")
        yield installation


def copy_database(template: Template, origin: str, name: str) -> None:
    """Copy a database; its rights on the database itself come along, which CREATE DATABASE leaves out."""
    with template.admin.raw.cursor() as cursor:
        cursor.execute(
            sql.SQL("CREATE DATABASE {name} TEMPLATE {template}").format(
                name=sql.Identifier(name), template=sql.Identifier(origin)
            )
        )
        cursor.execute(
            "UPDATE pg_database SET datacl = t.datacl FROM pg_database AS t"
            " WHERE pg_database.datname = %s AND t.datname = %s",
            [name, origin],
        )


def _answers(session: Session) -> bool:
    """Whether a session is still there; one that is not is closed."""
    try:
        with session.raw.cursor() as cursor:
            cursor.execute("SELECT 1")
    except psycopg2.Error:
        session.close()
        return False
    return True


def _drop_copy(template: Template, name: str) -> None:
    with template.admin.raw.cursor() as cursor:
        cursor.execute(_DROP.format(name=sql.Identifier(name)))


def drop_database(server: Server, name: str) -> None:
    """Drop a database and end whoever is still connected to it."""
    with administrator(server) as admin, admin.raw.cursor() as cursor:
        cursor.execute(_DROP.format(name=sql.Identifier(name)))


def init_plan(roles: Roles, port: int, **changes: Any) -> InitPlan:
    """What `datasurface init` makes; on a server shared with others all names carry the roles' prefix."""
    return InitPlan(
        roles=roles,
        merge_database=roles.named("datasurface_merge"),
        airflow_database=roles.named("airflow_db"),
        consumer_database=roles.named("consumer_db"),
        customer_database=roles.named("customer_db"),
        link_host="127.0.0.1",
        link_port=port,
        **{"demo": DemoSource(ddl=source_ddl(), seed=seed_sql())} | changes,
    )


def prepared(server: Server, roles: Roles, credentials: Path) -> Template:
    """Make roles and template databases by `init`."""
    plan = init_plan(roles, server.endpoint().port)
    initialise(server.endpoint(), server.login, plan, credentials)
    with administrator(server, plan.customer_database) as admin, admin.raw.cursor() as cursor:
        cursor.execute("DROP TABLE public.customers, public.addresses")
    databases = {
        "merge": plan.merge_database,
        "source": plan.customer_database,
        "consumer": plan.consumer_database,
        "airflow": plan.airflow_database,
    }
    return Template(server=server, roles=roles, credentials=credentials, databases=databases)


def removed(template: Template) -> None:
    """Take a shared server back to what it was: drop the template's databases and every role with its prefix."""
    for name in template.databases.values():
        drop_database(template.server, name)
    with administrator(template.server) as admin, admin.raw.cursor() as cursor:
        cursor.execute("SELECT rolname FROM pg_roles WHERE starts_with(rolname, %s)", [template.roles.prefix])
        for (role,) in cursor.fetchall():
            cursor.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def strip(server: Server) -> None:
    """Drop every database and every role but the server's own, and take settings back."""
    with administrator(server) as admin, admin.raw.cursor() as cursor:
        for query, statement in (
            ("SELECT datname FROM pg_database WHERE datname !~ '^(postgres|template.)$'", "DROP DATABASE {} (FORCE)"),
            ("SELECT rolname FROM pg_roles WHERE rolname !~ '^(postgres|pg_.*)$'", "DROP ROLE {}"),
        ):
            cursor.execute(query)
            for (name,) in cursor.fetchall():
                cursor.execute(sql.SQL(statement).format(sql.Identifier(name)))
        cursor.execute("ALTER SYSTEM RESET ALL")
        cursor.execute("SELECT pg_reload_conf()")


def rows(server: Server, database: str, query: str) -> list[tuple[Any, ...]]:
    """Rows of a query that the superuser asks, if it gives any."""
    with administrator(server, database) as admin, admin.raw.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall() if cursor.description else []
