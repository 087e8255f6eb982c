"""The values that a model suggests: where its sources are, which Secrets it needs, who reads its workspaces."""

import re
from collections.abc import Iterable
from typing import Final

from datasurface.chart.model_part import ModelPart
from datasurface.chart.values.chart_values import ChartValues
from datasurface.chart.values.databases import Container, CredentialSecret, Demo, Reader
from datasurface.chart.values.kinds import OWN_ROLES
from datasurface.chart.values.work import EgressRule, Jobs, Simulator
from datasurface.yellow.plan import names

#: The container and the credential of the demo source, which the chart itself makes.
DEMO_CONTAINER: Final = "customer_db"
DEMO_CREDENTIAL: Final = "customer_reader"
#: Of 40, less what may have to be put around the name.
_LOGIN_CHARACTERS: Final = 30


def site_values(part: ModelPart) -> ChartValues:
    """The chart's defaults with what the model names: its addresses as it says them, Secrets of the names it implies.

    The demo source and its simulator stay only where the model reads the demo source.
    """
    is_demo = DEMO_CONTAINER in part.addresses
    containers = {
        name: Container(host=each.host, port=each.port, database=each.database)
        for name, each in part.addresses.items()
        if not (is_demo and name == DEMO_CONTAINER) and name not in part.merge_containers
    }
    credentials = {
        name: CredentialSecret(existing_secret=names.kubernetes_name(name))
        for name in part.source_credentials
        if not (is_demo and name == DEMO_CREDENTIAL)
    }
    return ChartValues(
        containers=containers,
        credentials=credentials,
        readers=_readers(part.workspaces),
        demo=Demo(enabled=is_demo),
        simulator=Simulator(enabled=is_demo),
        jobs=Jobs(egress=_egress(containers.values())),
    )


def _egress(containers: Iterable[Container]) -> list[EgressRule]:
    """What lets jobs reach the containers: any address on their ports, as a policy knows no host names."""
    ports = sorted({container.port for container in containers})
    return [EgressRule(to=[], ports=[{"protocol": "TCP", "port": port} for port in ports])] if ports else []


def _readers(workspaces: Iterable[str]) -> dict[str, Reader]:
    """A login for each workspace; of workspaces whose logins would be the same, the later ones get a number."""
    readers: dict[str, Reader] = {}
    for workspace in workspaces:
        login = name = reader_login(workspace)
        number = 1
        while name in readers:
            number += 1
            name = f"{login}_{number}"
        readers[name] = Reader(workspace=workspace)
    return readers


def reader_login(workspace: str) -> str:
    """The login that reads a workspace: its name in small letters, `consumer1`; what no login may hold becomes `_`.

    It is no name of the platform's own roles.
    """
    login = re.sub(r"[^a-z0-9_]", "_", workspace.lower())[:_LOGIN_CHARACTERS]
    return login if login[:1].isalpha() and not re.search(OWN_ROLES, login) else f"r_{login}_login"
