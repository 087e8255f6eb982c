"""Repositories: where a part of the model may be changed from."""

from dataclasses import dataclass

from datasurface.model.records import check_name


@dataclass(frozen=True, slots=True)
class GitRepository:
    """A branch of a repository of a git host.

    `name` is the path on the host (`owner/name`), `host` its address; the three together are the identity by which
    authority is judged.
    """

    name: str
    branch: str = "main"
    host: str = "github.com"

    def __post_init__(self) -> None:
        for field in ("name", "branch", "host"):
            check_name(self, field)
