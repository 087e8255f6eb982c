"""The random sequences' own installation, one per worker, and what all workers counted together.

Counts of a run are in build/soak.json and, as a table, at its end. From ENOUGH sequences on each kind of step, point of
death, path and so on has to have occurred: a rule that never fires is a failure of the run.
"""

import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from datasurface.demo.embedded import EmbeddedServer
from datasurface.yellow.engine.roles import Roles
from tests.db.installation import copied, prepared
from tests.soak import tally
from tests.soak.tally import Tally
from tests.soak.wanted import WANTED
from tests.soak.world import World

ENOUGH = 500


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, counted: Tally) -> Iterator[World]:
    """Databases that all sequences of this worker share, one after the other."""
    with EmbeddedServer(fast=True) as server, EmbeddedServer(fast=True) as source:
        template = prepared(server, Roles(), tmp_path_factory.mktemp("credentials"))
        with copied(template, tmp_path_factory.mktemp("installation")) as installation:
            counted.add("run", "CPU seconds of tests", -int(time.process_time()))
            counted.add("run", "CPU seconds of servers", -_cpu_seconds(server) - _cpu_seconds(source))
            yield World(installation, [installation.server, source])
            counted.add("run", "CPU seconds of tests", int(time.process_time()))
            counted.add("run", "CPU seconds of servers", _cpu_seconds(server) + _cpu_seconds(source))


@pytest.fixture(scope="session")
def counted(request: pytest.FixtureRequest) -> Iterator[Tally]:
    """What this worker's sequences did."""
    counted = Tally()
    yield counted
    counted.write(_folder(request.config) / f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')}.json")


def _cpu_seconds(server: EmbeddedServer) -> int:
    """What a server and its ended sessions used."""
    pid = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]
    return sum(map(int, ticks)) // os.sysconf("SC_CLK_TCK")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Forget the counts of an earlier run."""
    if not hasattr(session.config, "workerinput"):
        shutil.rmtree(_folder(session.config), ignore_errors=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail if enough sequences left something out."""
    if not hasattr(session.config, "workerinput") and _never(session.config) and session.exitstatus == 0:
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Write build/soak.json and print it."""
    counts = _counts(config)
    if not counts:
        return
    _folder(config).with_suffix(".json").write_text(json.dumps({"v": 1, "counts": counts}, indent=1) + "\n")
    terminalreporter.section("random sequences")
    for line in tally.table(counts):
        terminalreporter.write_line(line)
    for line in _never(config):
        terminalreporter.write_line(f"NEVER HAPPENED: {line}")


def _never(config: pytest.Config) -> list[str]:
    counts = _counts(config)
    return tally.never(counts, WANTED) if counts.get("run", {}).get("sequences", 0) >= ENOUGH else []


def _counts(config: pytest.Config) -> dict[str, dict[str, int]]:
    return tally.joined(sorted(_folder(config).glob("*.json")))


def _folder(config: pytest.Config) -> Path:
    return Path(config.rootpath) / "build" / "soak"
