"""Rows of the demo's landscape, as the DAG factory reads them."""

from __future__ import annotations

import json
from typing import Any

from datasurface.yellow.engine.control.dag_rows import ActiveRow, DagRows, PlatformFacts
from tests.unit.plan.landscapes import installation, plan


def document(**changes: Any) -> dict[str, Any]:
    """The config of the live stream of Store1."""
    rows = plan(installed=installation()).dags
    found = next(row.config for row in rows if row.platform_name == "yellowlive")
    return {**found, **changes}


def row(config: object = None, **changes: Any) -> ActiveRow:
    """An active row; `config` may be any text or object."""
    content = document(**changes) if config is None else config
    key = content["stream_key"] if isinstance(content, dict) and "stream_key" in content else "Store1"
    text = content if isinstance(content, str) else json.dumps(content)
    return ActiveRow(platform_name="yellowlive", stream_key=changes.get("stream_key", key), config_json=text)


def facts(stream_count: int, **changes: Any) -> PlatformFacts:
    """The platform's own row."""
    values = {
        "platform_name": "yellowlive",
        "original_platform_name": "YellowLive",
        "generation": 1,
        "stream_count": stream_count,
        "infrastructure_schedule": "@daily",
    }
    return PlatformFacts(**{**values, **changes})


def read(*rows: ActiveRow, stream_count: int | None = None) -> DagRows:
    """A snapshot of one platform."""
    count = len(rows) if stream_count is None else stream_count
    return DagRows(platforms=[facts(count)], rows=rows, fingerprint=None)


def stream(store: str) -> ActiveRow:
    """A row of another store."""
    return row(stream_key=store, store_name=store, dag_id=f"yellowlive__{store}_ingestion")
