"""Time, the log and the commits of tests of the watch."""

import io
import json
from pathlib import Path
from typing import Any, Final

from datasurface.runtime import logs
from tests.git.worktrees import Synced

DEMO: Final = Path(__file__).parents[3] / "models" / "demo"
EVOLVED: Final = DEMO.with_name("demo-evolved")
LIVE: Final = "yellowlive_consumer1_livedsg_customers_view"


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Told:
    """The log, as JSON lines."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        logs.configure("json", stream=self.stream)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    def events(self) -> list[str]:
        return [line["event"] for line in self.lines()]


def evolve(synced: Synced) -> None:
    """Commit the demo's schema change."""
    for path in EVOLVED.glob("*.*"):
        (synced.author.clone / path.name).write_bytes(path.read_bytes())
    synced.author.commit("README.md", "evolved")
