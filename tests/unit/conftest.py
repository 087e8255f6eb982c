"""What the unit tests share: golden files, which `make golden` writes anew."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

Golden = Callable[[str, str], None]

# A busy machine is no finding: nothing here is about how long a single example takes.
settings.register_profile("unit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unit")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew instead of comparing")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare a text with the file of that name in the folder `golden` beside the test, or write it."""
    folder = request.path.parent / "golden"

    def compare(name: str, text: str) -> None:
        path: Path = folder / name
        if request.config.getoption("--update-golden"):
            folder.mkdir(exist_ok=True)
            path.write_text(text)
            return
        if not path.exists():
            pytest.fail(f"{path} is not there; `make golden` writes it", pytrace=False)
        expected = path.read_text()
        if text != expected:
            difference = difflib.unified_diff(expected.splitlines(), text.splitlines(), name, "now", lineterm="")
            pytest.fail("\n".join([*difference, "", "if this is meant: make golden"]), pytrace=False)

    return compare
