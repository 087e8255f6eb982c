"""The named statements of sql/queries.sql and the scripts beside them, read once. No SQL is put together here."""

import re
from collections.abc import Mapping
from importlib import resources
from typing import Final

_NAME = re.compile(r"^-- (\w+) --$", re.MULTILINE)


def script(name: str) -> str:
    """The text of one file of the package's sql folder."""
    return resources.files("data_change_simulator").joinpath("sql", name).read_text(encoding="utf-8")


def _named_statements(text: str) -> Mapping[str, str]:
    parts = _NAME.split(text)[1:]
    return {name: body.strip() for name, body in zip(parts[::2], parts[1::2], strict=True)}


QUERIES: Final = _named_statements(script("queries.sql"))
