"""Servers of every version that is here, each started at its first use and prepared by `init`."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from datasurface.demo.embedded import EmbeddedServer
from datasurface.yellow.engine.roles import Roles
from tests.db.installation import Template, prepared
from tests.versions import servers
from tests.versions.apart import Apart, apart

InstallationOf = Callable[[int, int], Apart]


def pytest_report_header() -> list[str]:
    """Say which versions run and which do not."""
    return servers.summary()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it once more where people look last."""
    terminalreporter.section("versions of PostgreSQL")
    for line in servers.summary():
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def template_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], Template]]:
    """`template_of(16)`: a server of that version with roles and databases; the credentials are the same on all."""
    credentials = tmp_path_factory.mktemp("credentials")
    templates: dict[int, Template] = {}
    with ExitStack() as running:

        def template(major: int) -> Template:
            if major not in templates:
                binaries = servers.found()[major].folder
                server = running.enter_context(EmbeddedServer(fast=True, binaries=binaries))
                templates[major] = prepared(server, Roles(), credentials)
            return templates[major]

        yield template


@pytest.fixture
def installation_of(template_of: Callable[[int], Template], tmp_path: Path) -> Iterator[InstallationOf]:
    """`installation_of(14, 18)`: an installation with its source on 14 and its merge database on 18."""
    with ExitStack() as closing:

        def installation(source: int, merge: int) -> Apart:
            directory = tmp_path / f"{source}-to-{merge}"
            directory.mkdir()
            # One cluster can hold both: the copies have names of their own.
            return closing.enter_context(apart(template_of(source), template_of(merge), directory))

        yield installation
