"""Where the contenders meet: a server, an installation made by the product's own code, databases new in every round."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from psycopg2 import sql
from psycopg2.extensions import parse_dsn

from bench import source_data, statements, tuned_server
from bench.options import Options
from datasurface import loader
from datasurface.connections import Endpoint, Login
from datasurface.demo.embedded import EmbeddedServer, wheel_binaries
from datasurface.demo.installation import Installation, install
from datasurface.errors import DatasurfaceError, ModelError
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.control.control_tables import RevisionOutcome
from datasurface.yellow.engine.init.init_plan import InitPlan
from datasurface.yellow.engine.links import Links
from datasurface.yellow.engine.model_merge import model_apply
from datasurface.yellow.engine.roles import Roles
from datasurface.yellow.plan.ecosystem_plan import EcosystemPlan, plan_ecosystem
from datasurface.yellow.plan.streams import StreamPlan

_QUERIES: Final = statements.load("arena.sql")
#: Roles and databases on a server that is not ours alone carry it.
PREFIX: Final = "ds_bench_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arena:
    """A server with the source filled and the model applied. `binaries` is where PostgreSQL's own programs are."""

    installation: Installation
    plan: EcosystemPlan
    binaries: Path | None
    postmaster_pid: int | None

    @property
    def databases(self) -> Sequence[str]:
        """Source and merge database."""
        return [self.installation.plan.customer_database, self.installation.plan.merge_database]

    @property
    def source_database(self) -> str:
        """The database that is read."""
        return self.installation.plan.customer_database

    @property
    def merge_database(self) -> str:
        """The database that is written to."""
        return self.installation.plan.merge_database

    def stream(self, platform: str) -> StreamPlan:
        """The platform's only stream."""
        return next(stream for stream in self.plan.streams if stream.platform == platform)

    @contextmanager
    def admin(self, database: str | None = None) -> Iterator[Session]:
        """A superuser's session; without a database one that can make and drop the others, outside of transactions."""
        home = self.installation.plan.maintenance_database
        with self.installation.session(database or home, self.installation.admin) as session:
            session.raw.autocommit = database is None
            yield session

    def begin_round(self) -> None:
        """Both databases as they were before the first batch."""
        for name in self.databases:
            self.begin(name)

    def begin(self, database: str) -> None:
        """One database as it was before the first batch."""
        self._copy(database, _template(database))

    def keep(self, state: str) -> None:
        """Put the merge database aside under a name of yours; there is none until the next copy."""
        name = self.merge_database
        places = {"name": sql.Identifier(name), "template": sql.Identifier(f"{name}_{state}")}
        with self.admin() as session, session.raw.cursor() as cursor:
            cursor.execute(_QUERIES["rename_database"].format(**places))

    def restore(self, state: str) -> None:
        """The merge database as it was when it was put aside."""
        self._copy(self.merge_database, f"{self.merge_database}_{state}")

    def _copy(self, name: str, template: str) -> None:
        places = {"name": sql.Identifier(name), "template": sql.Identifier(template)}
        with self.admin() as session, session.raw.cursor() as cursor:
            cursor.execute(_QUERIES["drop_database"].format(**places))
            cursor.execute(_QUERIES["copy_database"].format(**places))
            cursor.execute(_QUERIES["copy_rights"], {"name": name, "template": template})


@contextmanager
def opened(options: Options) -> Iterator[Arena]:
    """Prepare everything, and remove it at the end; of a server that `options` names only what is ours."""
    with ExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="datasurface-bench-")))
        if options.dsn is None:
            server = closing.enter_context(EmbeddedServer())
            tuned_server.configure(server)
            pid = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
            installation = _installation(server.endpoint(), server.login, folder, "")
            arena = _prepared(installation, options, binaries=server.binaries, postmaster_pid=pid)
        else:
            endpoint, login = _given(options.dsn)
            installation = _installation(endpoint, login, folder, PREFIX)
            closing.callback(_remove, installation)
            arena = _prepared(installation, options, binaries=_wheel_binaries(), postmaster_pid=None)
        yield arena


def _installation(server: Endpoint, admin: Login, folder: Path, prefix: str) -> Installation:
    roles = Roles(prefix)
    plan = InitPlan(
        roles=roles,
        merge_database=roles.named("datasurface_merge"),
        airflow_database=roles.named("airflow_db"),
        consumer_database=roles.named("consumer_db"),
        customer_database=roles.named("customer_db"),
        link_host=server.host,
        link_port=server.port,
        demo=source_data.scripts(),
    )
    return Installation(server=server, admin=admin, plan=plan, folder=folder)


def _prepared(
    installation: Installation, options: Options, *, binaries: Path | None, postmaster_pid: int | None
) -> Arena:
    loaded = loader.load(statements.FOLDER / "model")
    install(installation, loaded.ecosystem)
    outcome = model_apply.apply_revision(Links(installation.connections), loaded, None)
    if outcome.outcome is not RevisionOutcome.APPLIED:
        raise ModelError(f"the benchmark's model is {outcome.outcome}: {[each.message for each in outcome.findings]}")
    plan = plan_ecosystem(loaded.ecosystem, loaded.mapping)
    arena = Arena(installation=installation, plan=plan, binaries=binaries, postmaster_pid=postmaster_pid)
    with arena.admin(arena.source_database) as session:
        source_data.fill(session, options)
    with arena.admin() as session, session.raw.cursor() as cursor:
        for name in arena.databases:
            places = {"name": sql.Identifier(name), "template": sql.Identifier(_template(name))}
            cursor.execute(_QUERIES["rename_database"].format(**places))
    return arena


def _remove(installation: Installation) -> None:
    plan = installation.plan
    databases = [plan.merge_database, plan.customer_database]
    others = [plan.airflow_database, plan.consumer_database]
    with installation.session(plan.maintenance_database, installation.admin) as session:
        session.raw.autocommit = True
        with session.raw.cursor() as cursor:
            for name in [*databases, *map(_template, databases), *others]:
                cursor.execute(_QUERIES["drop_database"].format(name=sql.Identifier(name)))
            cursor.execute(_QUERIES["roles_of_prefix"], {"prefix": PREFIX})
            for (role,) in cursor.fetchall():
                cursor.execute(_QUERIES["drop_role"].format(role=sql.Identifier(role)))


def _wheel_binaries() -> Path | None:
    """Programs that are newer than the server may be, which is fine for psql; None: PATH has to find them."""
    try:
        return wheel_binaries()
    except DatasurfaceError:
        return None


def _template(database: str) -> str:
    return f"{database}_before"


def _given(dsn: str) -> tuple[Endpoint, Login]:
    parts = parse_dsn(dsn)
    endpoint = Endpoint(host=parts.get("host", "localhost"), port=int(parts.get("port", 5432)), database="postgres")
    return endpoint, Login(username=parts["user"], password=parts.get("password", ""))
