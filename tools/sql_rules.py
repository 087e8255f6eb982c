"""No SQL is put together from text: what a cursor is given is a literal, or was made by `psycopg2.sql`.

A value in an f-string is an injection as soon as somebody else chooses it; `psycopg2.sql` quotes names and values. This
reads the source: it follows a name to what was assigned to it and a call to the return type of the function, which mypy
has checked. What it cannot follow is a finding.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: Their first argument is SQL.
RUNNING: Final = frozenset(
    {"execute", "executemany", "execute_batch", "execute_values", "copy_expert", "mogrify", "exec_driver_sql"}
)
#: Made of text that becomes SQL as it is: of psycopg2 and of SQLAlchemy.
VERBATIM: Final = frozenset({"SQL", "text"})
#: Return types and annotations that are safe: made by `psycopg2.sql` or by SQLAlchemy's own constructs.
SAFE_TYPES: Final = frozenset({"SQL", "Composed", "Composable", "Identifier", "Literal", "Placeholder", "Executable"})
#: Constants that hold the statements of a file, by name.
STATEMENT_FILES: Final = frozenset({"QUERIES", "STATEMENTS"})
#: What makes a statement out of safe parts.
SAFE_CALLS: Final = frozenset(
    {"load", "SQL", "Composed", "Identifier", "Literal", "Placeholder", "CreateTable", "CreateIndex"}
)

_ENGINE: Final = "src/datasurface/yellow/engine"
_SIMULATOR: Final = "simulator/src/data_change_simulator"
#: Text that becomes SQL though it is no literal: file and expression, and why nobody else can choose it.
ALLOWED: Final[Mapping[tuple[str, str], str]] = {
    (f"{_ENGINE}/queries.py", "statement.strip()"): "the one reader of the package's own files of statements",
    (f"{_ENGINE}/sql_types.py", "sql_type"): "matches the pattern of a type in full, which has room for nothing else",
    (f"{_ENGINE}/sql_types.py", "format_type"): "the server's own format_type, which quotes the names in it",
    (f"{_ENGINE}/views/view_grants.py", "grant.privilege"): "a keyword that the server's aclexplode gave",
    (f"{_ENGINE}/control/control_tables.py", "default"): "literals of this file, passed by a function",
    (f"{_ENGINE}/control/migrate.py", "migration.statements"): "DDL that SQLAlchemy compiled, and quoted",
    (f"{_ENGINE}/control/migrate.py", "migration_table(schema)"): "DDL that SQLAlchemy compiled, and quoted",
    (f"{_ENGINE}/ddl.py", "statement"): "DDL that SQLAlchemy compiled, and quoted",
    (f"{_ENGINE}/init/table_steps.py", "migrate.migration_table(plan.merge_schema) + ';'"): "the same DDL",
    (f"{_ENGINE}/init/table_steps.py", "migration.statements"): "the same DDL",
    (f"{_ENGINE}/init/table_steps.py", "dollar_quoted(body)"): "psql_text renders and quotes it",
    (f"{_ENGINE}/init/demo_steps.py", "plan.demo.ddl"): "a file of the simulator's package",
    (f"{_ENGINE}/init/demo_steps.py", "plan.demo.seed"): "a file of the simulator's package",
    (f"{_ENGINE}/init/run.py", "check.findings"): "a field of the type sql.Composable",
    (
        f"{_ENGINE}/views/view_sync.py",
        "self.create(plan, order, self.schema)",
    ): "a CreateView gives sql.Composed",
    (f"{_ENGINE}/views/view_sync.py", "statement"): "of GrantChanges.statements, which gives sql.Composed",
    ("src/datasurface/demo/customers_source.py", "data_change_simulator.evolve_sql()"): "a file of that package",
    (f"{_SIMULATOR}/change_writer.py", "statement.text"): "a field of the type sql.Composed",
    (f"{_SIMULATOR}/schema.py", "source_ddl()"): "a file of the package",
    (f"{_SIMULATOR}/schema.py", "seed_sql()"): "a file of the package",
}


@dataclass(frozen=True)
class Module:
    """A source file and what its names stand for."""

    path: str
    tree: ast.Module


def findings(paths: Iterable[Path], allowed: Mapping[tuple[str, str], str] = ALLOWED) -> Iterator[str]:
    """Give each statement that may be put together from text as `path:line: what`, and each allowance without use."""
    modules = [Module(path.as_posix(), ast.parse(path.read_text())) for path in paths]
    returned = _returned([module.tree for module in modules])
    used: set[tuple[str, str]] = set()
    for module in modules:
        scopes = _Scopes(module.tree, returned)
        for call in (node for node in ast.walk(module.tree) if isinstance(node, ast.Call)):
            argument = _sql_argument(call)
            if argument is None or scopes.is_safe(argument, verbatim=_name(call.func) in VERBATIM):
                continue
            place = (module.path, ast.unparse(argument))
            if place in allowed:
                used.add(place)
            else:
                yield f"{module.path}:{call.lineno}: {place[1]} may be text that somebody else chose: use psycopg2.sql"
    for path, expression in sorted(allowed.keys() - used):
        if any(module.path == path for module in modules):
            yield f"{path}:1: {expression} is allowed as SQL and not used: take it out of tools/sql_rules.py"


def _sql_argument(call: ast.Call) -> ast.expr | None:
    """What the call takes for SQL, or None."""
    name = _name(call.func)
    if name in RUNNING or (name == "SQL" and isinstance(call.func, ast.Attribute | ast.Name)):
        return call.args[0] if call.args else next((each.value for each in call.keywords), None)
    is_sqlalchemy = (isinstance(call.func, ast.Attribute) and _name(call.func.value) in {"sa", "sqlalchemy"}) or (
        isinstance(call.func, ast.Name)
    )
    if name == "text" and is_sqlalchemy and call.args:
        return call.args[0]
    return None


def _name(node: ast.expr) -> str:
    """The last part of a dotted name; empty for anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _returned(trees: Iterable[ast.Module]) -> Mapping[str, set[str]]:
    """The return types of every function and property, by its name; of several of one name all count."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                found[node.name].add(ast.unparse(node.returns) if node.returns else "")
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                found[node.target.id].add(ast.unparse(node.annotation))
    return found


def _is_safe_type(annotation: str) -> bool:
    """Whether an annotation says that only psycopg2.sql, or SQLAlchemy, can have made it, alone or in a collection."""
    tree = ast.parse(annotation or "str", mode="eval").body
    named = {_name(node) for node in ast.walk(tree) if isinstance(node, ast.Name | ast.Attribute)}
    named -= {"sql", "sqlalchemy", "list", "tuple", "dict", "Sequence", "Iterable", "Iterator", "Mapping", "Final"}
    parts = [part for part in ast.walk(tree) if isinstance(part, ast.Subscript) and _name(part.value) in _MAPPINGS]
    named -= {"str"} if parts else set()
    return bool(named) and named <= SAFE_TYPES


_MAPPINGS: Final = frozenset({"Mapping", "dict"})


class _Scopes:
    """What the names of a module stand for, function by function."""

    def __init__(self, tree: ast.Module, returned: Mapping[str, set[str]]) -> None:
        self._returned = returned
        self._within: dict[ast.AST, ast.FunctionDef | None] = {}
        self._bound: defaultdict[tuple[ast.FunctionDef | None, str], list[ast.expr | str]] = defaultdict(list)
        self._visit(tree, None)

    def is_safe(self, node: ast.expr, *, verbatim: bool, seen: frozenset[str] = frozenset()) -> bool:
        """Whether the expression is a literal or made by psycopg2.sql; `verbatim`: only literals will do."""
        if isinstance(node, ast.Constant):
            return True
        if isinstance(node, ast.IfExp):
            return all(self.is_safe(each, verbatim=verbatim, seen=seen) for each in (node.body, node.orelse))
        if isinstance(node, ast.Name):
            return node.id not in seen and self._is_safe_name(node, node.id, verbatim, seen | {node.id})
        return not verbatim and self._is_made(node, seen)

    def _is_made(self, node: ast.expr, seen: frozenset[str]) -> bool:
        """Whether psycopg2.sql made it, alone or in a collection."""
        match node:
            case ast.Subscript(value=ast.Name(id=name)) if name.lstrip("_") in STATEMENT_FILES:
                return True
            case ast.Starred(value=inner) | ast.Subscript(value=inner):
                return self.is_safe(inner, verbatim=False, seen=seen)
            case ast.Attribute(attr=name):
                return self._is_safe_return(name)
            case ast.Call():
                return self._is_safe_call(node, seen)
        return False

    def _is_safe_call(self, call: ast.Call, seen: frozenset[str]) -> bool:
        name = _name(call.func)
        if name in {"format", "join", "as_string"} and isinstance(call.func, ast.Attribute):
            owner = call.func.value
            return not isinstance(owner, ast.Constant | ast.JoinedStr) and self.is_safe(
                owner, verbatim=False, seen=seen
            )
        return name in SAFE_CALLS or self._is_safe_return(name)

    def _is_safe_return(self, name: str) -> bool:
        types = self._returned.get(name)
        return bool(types) and all(map(_is_safe_type, types or ()))

    def _is_safe_name(self, node: ast.Name, name: str, verbatim: bool, seen: frozenset[str]) -> bool:
        function = self._within.get(node)
        bound = self._bound.get((function, name)) or self._bound.get((None, name)) or []
        return bool(bound) and all(self._is_safe_binding(each, verbatim, seen) for each in bound)

    def _is_safe_binding(self, bound: ast.expr | str, verbatim: bool, seen: frozenset[str]) -> bool:
        if isinstance(bound, str):
            return not verbatim and _is_safe_type(bound)
        if isinstance(bound, ast.List | ast.Tuple):
            return all(self.is_safe(each, verbatim=verbatim, seen=seen) for each in bound.elts)
        if isinstance(bound, ast.ListComp | ast.GeneratorExp):
            return self.is_safe(bound.elt, verbatim=verbatim, seen=seen)
        return self.is_safe(bound, verbatim=verbatim, seen=seen)

    def _visit(self, node: ast.AST, function: ast.FunctionDef | None) -> None:
        self._within[node] = function
        if isinstance(node, ast.FunctionDef):
            arguments = node.args
            for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
                self._bound[node, each.arg].append(ast.unparse(each.annotation) if each.annotation else "")
            inner = node
        else:
            inner = function  # type: ignore[assignment]
            self._bind(node, function)
        for child in ast.iter_child_nodes(node):
            self._visit(child, inner)

    def _bind(self, node: ast.AST, function: ast.FunctionDef | None) -> None:
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._bind_target(target, value, function)
            case ast.AnnAssign(target=ast.Name(id=name), value=value, annotation=annotation):
                is_telling = _is_safe_type(ast.unparse(annotation)) or value is None
                self._bound[function, name].append(ast.unparse(annotation) if is_telling else value or "")
            case (
                ast.AugAssign(target=ast.Name(id=name), value=value)
                | ast.NamedExpr(target=ast.Name(id=name), value=value)
            ):
                self._bound[function, name].append(value)
            case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
                self._bind_target(target, value, function)
            case ast.withitem(context_expr=value, optional_vars=ast.expr() as target):
                self._bind_target(target, value, function)

    def _bind_target(self, target: ast.expr, value: ast.expr, function: ast.FunctionDef | None) -> None:
        if isinstance(target, ast.Name):
            self._bound[function, target.id].append(value)
        elif isinstance(target, ast.Tuple | ast.List):
            values: Sequence[ast.expr] = value.elts if isinstance(value, ast.Tuple | ast.List) else []
            for place, each in enumerate(target.elts):
                if len(values) == len(target.elts):
                    self._bind_target(each, values[place], function)
                elif isinstance(each, ast.Name):
                    self._bound[function, each.id].append("")
