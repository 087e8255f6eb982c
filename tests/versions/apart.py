"""An installation whose source is on another server than its merge database."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from datasurface.connections import Endpoint
from datasurface.yellow.engine.connect import Session
from tests.db.installation import WHO, Installation, Template, copied


@dataclass(kw_only=True)
class Apart(Installation):
    """The installation of the merge server; `origin` is that of the source's. Both have the same credentials."""

    origin: Installation

    def endpoint(self, database: str = "merge") -> Endpoint:
        return self.origin.endpoint(database) if database == "source" else super().endpoint(database)

    def address(self, database: str) -> dict[str, str | int]:
        return self.origin.address(database) if database == "source" else super().address(database)

    def session(self, who: str, database: str | None = None) -> Session:
        if (database or WHO[who]) == "source":
            return self.origin.session(who, "source")
        return super().session(who, database)


@contextmanager
def apart(source: Template, merge: Template, directory: Path) -> Iterator[Apart]:
    """Copies of both templates' databases, dropped at the end."""
    origin_directory = directory / "origin"
    origin_directory.mkdir()
    with copied(source, origin_directory) as origin, ExitStack() as closing:
        merge.copies += 1
        installation = Apart(template=merge, directory=directory, number=merge.copies, closing=closing, origin=origin)
        installation.write_connections()
        installation.endpoint("merge")
        yield installation
