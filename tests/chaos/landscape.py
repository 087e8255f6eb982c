"""What the chaos test watches: a source of three small tables, and streams of every kind that read them.

`Site` is an installation on two servers, each behind a proxy; the jobs know the proxies' addresses alone.
"""

import dataclasses
import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from psycopg2 import sql

from datasurface.connections import Connections, Endpoint, Login, load_connections
from datasurface.dsl import Consistency, MilestoneStrategy
from datasurface.yellow.engine import connect
from datasurface.yellow.engine.connect import Purpose, Session
from datasurface.yellow.engine.control import plan_store
from datasurface.yellow.engine.init.run import initialise
from datasurface.yellow.engine.roles import Roles
from datasurface.yellow.plan import names
from datasurface.yellow.plan.streams import StreamPlan
from datasurface.yellow.plan.tables import TablePlan
from tests.chaos.proxy import Proxy
from tests.chaos.servers import SMALL, ChaosServer
from tests.db.installation import administrator, init_plan
from tests.db.streams import SCHEMA, column, deploy, plan, table

LIVE, FORENSIC = MilestoneStrategy.LIVE_ONLY, MilestoneStrategy.BATCH_MILESTONED
SINGLES: Final = "Store2"
SOURCE: Final = (
    "CREATE TABLE accounts (id integer PRIMARY KEY, name text NOT NULL, balance integer NOT NULL)",
    "CREATE TABLE entries (id integer PRIMARY KEY, account integer NOT NULL REFERENCES accounts ON DELETE CASCADE,"
    " amount integer NOT NULL, note text)",
    "CREATE TABLE notes (kind text, content text)",
)
TABLES: Final = (
    table(
        "accounts",
        column("id", "integer", is_key=True),
        column("name", is_required=True),
        column("balance", "integer", is_required=True),
    ),
    table(
        "entries",
        column("id", "integer", is_key=True),
        column("account", "integer", is_required=True),
        column("amount", "integer", is_required=True),
        column("note"),
    ),
    table("notes", column("kind"), column("content")),
)


def streams() -> tuple[StreamPlan, ...]:
    """Live and forensic, all tables in one snapshot; and single ones with a key and without."""
    accounts, _, notes = TABLES
    return (
        plan(LIVE, *TABLES),
        plan(FORENSIC, *TABLES),
        _single(plan(LIVE, notes, dataset="notes")),
        _single(plan(FORENSIC, accounts, dataset="accounts")),
    )


def _single(stream: StreamPlan) -> StreamPlan:
    def renamed(each: TablePlan) -> TablePlan:
        return dataclasses.replace(
            each,
            merge_table=names.merge_table(stream.platform, SINGLES, each.dataset),
            staging_table=names.staging_table(stream.platform, SINGLES, each.dataset),
        )

    return dataclasses.replace(
        stream,
        store=SINGLES,
        consistency=Consistency.SINGLE_DATASET,
        stream_key=names.stream_key(SINGLES, stream.dataset),
        tables=[renamed(each) for each in stream.tables],
    )


