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

`linked_installation` is the same on a PostgreSQL of the system's packages, which has postgres_fdw; skipped without one.
`own_server` is an embedded server for one test alone, which it may kill and restart. `bare_server` is one as initdb
left it, for tests of `init`.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from psycopg2.extensions import parse_dsn

from datasurface.connections import Endpoint, Login
from datasurface.demo.embedded import EmbeddedServer
from datasurface.yellow.engine.init.init_plan import InitPlan
from datasurface.yellow.engine.roles import Roles
from tests.db.installation import Installation, Server, Template, copied, init_plan, prepared, removed, strip


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


@pytest.fixture(scope="session")
def server_to_strip() -> Iterator[EmbeddedServer]:
    """A server for tests that make and drop databases and roles of every name."""
    with EmbeddedServer(fast=True) as embedded:
        yield embedded


@pytest.fixture
def bare_server(server_to_strip: EmbeddedServer) -> Iterator[EmbeddedServer]:
    """A server as initdb left it; what a test puts there goes with it."""
    yield server_to_strip
    server_to_strip.start()
    strip(server_to_strip)


@pytest.fixture
def plan(bare_server: EmbeddedServer) -> InitPlan:
    """An installation without prefix, with the demo source, on `bare_server`."""
    return init_plan(Roles(), bare_server.port)


@pytest.fixture(scope="session")
def system_server() -> Iterator[EmbeddedServer]:
    """A PostgreSQL of the system's own packages: of another version than the wheel's, and with postgres_fdw."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not folders:
        pytest.skip("no PostgreSQL of a system package under /usr/lib/postgresql")
    with EmbeddedServer(fast=True, binaries=folders[-1]) as server:
        yield server


@pytest.fixture(scope="session")
def linked_template(system_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """Roles and databases on the system's server."""
    return prepared(system_server, Roles(), tmp_path_factory.mktemp("credentials"))


@pytest.fixture
def linked_installation(linked_template: Template, tmp_path: Path) -> Iterator[Installation]:
    """An installation whose consumers' database reaches the merge database."""
    with copied(linked_template, tmp_path) as installation:
        yield installation
