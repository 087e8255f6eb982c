"""Streams whose source's server does nothing of its own accord: what one look leaves, the next one finds."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg2 import sql

from datasurface.demo.embedded import EmbeddedServer
from datasurface.yellow.engine.batch.quiet_look import NOTHING_WRITTEN
from datasurface.yellow.engine.batch.run_result import RunResult
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.roles import Roles
from datasurface.yellow.plan.streams import StreamPlan
from tests.db.installation import Installation, Template, administrator, copied, prepared
from tests.db.streams import Stream, deploy

#: Autovacuum analyzes, which is a transaction that writes; the rest lets a test lose or prepare transactions.
_SETTINGS = {"autovacuum": "off", "max_prepared_transactions": "5", "checkpoint_timeout": "1d"}


@dataclass(kw_only=True)
class QuietStream(Stream):
    """A stream that reads `origin`'s source database, on the merge database's server or on another one."""

    origin: Installation

    def source(self, *statements: str) -> None:
        """Run statements in the source database, in one transaction."""
        with self.source_session() as session, session.raw.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            session.commit()

    @contextmanager
    def source_session(self) -> Iterator[Session]:
        """A superuser's session in the source database."""
        with self.origin.session("admin", "source") as session:
            with session.raw.cursor() as cursor:
                cursor.execute("SET search_path = public")
            session.commit()
            yield session

    def source_rows(self, query: str = "SELECT id, v FROM items") -> list[tuple[Any, ...]]:
        """Rows of the source, sorted as text."""
        with self.source_session() as session, session.raw.cursor() as cursor:
            cursor.execute(query)
            return sorted(cursor.fetchall(), key=repr)

    def is_quiet(self, **changes: Any) -> bool:
        """Look once; whether that read no table."""
        return is_quiet(self.run(**changes))

    def settle(self) -> None:
        """Look until a look reads no table: the second one does, the third beside the merge database."""
        assert any(self.is_quiet() for _ in range(3))


def is_quiet(result: RunResult) -> bool:
    """Whether a run without a batch read no table."""
    return result.outcome == "unchanged" and result.message == NOTHING_WRITTEN


@contextmanager
def quiet_template(credentials: Path, binaries: Path | None = None) -> Iterator[Template]:
    """A prepared server that does nothing by itself."""
    with EmbeddedServer(fast=True, binaries=binaries) as server:
        with administrator(server) as admin, admin.raw.cursor() as cursor:
            for name, value in _SETTINGS.items():
                cursor.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))
        server.restart()
        yield prepared(server, Roles(), credentials)


@contextmanager
def quiet_stream(
    merge: Template, origin: Template | None, directory: Path, plan: StreamPlan, *source: str
) -> Iterator[QuietStream]:
    """A deployed stream; `origin` is the source's server, None: the merge database's own."""
    with ExitStack() as stack:
        installation = stack.enter_context(copied(merge, directory))
        reading = installation
        if origin is not None:
            (directory / "origin").mkdir()
            reading = stack.enter_context(copied(origin, directory / "origin"))
            _read_from(installation, reading)
        deployed = deploy(installation, plan)
        stream = QuietStream(installation=installation, plan=deployed.plan, origin=reading)
        reader = reading.roles.customer_reader
        stream.source(f'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO "{reader}"', *source)
        yield stream


def _read_from(installation: Installation, origin: Installation) -> None:
    """Have the connections file name the other server's source and its reader."""
    path = installation.connections_path
    content = json.loads(path.read_text())
    content["containers"]["customer_db"] = origin.address("source")
    content["credentials"]["customer_reader"] = {"directory": str(origin.template.credentials / "customer_reader")}
    path.write_text(json.dumps(content))
