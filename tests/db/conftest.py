"""A real PostgreSQL for every test here.

`installation` is what most tests want: databases of the test's own, the roles that `datasurface init` makes with their
rights and no others, their credential directories and a connections file (`installation.connections_path`).

    def test_something(installation):
        installation.make_demo_source()                    # customers and addresses; else the source has no table
        job = installation.session("job")                  # in the merge database, as ds_job
        source = installation.session("customer_reader")   # in the source database
        admin = installation.session("admin", "source")    # the superuser, to set the stage

Databases are copied from a template that `init` prepared once per worker (about 50 ms each) and dropped after the test;
roles are shared by all tests of a worker. `DATASURFACE_TEST_DSN` (URL or keywords of a superuser) takes a server of
your own instead of the embedded one: roles and databases then carry a prefix per worker, so use `installation.roles`,
never literal names.

`own_server` is an embedded server for one test alone, which it may kill and restart.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from psycopg2.extensions import parse_dsn

from datasurface.connections import Endpoint, Login
from datasurface.demo.embedded import EmbeddedServer
from datasurface.yellow.engine.roles import Roles
from tests.db.installation import Installation, Server, Template, copied, prepared, removed


@dataclass(frozen=True)
class GivenServer:
    """The server of DATASURFACE_TEST_DSN."""

    host: str
    port: int
    login: Login

    def endpoint(self, database: str = "postgres") -> Endpoint:
        return Endpoint(host=self.host, port=self.port, database=database)

    @classmethod
    def of(cls, dsn: str) -> "GivenServer":
        parts = parse_dsn(dsn)
        login = Login(username=parts["user"], password=parts.get("password", ""))
        return cls(host=parts.get("host", "localhost"), port=int(parts.get("port", 5432)), login=login)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The server of this worker's tests."""
    dsn = os.environ.get("DATASURFACE_TEST_DSN")
    if dsn:
        yield GivenServer.of(dsn)
    else:
        with EmbeddedServer(fast=True) as embedded:
            yield embedded


@pytest.fixture(scope="session")
def template(server: Server, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Template]:
    """Roles and databases as `init` makes them, once per worker."""
    prefix = "" if isinstance(server, EmbeddedServer) else f"dst_{worker_id}_"
    template = prepared(server, Roles(prefix), tmp_path_factory.mktemp("credentials"))
    yield template
    if prefix:
        removed(template)


@pytest.fixture
def installation(template: Template, tmp_path: Path) -> Iterator[Installation]:
    """An installation of this test's own."""
    with copied(template, tmp_path) as installation:
        yield installation


@pytest.fixture
def own_server() -> Iterator[EmbeddedServer]:
    """An embedded server of this test's own, without roles or databases."""
    with EmbeddedServer(fast=True) as embedded:
        yield embedded
