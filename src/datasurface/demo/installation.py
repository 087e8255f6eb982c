"""One installation on one server: databases and roles by the code of `datasurface init`, and a connections file.

The demo and the benchmark stand on it. A model's own addresses are replaced by this server's, as in any environment:
every store's container becomes the source database, every credential one of the installation's logins.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from datasurface.connections import Connections, Endpoint, Login, load_connections, read_login
from datasurface.model.ecosystem import Ecosystem
from datasurface.yellow.engine import connect
from datasurface.yellow.engine.connect import Purpose, Session
from datasurface.yellow.engine.init.init_plan import InitPlan
from datasurface.yellow.engine.init.run import initialise


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What `install` made: `folder` holds `connections.json` and `credentials/`; `admin` is the server's superuser."""

    server: Endpoint
    admin: Login
    plan: InitPlan
    folder: Path

    @property
    def connections_path(self) -> Path:
        """The file for DATASURFACE_CONNECTIONS."""
        return self.folder / "connections.json"

    @property
    def connections(self) -> Connections:
        """What that file says."""
        return load_connections(self.connections_path)

    def login(self, credential: str) -> Login:
        """One of the logins that the initialisation made, e.g. `customer_writer`."""
        return read_login(self.folder / "credentials" / credential, fix="Run the demo again: it makes its own logins")

    def endpoint(self, database: str) -> Endpoint:
        """Address of a database of this server."""
        return replace(self.server, database=database)

    @contextmanager
    def session(self, database: str, login: Login) -> Iterator[Session]:
        """A session of the demo itself, in a transaction that the caller commits."""
        purpose = Purpose.CONTROL
        endpoint = self.endpoint(database)
        with connect.open_session(endpoint, login, application_name="datasurface demo", purpose=purpose) as session:
            yield session


def install(installation: Installation, ecosystem: Ecosystem) -> None:
    """Make databases and roles, and write the connections file for the model; a second call changes nothing."""
    credentials = installation.folder / "credentials"
    initialise(installation.server, installation.admin, installation.plan, credentials)
    content = _connections(installation, ecosystem)
    installation.connections_path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _connections(installation: Installation, ecosystem: Ecosystem) -> Mapping[str, Any]:
    plan = installation.plan
    stores = [store.capture for _, store in ecosystem.stores()]
    sources = {capture.container.name: _address(installation, plan.customer_database) for capture in stores}
    merges = {
        platform.merge_container.name: _address(installation, plan.merge_database)
        for platform in ecosystem.data_platforms
    }
    logins = {path.name: path.name for path in (installation.folder / "credentials").iterdir()}
    logins |= {capture.credential.name: "customer_reader" for capture in stores}
    logins |= {each.credential.name: "ds_job" for each in ecosystem.data_platforms if each.credential is not None}
    return {
        "v": 1,
        "containers": sources | merges,
        "credentials": {name: _directory(login) for name, login in sorted(logins.items())},
        "merge": _address(installation, plan.merge_database)
        | {
            "schema": plan.merge_schema,
            "role_prefix": plan.roles.prefix,
            "credentials": {
                "job": _directory("ds_job"),
                "apply": _directory("ds_merge"),
                "monitor": _directory("ds_monitor"),
                "dags": _directory("ds_dags"),
            },
        },
    }


def _address(installation: Installation, database: str) -> dict[str, Any]:
    server = installation.server
    return {"host": server.host, "port": server.port, "database": database, "sslmode": server.sslmode}


def _directory(login: str) -> dict[str, str]:
    """A credential's place, relative to the connections file, so that the folder can be moved."""
    return {"directory": f"credentials/{login}"}
