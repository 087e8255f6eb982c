"""Where a diagnosis is made: which databases and logins there are to look with, and which commands lead on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from datasurface.connections import MERGE_LOGINS, Connections, MergeRole
from datasurface.yellow.engine.connect import Purpose, Session, open_session
from datasurface.yellow.engine.links import Links

_APPLICATION: Final = "datasurface doctor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the examination has at hand. `namespace` and `release` are None outside of Kubernetes."""

    connections: Connections
    airflow_url: str | None = None
    namespace: str | None = None
    release: str | None = None

    @property
    def links(self) -> Links:
        """Sessions for a check that needs more than one."""
        return Links(self.connections, application_name=_APPLICATION)

    def has_login(self, role: MergeRole) -> bool:
        """Whether the credential directory of a role is there."""
        return self.connections.role_directory(role).is_dir()

    def open(self, role: MergeRole) -> Session:
        """A session of the merge database by one of the installation's roles. Raises DatasurfaceError."""
        endpoint, login = self.connections.merge(role)
        return open_session(endpoint, login, application_name=_APPLICATION, purpose=Purpose.MERGE)

    def log_of(self, component: str, otherwise: str | None, *, container: str | None = None) -> str | None:
        """The command that shows the log of a component's pods; `otherwise` outside of Kubernetes."""
        if self.namespace is None:
            return otherwise
        which = "--all-containers" if container is None else f"-c {container}"
        return f"kubectl -n {self.namespace} logs {self._selected(component)} {which} --tail=50"

    def pods_of(self, component: str, otherwise: str | None) -> str | None:
        """The command that lists a component's pods; `otherwise` outside of Kubernetes."""
        if self.namespace is None:
            return otherwise
        return f"kubectl -n {self.namespace} get pods {self._selected(component)}"

    def reader_credentials(self) -> list[str]:
        """Names of the credential directories of readers of workspaces that are there."""
        folder = self.connections.directory(MERGE_LOGINS["monitor"]).parent
        listed = {name for name in self.connections.file.credentials if name.startswith("reader_")}
        return sorted(listed | {each.name for each in _folders(folder) if each.name.startswith("reader_")})

    def _selected(self, component: str) -> str:
        return f"-l app.kubernetes.io/instance={self.release},app.kubernetes.io/component={component}"


def _folders(folder: Path) -> list[Path]:
    try:
        return [each for each in folder.iterdir() if each.is_dir()]
    except OSError:
        return []
