"""The commit that a model's directory was checked out from: what a record of its deployment says about it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A revision in git. `author` and `committed_at` are None where they are not known."""

    revision: str
    author: str | None = None
    committed_at: datetime | None = None
