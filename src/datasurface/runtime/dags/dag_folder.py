"""The folder whose files Airflow parses: changed file by file, each in one step, and readable as what was known last.

A file that did not change is not touched, because Airflow parses anew what was written anew. Nothing here knows what
the files are for.
"""

import ast
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_MARKER: Final = ".complete"
_MODE: Final = 0o644
#: The name that a file gives its literal.
_LITERAL: Final = "DAGS"


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderChanges:
    """Names of the files that came, that hold something else now, and that went."""

    written: frozenset[str]
    rewritten: frozenset[str]
    removed: frozenset[str]

    @property
    def is_empty(self) -> bool:
        """True where the folder was right already."""
        return not (self.written or self.rewritten or self.removed)


class DagFolder:
    """Whoever writes holds the bundle's lock."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def is_complete(self) -> bool:
        """Whether a whole set of files was written here once; from then on each is the last one known to be good."""
        return (self.path / _MARKER).exists()

    def names(self) -> frozenset[str]:
        """The names of the files that are there."""
        return frozenset(path.name for path in self.path.glob("*.py"))

    def put(self, files: Mapping[str, str], *, kept: Iterable[str] = ()) -> FolderChanges:
        """Make `files`, text by name, and the `kept` ones all that there is."""
        self.path.mkdir(parents=True, exist_ok=True)
        before = self.names()
        changed = {name for name, text in files.items() if self._write(name, text)}
        removed = before - files.keys() - frozenset(kept)
        for name in removed:
            (self.path / name).unlink(missing_ok=True)
        (self.path / _MARKER).touch()
        return FolderChanges(
            written=frozenset(changed - before), rewritten=frozenset(changed & before), removed=frozenset(removed)
        )

    def touch(self, names: Iterable[str]) -> None:
        """Have files parsed once more."""
        for name in names:
            path = self.path / name
            if path.exists():
                os.utime(path)

    def configs(self, prefix: str) -> Mapping[str, Mapping[str, Any]]:
        """What the literals of the files with this prefix hold, by DAG id; a file that cannot be read holds nothing."""
        found: dict[str, Mapping[str, Any]] = {}
        for path in sorted(self.path.glob(f"{prefix}*.py")):
            found.update(_literal(path))
        return found

    def _write(self, name: str, text: str) -> bool:
        path = self.path / name
        encoded = text.encode("ascii")
        if path.exists() and path.read_bytes() == encoded:
            return False
        handle, temporary = tempfile.mkstemp(dir=self.path, suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(encoded)
            os.chmod(temporary, _MODE)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
        return True


def _literal(path: Path) -> Mapping[str, Mapping[str, Any]]:
    try:
        statements = ast.parse(path.read_text(encoding="ascii")).body
        for statement in statements:
            if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == _LITERAL:
                found: Mapping[str, Mapping[str, Any]] = ast.literal_eval(statement.value)
                return found
    except (OSError, ValueError, SyntaxError):
        return {}
    return {}
