"""What no linter checks of the house's style: sizes of files and functions, banned names, SQL put together from text.

A file or function that has to be longer says why: `# long: <reason>` in its first line, or in the lines of its `def`.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tools import sql_rules

#: Where a statement meets names and values of others; tests write theirs themselves.
SQL_FOLDERS: Final = ("src", "simulator/src", "bench")
FOLDERS: Final = ("src", "simulator", "tests", "tools", "bench", "models")
FILE_LINES: Final = 500
FUNCTION_LINES: Final = 60
Function = ast.FunctionDef | ast.AsyncFunctionDef
EXCUSE: Final = "# long: "
#: A file is named for its subject; these names say nothing about one.
BANNED: Final = frozenset({"utils", "helpers", "common", "base", "core", "manager", "handler", "impl", "misc"})


def findings(path: Path) -> Iterator[str]:
    """Give each broken rule of one Python file as `path:line: what`."""
    source = path.read_text()
    lines = source.splitlines()
    for name in sorted(BANNED & {part.strip("_") for part in path.with_suffix("").parts}):
        yield f"{path}:1: a file or folder is named for its subject, not {name!r}"
    if len(lines) > FILE_LINES and EXCUSE not in lines[0]:
        yield f"{path}:1: {len(lines)} lines, more than {FILE_LINES}"
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield from _size_findings(path, lines, node)
            if node.name.startswith("get_") and node not in _inherited(tree):
                yield f"{path}:{node.lineno}: {node.name}: name it for what it returns, without get_"


def _inherited(tree: ast.Module) -> list[ast.stmt]:
    """The methods of derived classes, whose names another library may have chosen."""
    return [stmt for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.bases for stmt in node.body]


def _size_findings(path: Path, lines: Sequence[str], node: Function) -> Iterator[str]:
    size = (node.end_lineno or node.lineno) - node.lineno + 1
    head = lines[node.lineno - 1 : node.body[0].lineno]
    if size > FUNCTION_LINES and not any(EXCUSE in line for line in head):
        yield f"{path}:{node.lineno}: {node.name} has {size} lines, more than {FUNCTION_LINES}"


def python_files(folders: Sequence[str]) -> list[Path]:
    """List the Python files below `folders` that exist, hidden folders left out."""
    found = [path for folder in folders for path in Path(folder).rglob("*.py")]
    return sorted(path for path in found if not any(part.startswith(".") for part in path.parts))


def main() -> int:
    """Print every finding; exit status 1 if there is one."""
    found = [finding for path in python_files(FOLDERS) for finding in findings(path)]
    found += sql_rules.findings(python_files(SQL_FOLDERS))
    if found:
        print("\n".join(found), file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
