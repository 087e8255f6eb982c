"""Brings merge and staging tables to what the plan asks for: makes tables, adds columns, widens types.

Nothing else ever happens to them here: no column is dropped, narrowed or reordered, so that a plan that comes back
finds its data. What would need more is a problem, found before anything is touched. Keys and rows are the batches'
matter.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from psycopg2 import sql

from datasurface.lint.rule import Rule
from datasurface.lint.rules import merge_database
from datasurface.yellow.engine import columns, database_errors, ddl, queries, sql_types
from datasurface.yellow.engine.columns import ColumnFact, RelationKind
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.roles import Roles, acting_as
from datasurface.yellow.engine.tables import merge_tables, table_differences, table_metadata
from datasurface.yellow.engine.tables.merge_tables import MergeTables
from datasurface.yellow.engine.tables.table_differences import TableDifference, UnsafeChange
from datasurface.yellow.plan.changes import StreamRef
from datasurface.yellow.plan.streams import StreamPlan

_STATEMENTS: Final = queries.load("tables.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRef:
    """A merge table (`is_merge`) or a staging table: its stream, its dataset and the role that owns it."""

    name: str
    is_merge: bool
    owner: str
    platform_name: str
    stream: StreamRef
    store: str
    dataset: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Creation:
    """A table that is missing."""

    ref: TableRef
    tables: MergeTables


@dataclass(frozen=True, slots=True, kw_only=True)
class Alteration:
    """A table that lacks something; no batch of its stream may be under way while it gets that."""

    ref: TableRef
    difference: TableDifference


@dataclass(frozen=True, slots=True, kw_only=True)
class TableProblem:
    """Why a table cannot be brought there safely; `column` None: it is about the table. `fix` is the way out."""

    rule: Rule
    ref: TableRef
    column: str | None
    message: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableChanges:
    """What the tables need; nothing has been done yet, and with a problem nothing may be."""

    creations: Sequence[Creation]
    alterations: Sequence[Alteration]
    problems: Sequence[TableProblem]


def examine(
    session: Session, schema: str, streams: Iterable[StreamPlan], roles: Roles, *, known: Collection[str] = ()
) -> TableChanges:
    """What the streams' tables need, in the order of the streams; the caller's transaction only reads.

    Tables that are `known` to need nothing are not looked at.
    """
    kept = [
        (stream, tables)
        for stream in streams
        for tables in merge_tables.of_stream(stream, schema)
        if not (tables.plan.merge_table in known and tables.plan.staging_table in known)
    ]
    names = [name for _, tables in kept for name in (tables.plan.merge_table, tables.plan.staging_table)]
    stored = columns.read(session, schema, names)
    owners = _owners(session, schema, names)
    creations, alterations, problems = [], [], []
    for stream, tables in kept:
        for is_merge in (True, False):
            ref = _ref(stream, tables, roles, is_merge=is_merge)
            if ref.name not in owners:
                creations.append(Creation(ref=ref, tables=tables))
            elif owners[ref.name] != (RelationKind.TABLE, ref.owner):
                problems.append(_occupied(ref, *owners[ref.name]))
            else:
                difference = _difference(tables, stored.get(ref.name, {}), is_merge=is_merge)
                problems += [_unsafe(ref, change) for change in difference.unsafe]
                alterations += [] if difference.is_empty else [Alteration(ref=ref, difference=difference)]
    return TableChanges(creations=creations, alterations=alterations, problems=problems)


def create(session: Session, creation: Creation, roles: Roles) -> None:
    """Make a table, which belongs to its platform's role, in the caller's transaction."""
    ref, tables = creation.ref, creation.tables
    with database_errors.reporting(f"making table {ref.name}"), acting_as(session, ref.owner):
        # Metadata is large: that of one table at a time is enough.
        ddl.create(session, table_metadata.of_merge(tables) if ref.is_merge else table_metadata.of_staging(tables))
        if ref.is_merge:
            with session.raw.cursor() as cursor:
                views = sql.Identifier(roles.views)
                cursor.execute(_STATEMENTS["grant_to_views"].format(table=tables.merge, views=views))


def alter(session: Session, schema: str, alteration: Alteration) -> None:
    """Add and widen columns of a table, in the caller's transaction, which then holds it alone to its end.

    What is added is null in the rows that are there. Views that show a widened column have to be out of the way.
    """
    difference, ref = alteration.difference, alteration.ref
    parts = [
        _STATEMENTS["add_column"].format(
            column=sql.Identifier(column.name), type=_type(column.sql_type, in_byte_order=column.in_byte_order)
        )
        for column in difference.added
    ]
    parts += [
        _STATEMENTS["widen_column"].format(
            column=sql.Identifier(column.name), type=_type(column.after, in_byte_order=column.in_byte_order)
        )
        for column in difference.widened
    ]
    table = sql.Identifier(schema, ref.name)
    with (
        database_errors.reporting(f"altering table {ref.name}"),
        acting_as(session, ref.owner),
        session.raw.cursor() as cursor,
    ):
        cursor.execute(_STATEMENTS["alter_table"].format(table=table, changes=sql.SQL(", ").join(parts)))


def _ref(stream: StreamPlan, tables: MergeTables, roles: Roles, *, is_merge: bool) -> TableRef:
    return TableRef(
        name=tables.plan.merge_table if is_merge else tables.plan.staging_table,
        is_merge=is_merge,
        owner=roles.platform_tables(stream.platform_name),
        platform_name=stream.platform_name,
        stream=StreamRef(platform=stream.platform, stream_key=stream.stream_key),
        store=stream.store,
        dataset=tables.plan.dataset,
    )


def _difference(tables: MergeTables, stored: Mapping[str, ColumnFact], *, is_merge: bool) -> TableDifference:
    find = table_differences.of_merge if is_merge else table_differences.of_staging
    return find(tables, stored)


def _type(sql_type: str, *, in_byte_order: bool) -> sql.Composable:
    spelled = sql_types.of_plan(sql_type)
    if not (in_byte_order and sql_types.is_collatable(sql_type)):
        return spelled
    return sql.SQL("{} COLLATE {}").format(spelled, sql.Identifier("pg_catalog", "C"))


def _owners(session: Session, schema: str, names: Sequence[str]) -> Mapping[str, tuple[str, str]]:
    """Kind and owner of the relations that have one of the names."""
    doing = f"reading the owners of {len(names)} tables of {session.endpoint}"
    with database_errors.reporting(doing), session.raw.cursor() as cursor:
        cursor.execute(_STATEMENTS["read_owners"], {"schema": schema, "names": list(names)})
        return {name: (kind, owner) for name, kind, owner in cursor.fetchall()}


def _occupied(ref: TableRef, kind: str, owner: str) -> TableProblem:
    what = "a table" if kind == RelationKind.TABLE else "something else than a table"
    return TableProblem(
        rule=merge_database.OCCUPIED,
        ref=ref,
        column=None,
        message=f"{ref.name} is there already and is not ours: {what} that belongs to {owner}, not to {ref.owner}",
        fix="move it out of the way, or give the dataset another name",
    )


def _unsafe(ref: TableRef, change: UnsafeChange) -> TableProblem:
    if change.stored is None:
        return TableProblem(
            rule=merge_database.HISTORY,
            ref=ref,
            column=None,
            message=f"{ref.name} has no column {change.column}: it was kept by another milestone strategy",
            fix="restore the platform's milestone strategy, or serve the group by a platform of another name",
        )
    return TableProblem(
        rule=merge_database.TYPES,
        ref=ref,
        column=change.column,
        message=(
            f"{ref.name}.{change.column} is stored as {change.stored} and the model says {change.declared}, "
            "which does not hold every value as it is"
        ),
        fix="declare a type that does, restore the old one, or give the column another name",
    )
