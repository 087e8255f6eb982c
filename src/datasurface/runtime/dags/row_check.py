"""Whether a stored row can become a DAG: every row is checked alone, so that a bad one harms no other.

A row that passes here builds; that is tested. What is wrong is said with the row's name and what to do, never with what
stands in it. Nothing here knows Airflow.
"""

import re
from typing import Final

from datasurface.errors import StateError
from datasurface.lint import cron
from datasurface.model import codec
from datasurface.yellow.engine.control.dag_rows import ActiveRow
from datasurface.yellow.plan import names
from datasurface.yellow.plan.dag_config import DagConfig
from datasurface.yellow.plan.installation import (
    INSTANCE_PATTERN,
    LABEL_PATTERN,
    OBJECT_PATTERN,
    QUANTITY_PATTERN,
)

VERSION: Final = 1
REPAIR: Final = "`datasurface model apply` writes the row anew"
_RESOURCES: Final = frozenset({"cpu", "memory", "ephemeral-storage"})
_PULL_POLICIES: Final = frozenset({"Always", "IfNotPresent", "Never"})
_IMAGE: Final = r"\S{1,500}"
#: What a pod cannot be made without, and what each text must look like.
_REQUIRED: Final = {
    "namespace_name": LABEL_PATTERN,
    "datasurface_docker_image": _IMAGE,
    "postgres_credential_secret_name": OBJECT_PATTERN,
    "source_credential_secret_name": OBJECT_PATTERN,
    "source_credential_name": r"\w[\w .-]{0,199}",
    "instance_name": INSTANCE_PATTERN,
}
_OPTIONAL: Final = {"service_account_name": OBJECT_PATTERN, "connections_config_map_name": OBJECT_PATTERN}


class BadRow(StateError):
    """A row that cannot become a DAG; the message names table, row and what is wrong."""


def checked(row: ActiveRow) -> DagConfig:
    """The config of a row. Raises BadRow."""
    try:
        config = codec.decode(DagConfig, codec.loads(row.config_json))
    except codec.InvalidDocument as error:
        raise _bad(row, str(error)) from None
    problem = _identity_problem(row, config) or _schedule_problem(config) or _pod_problem(config)
    if problem is not None:
        raise _bad(row, problem)
    return config


def _bad(row: ActiveRow, problem: str) -> BadRow:
    table = names.airflow_dsg(row.platform_name)
    return BadRow(f"row {row.stream_key!r} of {table} cannot become a DAG: config_json: {problem}", fix=REPAIR)


def _identity_problem(row: ActiveRow, config: DagConfig) -> str | None:
    """Two rows must never claim one DAG, and a row must not speak for another stream."""
    if config.v != VERSION:
        return f"v: this version reads {VERSION}"
    expected = {
        "platform_name": row.platform_name,
        "stream_key": row.stream_key,
        "dag_id": names.dag_id(row.platform_name, row.stream_key),
    }
    wrong = [name for name, value in expected.items() if getattr(config, name) != value]
    if wrong:
        return f"{wrong[0]}: is not the row's own"
    if names.platform_name(config.original_platform_name) != row.platform_name:
        return "original_platform_name: is another platform's"
    if config.single_dataset and len(config.datasets) != 1:
        return "datasets: a stream of a single dataset names exactly one"
    return None


def _schedule_problem(config: DagConfig) -> str | None:
    if not cron.timezone_exists(config.timezone):
        return "timezone: no name of the tz database"
    problem = None if config.schedule is None else cron.schedule_problem(config.schedule)
    return None if problem is None else f"schedule: {problem}"


def _pod_problem(config: DagConfig) -> str | None:
    for name, pattern in (_REQUIRED | _OPTIONAL).items():
        value = getattr(config, name)
        if value is None and name in _OPTIONAL:
            continue
        if value is None or not re.fullmatch(pattern, value):
            return f"{name}: is missing" if value is None else f"{name}: is no such name"
    if config.image_pull_policy not in _PULL_POLICIES:
        return "image_pull_policy: is none of Always, IfNotPresent, Never"
    if not all(re.fullmatch(OBJECT_PATTERN, secret) for secret in config.image_pull_secrets):
        return "image_pull_secrets: holds what is no name of a Secret"
    if config.grace_period_seconds < 0 or config.run_budget_seconds < 0:
        return "grace_period_seconds, run_budget_seconds: are not negative"
    return _resources_problem(config)


def _resources_problem(config: DagConfig) -> str | None:
    if not config.resources.keys() <= {"requests", "limits"}:
        return "resources: holds more than requests and limits"
    for kind, quantities in config.resources.items():
        if not quantities.keys() <= _RESOURCES:
            return f"resources.{kind}: holds what is no resource of a pod"
        if not all(re.fullmatch(QUANTITY_PATTERN, quantity) for quantity in quantities.values()):
            return f"resources.{kind}: holds what is no quantity"
    return None
