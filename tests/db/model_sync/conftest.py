"""A watch on a repository that a test turns, with a real database."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from datasurface.loader import model_process
from datasurface.runtime.model_sync.attempt import Attempts
from datasurface.runtime.model_sync.watch import Watch
from datasurface.yellow.engine.links import Links
from tests.db.model_sync.watching import DEMO, Clock, Told
from tests.db.site import Site
from tests.git.worktrees import Synced


@pytest.fixture
def told() -> Iterator[Told]:
    """What the watch logs."""
    yield Told()
    structlog.reset_defaults()


@pytest.fixture
def site(installation) -> Site:
    return Site(installation=installation)


@pytest.fixture
def synced(tmp_path) -> Synced:
    """A repository with the demo's model, not yet checked out."""
    return Synced.of(tmp_path / "repositories", DEMO)


@pytest.fixture
def installed(tmp_path) -> Path:
    """The installation's file."""
    path = tmp_path / "installation.json"
    path.write_text(json.dumps({"v": 1, "image": "registry.example/datasurface:1", "namespace": "data"}))
    return path


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch_of(site, synced, clock, installed) -> Callable[..., Watch]:
    """Give a function that makes a watch, with the loader of a shell unless it is given another one."""

    def made(runner: Any = model_process.run) -> Watch:
        links = Links(site.installation.connections, application_name="test watch")
        attempts = Attempts(links=links, runner=runner, installation_file=installed, wait_seconds=0.2)
        return Watch(link=synced.link, attempts=attempts, clock=clock)

    return made
