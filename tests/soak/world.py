"""One real installation per worker, emptied between sequences; every read and write of a sequence but its jobs'."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from io import BytesIO
from typing import Any, Final

from psycopg2 import sql

from datasurface.connections import Connections, load_connections
from datasurface.yellow.engine import connect
from datasurface.yellow.engine.audit import audit
from datasurface.yellow.engine.audit.audit import AuditRequest
from datasurface.yellow.engine.audit.audit_verdict import StreamAudit
from datasurface.yellow.engine.batch import reset
from datasurface.yellow.engine.connect import Purpose, Session
from datasurface.yellow.engine.links import Links
from datasurface.yellow.engine.model_merge import model_apply
from datasurface.yellow.engine.model_merge.model_apply import ApplyOutcome
from datasurface.yellow.engine.model_merge.model_steps import MergeStep
from datasurface.yellow.plan import names
from tests.db.installation import Installation, Server
from tests.soak import landscapes
from tests.soak.landscapes import PLATFORM, STORE
from tests.soak.shapes import SOURCE, Shape, unescaped

SCHEMA: Final = "public"
JOB: Final = "soak job"
MERGE: Final = "soak apply"
Row = Mapping[str, str | None]


class World:
    """The databases of a worker. `rid` is a column of the source's tables that no model has: it tells rows apart."""

    def __init__(self, installation: Installation, sources: Sequence[Server]) -> None:
        self.connections: Connections = installation.connections
        self._merge = _autocommitting(installation.session("admin", "merge"))
        self._sources = [_Source(installation, server, number) for number, server in enumerate(sources)]
        self._source = self._sources[0]

    def read_from(self, number: int) -> None:
        """Let jobs read another source: 0 is in the merge database's own cluster, 1 in one of its own."""
        self._source = self._sources[number]
        self.connections = self._source.connections

    def empty(self) -> None:
        """Take everything back that a sequence left."""
        relations = self.rows(
            "SELECT relname, relkind::text FROM pg_class"
            " WHERE relnamespace = %s::regnamespace AND relkind IN ('r', 'v')",
            [SCHEMA],
        )
        views = [_place(name) for name, kind in relations if kind == "v"]
        tables = [_place(name) for name, kind in relations if kind == "r" and name.endswith(("_merge", "_staging"))]
        for what, places in (("VIEW", views), ("TABLE", tables)):
            if places:
                self.on_merge(sql.SQL("DROP {} {} CASCADE").format(sql.SQL(what), sql.SQL(", ").join(places)))
        dropped = ("_merge", "_staging", names.MIGRATION_TABLE)
        control = [_place(name) for name, kind in relations if kind == "r" and not name.endswith(dropped)]
        self.on_merge(sql.SQL("TRUNCATE {} RESTART IDENTITY").format(sql.SQL(", ").join(control)))
        self.on_source(*[sql.SQL("TRUNCATE {}").format(_place(table)) for table in SOURCE])

    def apply(self, shape: Shape, report: Callable[[MergeStep], None] = lambda _: None) -> ApplyOutcome:
        """Apply a model as the command does."""
        links = Links(self.connections, application_name=MERGE)
        return model_apply.apply_revision(links, landscapes.loaded(shape), None, report=report)

    def reset(self, stream: str | None) -> str:
        """Reset the unfinished batch of a stream as the command does."""
        return reset.reset_batch_state(Links(self.connections, application_name=JOB), PLATFORM, STORE, stream)

    def audited(self) -> list[StreamAudit]:
        """Audit every stream."""
        return list(audit.audit(Links(self.connections, application_name=JOB), AuditRequest()))

    def on_merge(self, statement: sql.Composable, parameters: Sequence[Any] | None = None) -> None:
        """Run a statement in the merge database."""
        with self._merge.raw.cursor() as cursor:
            cursor.execute(statement, parameters)

    def on_source(self, *statements: sql.Composable) -> None:
        """Run statements in the source database, in one transaction."""
        with self._source.session.raw.cursor() as cursor:
            cursor.execute(sql.SQL("; ").join(statements))

    def rows(self, query: str, parameters: Sequence[Any] | None = None, *tables: str) -> list[tuple[Any, ...]]:
        """Rows of a query in the merge database; `{}` are its tables."""
        with self._merge.raw.cursor() as cursor:
            cursor.execute(sql.SQL(query).format(*map(_place, tables)) if tables else query, parameters)
            return cursor.fetchall()

    def dump(self, relation: str) -> tuple[list[str], list[dict[str, str | None]]] | None:
        """The columns and all rows of a relation of the merge database, as COPY prints them; None: it is not there."""
        if self.rows("SELECT to_regclass(%s)", [f"{SCHEMA}.{relation}"]) == [(None,)]:
            return None
        text = BytesIO()
        statement = sql.SQL("COPY (SELECT * FROM {}) TO STDOUT WITH (HEADER)").format(_place(relation))
        with self._merge.raw.cursor() as cursor:
            cursor.copy_expert(statement, text)
        header, *lines = text.getvalue().decode().split("\n")[:-1]
        columns = header.split("\t")
        return columns, [dict(zip(columns, map(unescaped, line.split("\t")), strict=True)) for line in lines]

    def end_jobs(self, database: str) -> None:
        """Break the connections of running jobs to the `merge` or `source` database."""
        session = self._merge if database == "merge" else self._source.session
        with session.raw.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE application_name = %s AND datname = current_database()",
                [JOB],
            )

    def wait_for_the_dead(self) -> None:
        """Return when no connection of a job or of a merge is left that died."""
        with self._merge.raw.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = ANY (%s)",
                [[JOB, MERGE]],
            )


