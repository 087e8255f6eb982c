"""What an initialisation shall make: databases, roles, and where things are. Pure data."""

from collections.abc import Sequence
from dataclasses import dataclass

from datasurface.yellow.engine.roles import Roles


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSource:
    """Scripts of the demo source: `ddl` makes `tables` in the first schema of the search path, `seed` fills them.

    Both are several statements without parameters and safe to run again.
    """

    ddl: str
    seed: str
    tables: Sequence[str] = ("customers", "addresses")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderLogin:
    """A login for people or programs that read the views of `workspaces`; its role is `login` behind the prefix."""

    login: str
    workspaces: Sequence[str]

    @property
    def credential(self) -> str:
        """Name of its credential directory."""
        return f"reader_{self.login}"


@dataclass(frozen=True, slots=True, kw_only=True)
class InitPlan:
    """One installation's databases and roles on one server.

    `maintenance_database` is where roles and databases are made from. `link_host` and `link_port` are the server's
    address as it sees itself, for postgres_fdw. `demo` None: no demo source, neither its database nor its roles.
    `platform_jobs` are platforms whose jobs log in by a role of their own.
    `readers` have one entry per login.
    """

    roles: Roles
    merge_database: str = "datasurface_merge"
    merge_schema: str = "public"
    airflow_database: str = "airflow_db"
    consumer_database: str = "consumer_db"
    customer_database: str = "customer_db"
    maintenance_database: str = "postgres"
    link_host: str = "localhost"
    link_port: int = 5432
    demo: DemoSource | None = None
    platform_jobs: Sequence[str] = ()
    readers: Sequence[ReaderLogin] = ()
