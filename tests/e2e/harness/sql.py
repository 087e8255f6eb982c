"""SQL on the installation's databases, as any of its logins, with the password that its Secret holds."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import psycopg2
from psycopg2 import extensions, sql

from tests.e2e.harness.cluster import Cluster
from tests.e2e.harness.port_forward import PortForward
from tests.e2e.harness.secrets import secret_values

MERGE: Final = "datasurface_merge"
SOURCE: Final = "customer_db"
AIRFLOW: Final = "airflow_db"
CONSUMER: Final = "consumer_db"
Statement = str | sql.Composable
Row = tuple[Any, ...]


class Sql:
    """Connections to the PostgreSQL of one release. `secrets` maps a login to the Secret with its credential."""

    def __init__(self, cluster: Cluster, namespace: str, service: str, secrets: Mapping[str, str]) -> None:
        self._cluster, self._namespace, self._secrets = cluster, namespace, secrets
        self._forward = PortForward(cluster, namespace, f"service/{service}", 5432)
        self._logins: dict[str, tuple[str, str]] = {}

    def login(self, name: str) -> tuple[str, str]:
        """User name and password."""
        if name not in self._logins:
            values = secret_values(self._cluster, self._namespace, self._secrets[name])
            self._logins[name] = (values["username"], values["password"])
        return self._logins[name]

    def connect(self, login: str, database: str, *, seconds: float = 20) -> extensions.connection:
        """A connection in autocommit mode; a server that is just coming back is waited for."""
        user, password = self.login(login)
        deadline = time.monotonic() + seconds
        while True:
            try:
                raw = psycopg2.connect(
                    host="127.0.0.1",
                    port=self._forward.port(),
                    dbname=database,
                    user=user,
                    password=password,
                    connect_timeout=5,
                    application_name="e2e",
                )
            except psycopg2.OperationalError as error:
                if is_refusal(error) or time.monotonic() > deadline:
                    raise
                self._forward.close()
                time.sleep(0.5)
            else:
                raw.autocommit = True
                return raw

    @contextmanager
    def session(self, login: str, database: str) -> Iterator[extensions.cursor]:
        """A cursor of a connection of its own."""
        raw = self.connect(login, database)
        try:
            with raw.cursor() as cursor:
                yield cursor
        finally:
            raw.close()

    def rows(self, login: str, database: str, statement: Statement, parameters: Sequence[object] = ()) -> list[Row]:
        """What a statement gives; nothing for one that gives no rows."""
        with self.session(login, database) as cursor:
            cursor.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def value(self, login: str, database: str, statement: Statement, parameters: Sequence[object] = ()) -> Any:
        """The one value that a statement gives."""
        rows = self.rows(login, database, statement, parameters)
        assert len(rows) == 1, rows
        return rows[0][0]

    def close(self) -> None:
        """End the port-forward."""
        self._forward.close()


def is_refusal(error: psycopg2.OperationalError) -> bool:
    """Whether the server answered, and refused the login or the database."""
    said = str(error)
    return any(words in said for words in ("authentication failed", "permission denied", "does not exist"))
