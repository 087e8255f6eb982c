"""Where an installation's databases are and who logs in: the file that `DATASURFACE_CONNECTIONS` names.

A model names containers and credentials; this file replaces their addresses and says where the secrets lie, so that one
model serves every environment. Secrets are read from files only, never from the environment. Nothing here connects.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from datasurface.errors import ModelError

CREDENTIALS_DIRECTORY: Final = Path("/etc/datasurface/credentials")

#: What the names of an installation's roles may begin with: short enough to leave room for the names themselves.
ROLE_PREFIX: Final = "^([a-z][a-z0-9_]{0,15})?$"

#: A statement with parameters would read a percent sign in the schema's name as one of them.
MERGE_SCHEMA: Final = "^[^%]+$"

MergeRole = Literal["job", "apply", "monitor", "dags"]
SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]

#: The login role behind each use of the merge database; also the name of its default credential directory.
MERGE_LOGINS: Final[Mapping[MergeRole, str]] = {
    "job": "ds_job",
    "apply": "ds_merge",
    "monitor": "ds_monitor",
    "dags": "ds_dags",
}

Text = Annotated[str, Field(min_length=1)]
Port = Annotated[int, Field(ge=1, le=65535)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A database's address; as text `database on host:port`, for messages."""

    host: str
    port: int
    database: str
    sslmode: SslMode = "prefer"

    def __str__(self) -> str:
        return f"{self.database} on {self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A user and its password; the password shows in no repr and no message."""

    username: str
    password: str = field(repr=False)


class Section(BaseModel):
    """What all sections share: unknown names are refused, values do not change."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ContainerSection(Section):
    """What replaces the model's address of one container; what is left out stays the model's."""

    host: Text | None = None
    port: Port | None = None
    database: Text | None = None
    sslmode: SslMode = "prefer"


class CredentialSection(Section):
    """Where a credential's files lie; a relative directory starts at the connections file."""

    directory: Path


class MergeSection(Section):
    """The merge database, for commands that have no model at hand."""

    host: Text
    port: Port = 5432
    database: Text
    sslmode: SslMode = "prefer"
    merge_schema: str = Field(default="public", alias="schema", pattern=MERGE_SCHEMA)
    credentials: Mapping[MergeRole, CredentialSection] = Field(default_factory=dict)
    role_prefix: str = Field(default="", pattern=ROLE_PREFIX)


