"""What an initialisation shall make: databases, roles, and where things are. Pure data."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from datasurface.errors import UsageError
from datasurface.yellow.engine.roles import Roles
from datasurface.yellow.plan import names

#: Names stand in comments and in commands of psql's, which end with their line.
_NAME: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


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

    def __post_init__(self) -> None:
        for kind, name in self._names():
            if not _NAME.fullmatch(name) or len(name.encode(errors="replace")) > names.MAX_IDENTIFIER_BYTES:
                raise UsageError(
                    f"{name!r} cannot be the name of the {kind}",
                    fix=f"1 to {names.MAX_IDENTIFIER_BYTES} bytes without control characters",
                )
        if "%" in self.merge_schema:
            raise UsageError(f"{self.merge_schema!r} cannot be the name of the merge schema", fix="Leave out %")

    def _names(self) -> Iterator[tuple[str, str]]:
        yield "merge database", self.merge_database
        yield "merge schema", self.merge_schema
        yield "database of Airflow", self.airflow_database
        yield "consumers' database", self.consumer_database
        yield "demo source", self.customer_database
        yield "maintenance database", self.maintenance_database