@dataclass(kw_only=True)
class Site:
    """The installation; `source` and `merge` are the servers that serve now. `closing` runs at the end of it all."""

    source: ChaosServer
    merge: ChaosServer
    source_proxy: Proxy
    merge_proxy: Proxy
    directory: Path
    closing: ExitStack
    sessions: ExitStack = field(default_factory=ExitStack)
    streams: Sequence[StreamPlan] = ()
    database: str = "template"

    @property
    def roles(self) -> Roles:
        return Roles("")

    @property
    def connections_path(self) -> Path:
        return self.directory / "connections.json"

    @property
    def connections(self) -> Connections:
        return load_connections(self.connections_path)

    def session(self, who: str, database: str = "merge") -> Session:
        """A session straight to one of the servers; the tests' way to deploy a stream."""
        server = self.source if database == "source" else self.merge
        endpoint = server.endpoint(f"{self.database}_{database}")
        login = server.login if who == "admin" else self.connections.login(who)
        session = connect.open_session(endpoint, login, application_name="chaos", purpose=Purpose.MERGE)
        return self.sessions.enter_context(session)

    def prepare(self) -> None:
        """Make roles, databases and streams, once; `begin` copies them."""
        credentials = self.directory / "credentials"
        for server, name in ((self.source, "customer_db"), (self.merge, "datasurface_merge")):
            chosen = init_plan(self.roles, server.port)
            initialise(server.endpoint(), server.login, chosen, credentials)
            kind = "source" if server is self.source else "merge"
            with administrator(server) as admin, admin.raw.cursor() as cursor:
                cursor.execute(
                    sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                        sql.Identifier(name), sql.Identifier(f"template_{kind}")
                    )
                )
        with self.source.connected("template_source") as admin, admin.cursor() as cursor:
            cursor.execute("DROP TABLE public.customers, public.addresses")
        self.merge.make_tablespace()
        self._write_connections(credentials)
        self._deploy()

    def _deploy(self) -> None:
        planned = streams()
        site: Any = self
        with ExitStack() as self.sessions:
            for number, stream in enumerate(planned):
                deploy(site, stream, *(SOURCE if number == 0 else ()))
        with ExitStack() as self.sessions:
            session = self.session("admin")
            for platform in {each.platform for each in planned}:
                own = [each for each in planned if each.platform == platform]
                plan_store.write(session, SCHEMA, platform, own, revision="dir-000000000001")
            with session.raw.cursor() as cursor:
                for stream in planned:
                    for each in stream.tables:
                        cursor.execute(_view(stream, each))
            session.commit()
        self.streams = planned

    def begin(self) -> None:
        """Databases as new: no stream has made a batch."""
        self.database = "chaos"
        for server, kind in ((self.source, "source"), (self.merge, "merge")):
            with server.connected() as admin, admin.cursor() as cursor:
                names_ = {"name": sql.Identifier(f"chaos_{kind}"), "template": sql.Identifier(f"template_{kind}")}
                cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {name} WITH (FORCE)").format(**names_))
                cursor.execute(
                    sql.SQL("CREATE DATABASE {name} TEMPLATE {template} TABLESPACE {place}").format(
                        **names_, place=sql.Identifier("pg_default" if kind == "source" else SMALL)
                    )
                )
                cursor.execute(
                    "UPDATE pg_database SET datacl = t.datacl FROM pg_database AS t"
                    " WHERE pg_database.datname = %s AND t.datname = %s",
                    [f"chaos_{kind}", f"template_{kind}"],
                )

    def _write_connections(self, credentials: Path) -> None:
        known = {path.name: {"directory": str(path)} for path in sorted(credentials.iterdir())}
        merge = {"host": "127.0.0.1", "port": self.merge_proxy.port, "database": "chaos_merge", "sslmode": "disable"}
        source = merge | {"port": self.source_proxy.port, "database": "chaos_source"}
        logins = {"job": "ds_job", "apply": "ds_merge", "monitor": "ds_monitor", "dags": "ds_dags"}
        content = {
            "v": 1,
            "containers": {"customer_db": source, "merge_db": merge, "consumer_db": merge},
            "credentials": known,
            "merge": merge | {"credentials": {use: known[login] for use, login in logins.items()}, "role_prefix": ""},
        }
        self.connections_path.write_text(json.dumps(content, indent=1))

    def login(self, who: str) -> Login:
        return self.connections.login(who)

    def endpoint(self, database: str = "merge") -> Endpoint:
        server = self.source if database == "source" else self.merge
        return server.endpoint(f"{self.database}_{database}")


def view_name(stream: StreamPlan, dataset: str) -> str:
    """The view of the present rows of a dataset."""
    return f"{stream.platform_name}_{stream.store.lower()}_{dataset}_view"


def _view(stream: StreamPlan, each: TablePlan) -> sql.Composed:
    where = sql.SQL("ds_surf_batch_out = 2147483647" if stream.strategy is FORENSIC else "true")
    return sql.SQL("CREATE VIEW {} AS SELECT {} FROM {} WHERE {}").format(
        sql.Identifier(SCHEMA, view_name(stream, each.dataset)),
        sql.SQL(", ").join(sql.Identifier(column.name) for column in each.columns),
        sql.Identifier(SCHEMA, each.merge_table),
        where,
    )
