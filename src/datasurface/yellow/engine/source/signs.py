"""Signs by which a look knows that nothing was written to its source's server since a snapshot that was compared.

A snapshot is the set of transactions that it sees; `pg_current_snapshot()` writes it down as `xmin:xmax:xip`. Two equal
texts of one run of one server are the same set, and tables read the same. docs/design/20261121-cheap-look.md proves it
and says where it does not hold. Pure; `server_state` asks the servers.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from datasurface.model import codec
from datasurface.model.widening import is_widening_sql
from datasurface.yellow.engine.columns import Columns
from datasurface.yellow.engine.source.readings import Reading
from datasurface.yellow.plan.streams import StreamPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerState:
    """A server in a snapshot: `system` is its cluster's identifier, `database` the oid of the session's database.

    `checkpoint` is the timeline and the place of the last checkpoint: a recovery from a crash makes one too.
    """

    snapshot: str
    system: str
    started_at: str
    checkpoint: str
    database: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """What a look keeps of the snapshot that it found equal to the merge tables.

    `subject` is a hash of all that a comparison depends on besides the rows. `recorded_by` is the transaction that
    stored the sign where that ran in another database of the same cluster; None elsewhere. `lied_at` is the time (ISO
    8601) at which a full comparison found that an equal sign had been wrong; from then on it says nothing.
    """

    subject: str
    server: ServerState
    recorded_by: str | None = None
    lied_at: str | None = None
    v: int = 1


@dataclass(frozen=True, slots=True)
class _Snapshot:
    xmax: int
    running: frozenset[int]


def repeats(stored: Sign | None, now: Sign | None) -> bool:
    """Whether `now` is of a snapshot that sees what the stored one saw: nothing was written in between."""
    if stored is None or now is None or stored.lied_at is not None:
        return False
    if (stored.v, stored.subject) != (now.v, now.subject):
        return False
    then = stored.server
    if then == now.server:
        return is_complete(then.snapshot)
    return replace(then, snapshot=now.server.snapshot) == now.server and _only_recorded(stored, now.server.snapshot)


def is_distrusted(stored: Sign | None, server: ServerState) -> bool:
    """Whether a sign of this very cluster was found to be wrong."""
    return stored is not None and stored.lied_at is not None and stored.server.system == server.system


def is_complete(snapshot: str) -> bool:
    """Whether the text names all running transactions below xmax: a standby's snapshot does not, and has xmin lower."""
    xmin, parsed = _parsed(snapshot)
    return xmin == min((*parsed.running, parsed.xmax))


def are_neighbours(one: ServerState, other: ServerState) -> bool:
    """Whether two databases share their transactions' numbers and are not the same database."""
    is_one = (one.system, one.started_at) == (other.system, other.started_at)
    return is_one and one.database != other.database


def subject(stream: StreamPlan, *parts: str) -> str:
    """The hash of what a comparison depends on besides the rows: the plan and `parts`."""
    return hashlib.sha256(json.dumps([codec.dumps(stream), *parts]).encode()).hexdigest()


def are_read_as_stored(readings: Sequence[Reading], facts: Columns) -> bool:
    """Whether what is read depends on the stored values alone: no cast but those that every value survives."""
    for reading in readings:
        of_table = facts[reading.table.source_table]
        for column, own in zip(reading.table.wire_columns, reading.columns, strict=True):
            fact = of_table[own]
            if not (fact.is_enum or is_widening_sql(fact.sql_type, column.sql_type)):
                return False
    return True


def _only_recorded(stored: Sign, snapshot: str) -> bool:
    """Whether the transaction that recorded the sign is the only one that ended since: it wrote to another database."""
    if stored.recorded_by is None or not (is_complete(stored.server.snapshot) and is_complete(snapshot)):
        return False
    own = int(stored.recorded_by)
    _, then = _parsed(stored.server.snapshot)
    _, now = _parsed(snapshot)
    return then.xmax == own and now.xmax == own + 1 and then.running == now.running


def _parsed(snapshot: str) -> tuple[int, _Snapshot]:
    xmin, xmax, running = snapshot.split(":")
    return int(xmin), _Snapshot(int(xmax), frozenset(map(int, running.split(","))) if running else frozenset())


#: What PostgreSQL's own distribution brings; none of it changes what reading a table means.
OWN_EXTENSIONS: Final = (
    *("adminpack", "amcheck", "autoinc", "bloom", "bool_plperl", "bool_plperlu", "btree_gin", "btree_gist", "citext"),
    *("cube", "dblink", "dict_int", "dict_xsyn", "earthdistance", "file_fdw", "fuzzystrmatch", "hstore"),
    *("insert_username", "intagg", "intarray", "isn", "lo", "ltree", "moddatetime", "old_snapshot", "pageinspect"),
    *("pg_buffercache", "pg_freespacemap", "pg_logicalinspect", "pg_prewarm", "pg_stat_statements", "pg_trgm"),
    *("pg_visibility", "pg_walinspect", "pgcrypto", "pgrowlocks", "pgstattuple", "plperl", "plperlu", "plpgsql"),
    *("plpython3u", "pltcl", "pltclu", "postgres_fdw", "refint", "seg", "sslinfo", "tablefunc", "tcn"),
    *("tsm_system_rows", "tsm_system_time", "unaccent", "uuid-ossp", "xml2"),
)
