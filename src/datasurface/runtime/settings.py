"""Every environment variable that a process reads, in one place.

Addresses and secrets are no settings: they stand in the files that the variables here name. `docs/settings.md` has a
row for each. Nothing here opens one of those files.
"""

from pathlib import Path
from typing import Final, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from datasurface.errors import ModelError

PREFIX: Final = "DATASURFACE_"

LogFormat = Literal["auto", "json", "text"]
LogLevel = Literal["auto", "debug", "info", "warning", "error"]


class ResultSettings(BaseSettings):
    """What a job has to know to report its result, whatever else the environment holds; any text is good enough."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore")

    result_file: Path | None = Field(None, description="Where a job writes its result record")


class Settings(ResultSettings):
    """What the environment says; an empty variable counts as one that is not set."""

    connections: Path | None = Field(
        None, description="JSON file with the addresses and credential directories of this environment"
    )
    installation: Path | None = Field(
        None, description="JSON file with the image, namespace, secrets and resources that DAGs run jobs with"
    )
    hook_loader: str | None = Field(None, description="The loader that the model repository's hook asks")
    log_format: LogFormat = Field("auto", description="json, text, or auto: text on a terminal, else json")
    log_level: LogLevel = Field("auto", description="The least level logged; auto: warning on a terminal, else info")
    retention_days: int = Field(30, ge=1, description="How many days Airflow keeps its own runs and logs")
    housekeeping_schedule: str = Field("30 3 * * *", description="When Airflow clears its past: cron, in UTC")


def read_settings() -> Settings:
    """The settings of this process. Raises ModelError naming each variable that holds something else."""
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(
            f"{PREFIX}{'.'.join(map(str, finding['loc'])).upper()}: {finding['msg']}"
            for finding in error.errors(include_url=False, include_input=False, include_context=False)
        )
        raise ModelError(problems, fix="docs/settings.md says what each variable may hold") from None
