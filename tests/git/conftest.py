"""Services that tests talk to over HTTP, and authors with a clone of the model repository."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.git.repositories import DEMO, Author, Repository, served
from tests.git.services import Service, loader


@pytest.fixture(scope="package")
def service(tmp_path_factory) -> Iterator[Service]:
    """The loader service as the chart runs it."""
    with loader(tmp_path_factory.mktemp("loader") / "log") as service:
        yield service


@pytest.fixture
def repository(service, tmp_path) -> Iterator[Repository]:
    """A model repository with the demo's model, served with the loader."""
    with served(tmp_path, DEMO, service.url) as repository:
        yield repository


@pytest.fixture
def author_of(repository, tmp_path) -> Callable[[str], Author]:
    """Give a function that makes a clone with an author of that name."""
    return lambda name="ann": Author.cloned(repository.address(), tmp_path / name, name)


@pytest.fixture
def author(author_of) -> Author:
    """Ann with her clone."""
    return author_of("ann")


@pytest.fixture
def seed(tmp_path) -> Path:
    """A directory with the demo's model as a ConfigMap shows it: files are links by way of another link."""
    data = tmp_path / "seed" / "..2026_01_01"
    data.mkdir(parents=True)
    (tmp_path / "seed" / "..data").symlink_to(data.name)
    for name in ("eco.py", "dsg_platform_mapping.json"):
        (data / name).write_bytes((DEMO / name).read_bytes())
        (tmp_path / "seed" / name).symlink_to(f"..data/{name}")
    return tmp_path / "seed"
