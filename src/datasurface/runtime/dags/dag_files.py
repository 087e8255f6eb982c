"""The text of the files that Airflow parses: each holds its DAGs' configuration as a literal and builds them.

Equal configurations give equal text, so a file changes only when something in it does. Nothing here touches a disk, a
database or Airflow.
"""

import functools
import hashlib
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any, Final

import jinja2

from datasurface.errors import DatasurfaceError
from datasurface.yellow.plan import names

TEMPLATE: Final = "dag_file.py.j2"
#: Up to here every stream has a file of its own, which shows nothing but its DAG; above, a shard holds about 20.
MOST_OWN_FILES: Final = 200
STREAMS_PER_SHARD: Final = 20
_PACKAGE: Final = "datasurface.runtime.dags"

Config = Mapping[str, Any]


def stream_files(platform_name: str, configs: Mapping[str, Config]) -> dict[str, str]:
    """The factory files of a platform, by name; `configs` by stream key."""
    origin = f"the active rows of {names.airflow_dsg(platform_name)} and the installation file"
    shards: dict[str, list[Config]] = {}
    count = shard_count(len(configs))
    for key in sorted(configs):
        shards.setdefault(_file_of(platform_name, key, count), []).append(configs[key])
    return {
        name: _rendered(origin, "builder", "stream_dag", {config["dag_id"]: config for config in shard})
        for name, shard in shards.items()
    }


def failing_file(problem: DatasurfaceError) -> str:
    """The text of a file that does nothing but raise an error, so that Airflow shows it as an import error."""
    kind = type(problem)
    return _template().render(
        origin="what could not become a DAG",
        module=kind.__module__,
        builder=kind.__name__,
        problem=problem.message,
        fix=problem.fix,
    )


def infrastructure_file(config: Config) -> str:
    """The text of the file with the DAG that looks after a platform."""
    origin = f"{names.PLATFORM_TABLE} and the installation file"
    return _rendered(origin, "infrastructure", "infrastructure_dag", {config["dag_id"]: config})


def housekeeping_file(config: Config) -> str:
    """The text of the file with the DAG that clears Airflow's own past."""
    return _rendered("the settings", "housekeeping", "housekeeping_dag", {names.HOUSEKEEPING_DAG: config})


def shard_count(streams: int) -> int:
    """How many shards so many streams have: 0 stands for a file each; a power of two, so that it changes seldom."""
    if streams <= MOST_OWN_FILES:
        return 0
    return 1 << ((streams - 1) // STREAMS_PER_SHARD).bit_length()


def _file_of(platform_name: str, stream_key: str, count: int) -> str:
    if count == 0:
        return names.stream_dag_file(platform_name, stream_key)
    digest = hashlib.sha256(stream_key.encode(errors="surrogatepass")).digest()
    return names.shard_dag_file(platform_name, int.from_bytes(digest[:8], "big") % count)


def _rendered(origin: str, module: str, builder: str, dags: Mapping[str, Config]) -> str:
    listed = [(dag_id, sorted(config.items())) for dag_id, config in sorted(dags.items())]
    return _template().render(
        origin=origin, module=f"{_PACKAGE}.{module}", builder=builder, dags=listed, problem=None, fix=None
    )


@functools.cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=False,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["literal"] = literal
    return environment.from_string((resources.files(_PACKAGE) / TEMPLATE).read_text(encoding="utf-8"))


def literal(value: object) -> str:
    """A value of JSON as Python writes it, in ASCII, keys sorted."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!a}: {literal(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(literal(element) for element in value) + "]"
    if value is None or isinstance(value, (str, int, float)):
        return ascii(value)
    raise TypeError(f"{type(value).__name__} is no value of JSON")