class _Source:
    """A source database, its tables made, and the connections of jobs that read it."""

    def __init__(self, installation: Installation, server: Server, number: int) -> None:
        own = installation.endpoint("source")
        endpoint = own if number == 0 else server.endpoint()
        login = installation.connections.login("customer_reader")
        self.session = _autocommitting(
            installation.closing.enter_context(
                connect.open_session(endpoint, server.login, application_name="soak", purpose=Purpose.CONTROL)
            )
        )
        document = json.loads(installation.connections_path.read_text())
        document["containers"]["customer_db"] |= {"port": endpoint.port, "database": endpoint.database}
        path = installation.directory / f"connections{number}.json"
        path.write_text(json.dumps(document))
        self.connections = load_connections(path)
        with self.session.raw.cursor() as cursor:
            if number:
                cursor.execute(
                    sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                        sql.Identifier(login.username), sql.Literal(login.password)
                    )
                )
            for table, columns in SOURCE.items():
                described = [
                    sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in columns.items()
                ]
                cursor.execute(
                    sql.SQL("CREATE TABLE {0} (rid integer PRIMARY KEY, {1}); GRANT SELECT ON {0} TO {2}").format(
                        _place(table), sql.SQL(", ").join(described), sql.Identifier(login.username)
                    )
                )


def change(table: str, before: Mapping[int, Row], after: Mapping[int, Row]) -> Iterable[sql.Composable]:
    """Statements that bring a source table from one state to another, both by `rid`."""
    gone = [rid for rid in before if rid not in after]
    if gone:
        yield sql.SQL("DELETE FROM {} WHERE rid = ANY ({})").format(_place(table), sql.Literal(gone))
    for rid, row in after.items():
        if rid not in before:
            yield sql.SQL("INSERT INTO {} VALUES ({}, {})").format(_place(table), sql.Literal(rid), _values(table, row))
        elif row != before[rid]:
            yield sql.SQL("UPDATE {} SET ({}) = ROW({}) WHERE rid = {}").format(
                _place(table),
                sql.SQL(", ").join(map(sql.Identifier, SOURCE[table])),
                _values(table, row),
                sql.Literal(rid),
            )


def refill(table: str, rows: Mapping[int, Row]) -> Iterable[sql.Composable]:
    """Statements that write a source table anew, its rows in the given order."""
    yield sql.SQL("TRUNCATE {}").format(_place(table))
    yield from change(table, {}, rows)


def touch(table: str) -> sql.Composable:
    """Write every row of a source table without changing it."""
    return sql.SQL("UPDATE {} SET id = id").format(_place(table))


def _values(table: str, row: Row) -> sql.Composed:
    return sql.SQL(", ").join(
        sql.SQL("{}::{}").format(sql.Literal(row[name]), sql.SQL(kind)) for name, kind in SOURCE[table].items()
    )


def _place(name: str) -> sql.Identifier:
    return sql.Identifier(SCHEMA, name)


def _autocommitting(session: Session) -> Session:
    session.raw.autocommit = True
    return session
