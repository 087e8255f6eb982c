"""What an installation adds to the plan: the file that `DATASURFACE_INSTALLATION` names.

It says with which image, in which namespace, by which Kubernetes Secrets (names only, never what they hold) and with
how much of a node the jobs run. Databases' addresses are not here: they are the connections' business.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from datasurface.errors import ModelError

LABEL_PATTERN: Final = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
#: A name of a Secret, a ConfigMap, a service account: labels with dots between.
OBJECT_PATTERN: Final = r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$"
#: What may stand in a label of a pod.
INSTANCE_PATTERN: Final = r"^[A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?$"
QUANTITY_PATTERN: Final = r"^[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?$"

Resource = Literal["cpu", "memory", "ephemeral-storage"]
PullPolicy = Literal["Always", "IfNotPresent", "Never"]
Quantity = Annotated[str, Field(pattern=QUANTITY_PATTERN)]
ObjectName = Annotated[str, Field(pattern=OBJECT_PATTERN)]

#: A job stays under 256 MiB however many rows it reads; the limit leaves room for what Python and libpq hold beside.
REQUESTS: Final[Mapping[Resource, Quantity]] = {"cpu": "100m", "memory": "256Mi"}
LIMITS: Final[Mapping[Resource, Quantity]] = {"memory": "512Mi"}


class Resources(BaseModel):
    """What a job asks of a node and what it may not exceed, in Kubernetes' quantities."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    requests: Mapping[Resource, Quantity] = Field(default_factory=lambda: dict(REQUESTS))
    limits: Mapping[Resource, Quantity] = Field(default_factory=lambda: dict(LIMITS))


class StreamRun(BaseModel):
    """What one stream has apart from the others. `resources` None: those of all. A suspended stream has no DAG."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    resources: Resources | None = None
    suspended: bool = False


class Installation(BaseModel):
    """The installation's part of every DAG row.

    `secrets` maps the name of a credential, or `job`, `apply`, `git`, `slack`, to the Secret that holds it. `instance`
    is the release that job pods are labelled with. `service_account` None: the namespace's default one.
    `connections_config_map` holds the connections file; None: job pods get none. `image_pull_secrets` names Secrets.
    `streams` are named `YellowLive/Store1`, by platform and stream key of the model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    v: Literal[1]
    image: Annotated[str, Field(pattern=r"^\S+$", max_length=500)]
    namespace: Annotated[str, Field(pattern=LABEL_PATTERN)]
    secrets: Mapping[str, ObjectName] = Field(default_factory=dict)
    resources: Resources = Field(default_factory=Resources)
    instance: Annotated[str, Field(pattern=INSTANCE_PATTERN)] = "datasurface"
    service_account: ObjectName | None = None
    connections_config_map: ObjectName | None = None
    image_pull_policy: PullPolicy = "IfNotPresent"
    image_pull_secrets: Sequence[ObjectName] = ()
    streams: Mapping[str, StreamRun] = Field(default_factory=dict)


def read_installation(path: Path) -> Installation:
    """The installation that the file describes. Raises ModelError, naming everything that is wrong, by JSON path."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"the installation file {path} cannot be read: {error.strerror}",
            fix="correct --installation or DATASURFACE_INSTALLATION",
        ) from error
    return parse_installation(text, source=str(path))


def parse_installation(text: bytes | str, *, source: str) -> Installation:
    """The installation that the JSON `text` describes; `source` names it in the ModelError, which quotes no value."""
    try:
        return Installation.model_validate_json(text)
    except ValidationError as error:
        problems = [
            f"{_json_path(problem['loc'])}: {problem['msg']}"
            for problem in error.errors(include_url=False, include_input=False, include_context=False)
        ]
    raise ModelError(f"{source} is no installation file: {'; '.join(problems)}", fix="docs/reference/plan.md shows one")


def _json_path(location: tuple[int | str, ...]) -> str:
    """`resources.limits.memory`; pydantic's own step for a wrong key says nothing more."""
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location if step != "[key]")
    return path.lstrip(".") or "document"
