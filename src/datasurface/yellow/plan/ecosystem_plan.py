"""The whole plan of an ecosystem: what the databases shall hold, as data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from datasurface.yellow.plan.platforms import PlatformPlan
from datasurface.yellow.plan.streams import StreamPlan
from datasurface.yellow.plan.views import ViewPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class DagRow:
    """A row of `*_airflow_dsg`: `config` becomes its config_json; `status` is active or inactive."""

    platform_name: str
    stream_key: str
    config: Mapping[str, str | int | bool | None | Sequence[str] | Mapping[str, str]]
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EcosystemPlan:
    """Everything that a model asks for, sorted by name, so that equal models give equal plans.

    `plan_hash` is the sha256 of the JSON form of everything else.
    """

    ecosystem: str
    platforms: Sequence[PlatformPlan]
    streams: Sequence[StreamPlan]
    views: Sequence[ViewPlan]
    workspaces: Sequence[str]
    dags: Sequence[DagRow]
    plan_hash: str
    v: int = 1
