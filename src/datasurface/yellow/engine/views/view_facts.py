"""What the merge database says of views and of what depends on them. Nothing here decides or changes anything."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from datasurface.yellow.engine import columns, database_errors, queries
from datasurface.yellow.engine.columns import ColumnFact, RelationKind
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.views import view_statements
from datasurface.yellow.engine.views.view_statements import Mark

_STATEMENTS: Final = queries.load("views.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A right on a view; `grantee` None is PUBLIC."""

    grantee: str | None
    privilege: str
    is_grantable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewFact:
    """A relation where a view is or should be; `kind` is pg_class's letter, also that of an index or a sequence.

    `mark` None: it does not say that it is ours. `stored` is a hash of the text that the server keeps. `grants` are
    those of others than the owner.
    """

    name: str
    kind: str
    owner: str
    mark: Mark | None
    has_barrier: bool
    stored: str | None
    grants: Sequence[Grant]
    columns: Mapping[str, ColumnFact]

    def is_ours(self, owner: str) -> bool:
        """Whether it is a view that we made: it belongs to the owner of our views and says so."""
        return self.kind == RelationKind.VIEW and self.owner == owner and self.mark is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependent:
    """Something that uses a relation, or one `column` of it; `description` is the server's.

    `name` and `schema` are those of a table or view, None for anything else.
    """

    relation: str
    column: str | None
    name: str | None
    schema: str | None
    kind: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """The views of a schema: those that were asked for and, if so, all of ours. `readers` are all workspaces' roles."""

    by_name: Mapping[str, ViewFact]
    readers: frozenset[str]
    owner: str

    def ours(self) -> list[ViewFact]:
        """Those that we made."""
        return [fact for fact in self.by_name.values() if fact.is_ours(self.owner)]


def read(
    session: Session, schema: str, view_names: Iterable[str], *, owner: str, readers: str, only_named: bool = False
) -> Views:
    """The named relations and, unless `only_named`, all views that are ours, in the caller's transaction.

    `owner` is the role of our views, `readers` the group of all workspaces' roles.
    """
    wanted = {
        "schema": schema,
        "names": list(view_names),
        "owner": owner,
        "marker": view_statements.MARKER,
        "only_named": only_named,
    }
    rows = _rows(session, "read_views", wanted)
    shown = columns.read(session, schema, [row[0] for row in rows])
    facts = [_fact(row, shown.get(row[0], {})) for row in rows]
    members = _rows(session, "read_members", {"group": readers})
    return Views(
        by_name={fact.name: fact for fact in facts}, readers=frozenset(name for (name,) in members), owner=owner
    )


def dependents(session: Session, schema: str, relations: Sequence[str]) -> Sequence[Dependent]:
    """Everything that uses one of the relations directly; their own indexes, constraints and rules do not count."""
    return [
        Dependent(relation=relation, column=column, name=name, schema=where, kind=kind, description=description)
        for relation, column, name, where, kind, description in _rows(
            session, "read_dependents", {"schema": schema, "names": list(relations)}
        )
    ]


def _fact(row: Sequence[Any], shown: Mapping[str, ColumnFact]) -> ViewFact:
    name, kind, owner, comment, has_barrier, stored, grants = row
    return ViewFact(
        name=name,
        kind=kind,
        owner=owner,
        mark=view_statements.mark_of(comment),
        has_barrier=has_barrier,
        stored=stored,
        grants=tuple(
            Grant(grantee=grantee, privilege=privilege, is_grantable=is_grantable)
            for grantee, privilege, is_grantable in grants
        ),
        columns=shown,
    )


def _rows(session: Session, statement: str, parameters: Mapping[str, object]) -> list[Any]:
    doing = f"{statement.replace('_', ' ')} of {session.endpoint}"
    with database_errors.reporting(doing), session.raw.cursor() as cursor:
        cursor.execute(_STATEMENTS[statement], parameters)
        return cursor.fetchall()
