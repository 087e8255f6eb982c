"""How a plan wants each table and view to be, as a hash, so that what is known of one is known of that. Pure.

Whatever decides how an object is made, altered or granted enters its hash, the version of this program too: another
one may make another view of the same plan.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Final

from datasurface import __version__
from datasurface.yellow.engine import queries
from datasurface.yellow.engine.roles import Roles
from datasurface.yellow.plan.ecosystem_plan import EcosystemPlan
from datasurface.yellow.plan.streams import StreamPlan
from datasurface.yellow.plan.tables import ColumnPlan
from datasurface.yellow.plan.views import ViewColumn, ViewPlan

_VIEW_FIELDS: Final = tuple(field.name for field in fields(ViewPlan) if field.name != "columns")
_DIGITS: Final = 32


class _Columns:
    """Hashes of lists of columns, each list once: platforms and views of a dataset share it."""

    def __init__(self) -> None:
        self._known: dict[int, str] = {}

    def hash_of(self, columns: Sequence[ColumnPlan] | Sequence[ViewColumn]) -> str:
        """The plan holds `columns` while this lives, so that its id stays its own."""
        known = self._known.get(id(columns))
        if known is None:
            described = [
                (column.name, column.sql_type, isinstance(column, ColumnPlan) and column.is_key) for column in columns
            ]
            known = self._known[id(columns)] = _digest(described)
        return known


def of_tables(streams: Iterable[StreamPlan], roles: Roles) -> Mapping[str, str]:
    """The hash of every merge and staging table, by its name."""
    columns = _Columns()
    wanted = {}
    for stream in streams:
        owner = roles.platform_tables(stream.platform_name)
        for table in stream.tables:
            described = (__version__, owner, stream.strategy, stream.store_hashes, columns.hash_of(table.columns))
            wanted[table.merge_table] = _digest(("merge", *described))
            wanted[table.staging_table] = _digest(("staging", *described))
    return wanted


def of_views(views: Iterable[ViewPlan], roles: Roles) -> Mapping[str, str]:
    """The hash of every view, by its name."""
    columns = _Columns()
    made_by = _digest([__version__, *(each.string for each in queries.load("views.sql").values())])
    wanted = {}
    for view in views:
        described = [str(getattr(view, name)) for name in _VIEW_FIELDS]
        rights = (roles.views, roles.reader(view.workspace), roles.link)
        wanted[view.name] = _digest((made_by, *described, *rights, columns.hash_of(view.columns)))
    return wanted


def of_platform_rows(plan: EcosystemPlan, address: Sequence[object]) -> str:
    """The hash of what a merge writes of every platform; `address` is the merge database's."""
    return _digest((__version__, plan.plan_hash, *map(str, address)))


def _digest(described: object) -> str:
    return hashlib.sha256(json.dumps(described, separators=(",", ":")).encode()).hexdigest()[:_DIGITS]
