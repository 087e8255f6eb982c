"""What tests of the doctor set up and read: statements in the databases, a connections file gone wrong, verdicts."""

import json
from pathlib import Path

from click.testing import Result

from tests.db.installation import Installation

DEMO = Path(__file__).parents[3] / "models" / "demo"
VIEW = "yellowlive_consumer1_livedsg_customers_view"


def execute(installation: Installation, *statements: str) -> None:
    """Run statements as the superuser of the merge database."""
    with installation.session("admin") as session, session.raw.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        session.commit()


def checks(result: Result, verdict: str) -> dict[str, dict[str, str]]:
    """The checks of a JSON document that came to this, by title."""
    document = json.loads(result.stdout)
    return {check["title"]: check for check in document["checks"] if check["verdict"] == verdict}


def with_merge(installation: Installation, directory: Path, *, roles: dict[str, str] | None = None, **merge) -> str:
    """A connections file with another merge section; `roles` are credential directories that replace known ones."""
    document = json.loads(installation.connections_path.read_text())
    document["merge"] |= merge
    for role, folder in (roles or {}).items():
        document["merge"]["credentials"][role] = {"directory": folder}
    path = directory / "other.json"
    path.write_text(json.dumps(document))
    return str(path)