class ConnectionsFile(Section):
    """The file as a whole."""

    v: Literal[1]
    containers: Mapping[str, ContainerSection] = Field(default_factory=dict)
    credentials: Mapping[str, CredentialSection] = Field(default_factory=dict)
    merge: MergeSection | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """The parsed file. `path` is None where there is none: the model's addresses and the default directories hold."""

    file: ConnectionsFile = field(default_factory=lambda: ConnectionsFile(v=1))
    path: Path | None = None

    @property
    def merge_schema(self) -> str:
        """Schema of the merge database that holds tables and views."""
        return "public" if self.file.merge is None else self.file.merge.merge_schema

    @property
    def role_prefix(self) -> str:
        """What the names of this installation's database roles begin with; empty on a server of its own."""
        return "" if self.file.merge is None else self.file.merge.role_prefix

    def endpoint(self, container_name: str, *, host: str, port: int, database: str) -> Endpoint:
        """Address of a container: what the file says by its name, else the given values, which are the model's."""
        section = self.file.containers.get(container_name, ContainerSection())
        return Endpoint(
            host=section.host or host,
            port=section.port or port,
            database=section.database or database,
            sslmode=section.sslmode,
        )

    def login(self, credential_name: str) -> Login:
        """Login of a credential of the model, read from its directory at each call.

        Raises ModelError, which names the file and the setting, if a file is missing, empty or no text.
        """
        return read_login(self.directory(credential_name), fix=_file_fix(f"credentials.{credential_name}.directory"))

    def role_login(self, role: MergeRole) -> Login:
        """Login of one of the installation's own roles in the merge database; raises ModelError like `login`."""
        return read_login(self.role_directory(role), fix=_file_fix(f"merge.credentials.{role}.directory"))

    def directory(self, credential_name: str) -> Path:
        """Where the files of a credential lie, whether or not they are there."""
        return self._directory(self.file.credentials.get(credential_name), credential_name)

    def role_directory(self, role: MergeRole) -> Path:
        """Where the files of one of the installation's own roles lie, whether or not they are there."""
        section = None if self.file.merge is None else self.file.merge.credentials.get(role)
        return self._directory(section, MERGE_LOGINS[role])

    def merge_login(self, credential_name: str | None) -> Login:
        """Login of a platform's jobs: its own credential where the file lists it, else the common one of `job`."""
        if credential_name is not None and credential_name in self.file.credentials:
            return self.login(credential_name)
        return self.role_login("job")

    def merge(self, role: MergeRole) -> tuple[Endpoint, Login]:
        """Address of the merge database and the login for one use of it; ModelError if the file has no `merge`."""
        return self.merge_endpoint(), self.role_login(role)

    def merge_endpoint(self) -> Endpoint:
        """Address of the merge database; ModelError if the file has no `merge`."""
        section = self.file.merge
        if section is None:
            where = "DATASURFACE_CONNECTIONS names no file" if self.path is None else f"{self.path} has no `merge`"
            raise ModelError(
                f"the address of the merge database is not known: {where}",
                fix='Add "merge": {"host": …, "database": …} to the file that DATASURFACE_CONNECTIONS names',
            )
        return Endpoint(host=section.host, port=section.port, database=section.database, sslmode=section.sslmode)

    def _directory(self, section: CredentialSection | None, default_name: str) -> Path:
        if section is None:
            return CREDENTIALS_DIRECTORY / default_name
        return section.directory if self.path is None else self.path.parent / section.directory


def read_login(directory: Path, *, fix: str) -> Login:
    """Read the files `username` and `password` of a credential directory, without their trailing newline.

    `fix` says where the directory can be changed, for the ModelError of a file that cannot be read.
    """
    username, password = (_secret(directory / name, fix) for name in ("username", "password"))
    return Login(username=username, password=password)


def read_password(file: Path, *, option: str) -> str:
    """Read a file with nothing but a password, which the command line names by `option`. Raises ModelError."""
    return _secret(file, f"Give another file by {option}")


def _file_fix(setting: str) -> str:
    return f"Put the file there, or set `{setting}` in the file that DATASURFACE_CONNECTIONS names"


def _secret(file: Path, fix: str) -> str:
    try:
        value = file.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise ModelError(f"credential file {file} cannot be read: {error.strerror}", fix=fix) from None
    except UnicodeDecodeError:
        raise ModelError(f"credential file {file} is not UTF-8 text", fix=fix) from None
    if not value or "\0" in value:
        raise ModelError(f"credential file {file} {'holds a zero byte' if value else 'is empty'}", fix=fix)
    return value


def load_connections(path: Path | None) -> Connections:
    """Read and check the connections file; None stands for no file at all.

    Raises ModelError that names the file, and the line and column of broken JSON or the place of a wrong field.
    """
    if path is None:
        return Connections()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Connections(file=ConnectionsFile.model_validate(content), path=path.absolute())
    except OSError as error:
        raise ModelError(
            f"connections file {path} cannot be read: {error.strerror}",
            fix="Correct DATASURFACE_CONNECTIONS, or unset it to use the model's own addresses",
        ) from None
    except UnicodeDecodeError:
        raise ModelError(f"connections file {path} is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise ModelError(f"connections file {path}, line {error.lineno}, column {error.colno}: {error.msg}") from None
    except ValidationError as error:
        raise ModelError(f"connections file {path}: {_findings(error)}") from None


def _findings(error: ValidationError) -> str:
    """All findings as `place: message`, without the values that were read."""
    return "; ".join(
        f"{'.'.join(map(str, finding['loc'])) or 'the file'}: {finding['msg']}"
        for finding in error.errors(include_url=False, include_input=False, include_context=False)
    )
