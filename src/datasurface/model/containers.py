"""Containers: the databases that stores live in and platforms write to."""

from collections.abc import Sequence
from dataclasses import dataclass

from datasurface.model.records import check_name, check_range, freeze_list


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresDatabase:
    """A database of a PostgreSQL server. Address and login can be replaced per installation, by `name`.

    `locations` are paths `Vendor:Location/Sublocation`.
    """

    name: str
    host: str
    database: str
    port: int = 5432
    locations: Sequence[str] = ()

    def __post_init__(self) -> None:
        for field in ("name", "host", "database"):
            check_name(self, field)
        check_range(self, "port", least=1, most=65535)
        freeze_list(self, "locations", str)
