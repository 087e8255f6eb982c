"""What runs in .venv-bench, as a process of its own: one load of the source's tables by dlt, at its own best settings.

Nothing of ours is imported here. Argument: a JSON file, closed to others, with the keys of `Load`.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any, Final, TypedDict

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"

import dlt
from dlt.destinations import postgres
from dlt.sources.helpers.transform import add_row_hash_to_table
from dlt.sources.sql_database import sql_database

ROW_HASH: Final = "row_hash"
#: Strategies that read by chunks instead of whole tables, as dlt's log recommends for large ones.
STREAMING: Final = ("cdc",)
#: What dlt's documentation has for a complete look at the tables of another database.
DISPOSITIONS: Final[dict[str, Any]] = {
    "replace": "replace",
    "upsert": {"disposition": "merge", "strategy": "upsert"},
    "cdc": {"disposition": "merge", "strategy": "cdc", "skip_unchanged_rows": True},
    "scd2": {"disposition": "merge", "strategy": "scd2", "row_version_column_name": ROW_HASH},
}


class Load(TypedDict):
    """One load: `tables` of `source` into the schema `dataset` of `destination`; `folder` keeps dlt's state."""

    strategy: str
    tables: list[str]
    source: str
    destination: str
    dataset: str
    folder: str


def run(load: Load) -> None:
    """Load once: connectorx reads, parquet files go in between, ADBC copies them, as many side by side as it likes."""
    source = sql_database(
        load["source"],
        table_names=load["tables"],
        schema="public",
        backend="connectorx",
        reflection_level="full_with_precision",
        backend_kwargs={"return_type": "arrow_stream"} if load["strategy"] in STREAMING else {},
    )
    if load["strategy"] == "scd2":
        for resource in source.resources.values():
            resource.add_map(add_row_hash_to_table(ROW_HASH))
    pipeline = dlt.pipeline(
        pipeline_name=load["dataset"],
        pipelines_dir=load["folder"],
        destination=postgres(load["destination"]),
        dataset_name=load["dataset"],
    )
    pipeline.run(source, write_disposition=DISPOSITIONS[load["strategy"]], loader_file_format="parquet")


if __name__ == "__main__":
    run(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
