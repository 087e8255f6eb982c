"""All files of an installation: per platform streams, bad rows and infrastructure, and one for housekeeping.

Pure: what was chosen goes in, names and texts come out.
"""

from collections.abc import Mapping
from pathlib import Path

from datasurface.errors import DatasurfaceError, ModelError
from datasurface.lint import cron
from datasurface.model import codec
from datasurface.runtime.dags import dag_files, platform_config
from datasurface.runtime.dags.dag_selection import PlatformDags
from datasurface.yellow.plan import names
from datasurface.yellow.plan.installation import Installation, read_installation

#: The installation's part, or why there is none.
Installed = Installation | DatasurfaceError


def installed(path: Path | None) -> Installed:
    """What the installation file says; a file that cannot be read is a problem of the infrastructure DAGs alone."""
    if path is None:
        return ModelError(
            "the installation file is not known: no image, namespace or secret to run with",
            fix="let DATASURFACE_INSTALLATION name it",
        )
    try:
        return read_installation(path)
    except ModelError as error:
        return error


def files(
    platforms: Mapping[str, PlatformDags], installation: Installed, *, housekeeping_schedule: str, retention_days: int
) -> dict[str, str]:
    """The text of every file, by name."""
    found: dict[str, str] = {}
    for platform, dags in platforms.items():
        found |= dag_files.stream_files(platform, dags.configs)
        found |= {names.bad_row_file(platform, key): dag_files.failing_file(bad) for key, bad in dags.bad.items()}
        found[names.infrastructure_dag_file(platform)] = _infrastructure(dags, installation)
    found[names.HOUSEKEEPING_DAG_FILE] = _housekeeping(housekeeping_schedule, retention_days)
    return found


def _infrastructure(dags: PlatformDags, installation: Installed) -> str:
    try:
        if isinstance(installation, DatasurfaceError):
            raise installation
        config = platform_config.platform_config(dags.facts, installation)
    except DatasurfaceError as error:
        return dag_files.failing_file(error)
    return dag_files.infrastructure_file(codec.encode(config))


def _housekeeping(schedule: str, retention_days: int) -> str:
    problem = cron.schedule_problem(schedule)
    if problem is not None:
        return dag_files.failing_file(ModelError(f"DATASURFACE_HOUSEKEEPING_SCHEDULE {problem}"))
    return dag_files.housekeeping_file({"schedule": schedule, "retention_days": retention_days})
