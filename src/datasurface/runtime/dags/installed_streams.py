"""How jobs run says the installation file, not the row: a row may have been written before an upgrade.

Rows are written anew only when the model is applied again, which needs its repository. Image, account, Secrets and what
else an installation decides therefore come from the file that is mounted beside Airflow; the row's are the fallback
where there is none. Pure: what was chosen goes in, and what becomes DAGs comes out.
"""

from collections.abc import Mapping
from dataclasses import replace

from datasurface.model import codec
from datasurface.runtime.dags.dag_selection import Config, PlatformDags
from datasurface.yellow.plan.dag_config import installed_part, stream_run
from datasurface.yellow.plan.installation import Installation


def installed(platforms: Mapping[str, PlatformDags], installation: Installation) -> Mapping[str, PlatformDags]:
    """The DAGs of every platform as this installation runs them; those of streams that it suspends are not there."""
    return {name: _of_platform(dags, installation) for name, dags in platforms.items()}


def _of_platform(dags: PlatformDags, installation: Installation) -> PlatformDags:
    found = {key: _of_stream(config, installation) for key, config in dags.configs.items()}
    configs = {key: config for key, config in found.items() if config is not None}
    return replace(dags, configs=configs, kept=dags.kept & configs.keys())


def _of_stream(config: Config, installation: Installation) -> Config | None:
    run = stream_run(installation, config["original_platform_name"], config["stream_key"])
    if run.suspended:
        return None
    credentials = config.get("job_credential_name"), config["source_credential_name"]
    part: Config = codec.encode(installed_part(installation, run, *credentials))
    return {**config, **part}
