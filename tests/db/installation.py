"""A whole installation for one test: databases of its own, roles, credential directories, a connections file."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from psycopg2 import sql

from datasurface.connections import Connections, Endpoint, Login, load_connections
from datasurface.yellow.engine import connect
from datasurface.yellow.engine.connect import Purpose, Session
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


@dataclass(kw_only=True)
class Installation:
    """One test's installation; every session opened through it is closed at the end of the test."""

    template: Template
    directory: Path
    databases: dict[str, str]
    closing: ExitStack = field(repr=False)

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
        """Address of this test's `merge`, `source` or `consumer` database."""
        return self.server.endpoint(self.databases[database])

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

    def write_connections(self) -> None:
        """Write the connections file for this test's databases."""
        credentials = {path.name: {"directory": str(path)} for path in sorted(self.template.credentials.iterdir())}
        job = credentials["ds_job"]
        content = {
            "v": 1,
            "containers": {
                name: {"host": endpoint.host, "port": endpoint.port, "database": endpoint.database}
                for name, endpoint in (
                    ("customer_db", self.endpoint("source")),
                    ("merge_db", self.endpoint("merge")),
                    ("consumer_db", self.endpoint("consumer")),
                )
            },
            "credentials": credentials | {"yellowlive_merge": job, "yellowforensic_merge": job},
            "merge": {
                "host": self.endpoint().host,
                "port": self.endpoint().port,
                "database": self.endpoint().database,
                "credentials": {"job": job, "apply": credentials["ds_merge"], "monitor": credentials["ds_monitor"]},
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
    """Copy the template's databases and their rights; drop the copies at the end."""
    template.copies += 1
    databases = {kind: f"{template.roles.prefix}test{template.copies}_{kind}" for kind in template.databases}
    with administrator(template.server) as admin, ExitStack() as closing:
        for kind, name in databases.items():
            copy_database(admin, template.databases[kind], name)
            closing.callback(drop_database, admin, name)
        with ExitStack() as sessions:
            installation = Installation(template=template, directory=directory, databases=databases, closing=sessions)
            installation.write_connections()
            yield installation


def copy_database(admin: Session, template: str, name: str) -> None:
    """Copy a database; its rights on the database itself come along, which CREATE DATABASE leaves out."""
    with admin.raw.cursor() as cursor:
        cursor.execute(
            sql.SQL("CREATE DATABASE {name} TEMPLATE {template}").format(
                name=sql.Identifier(name), template=sql.Identifier(template)
            )
        )
        cursor.execute(
            "UPDATE pg_database SET datacl = t.datacl FROM pg_database AS t"
            " WHERE pg_database.datname = %s AND t.datname = %s",
            [name, template],
        )


def drop_database(admin: Session, name: str) -> None:
    """Drop a database and end whoever is still connected to it."""
    with admin.raw.cursor() as cursor:
        cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {name} WITH (FORCE)").format(name=sql.Identifier(name)))


def prepared(server: Server, roles: Roles, credentials: Path) -> Template:
    """Make roles and template databases."""
    databases = {"merge": "datasurface_merge", "source": "customer_db", "consumer": "consumer_db"}
    names = ("ds_merge", "ds_job", "ds_monitor", "ds_dags", "ds_link", "airflow", "customer_reader", "customer_writer")
    with administrator(server) as admin, admin.raw.cursor() as cursor:
        for name in names:
            directory = credentials / name
            directory.mkdir(mode=0o700)
            (directory / "username").write_text(roles.named(name))
            (directory / "password").write_text(f"{name}-7Kq")
            cursor.execute(
                sql.SQL("CREATE ROLE {} LOGIN SUPERUSER PASSWORD %s").format(sql.Identifier(roles.named(name))),
                [f"{name}-7Kq"],
            )
        databases = {kind: roles.named(name) for kind, name in databases.items()}
        for name in databases.values():
            cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return Template(server=server, roles=roles, credentials=credentials, databases=databases)
