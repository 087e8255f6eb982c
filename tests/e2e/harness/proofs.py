"""What proves that no row was lost, doubled or half applied: the audit, and the views against the source."""

from __future__ import annotations

from typing import Any

from tests.e2e.harness.installation import Installation
from tests.e2e.harness.sql import SOURCE
from tests.e2e.harness.streams import (
    DATASETS,
    PLATFORMS,
    SOURCE_ROWS,
    Platform,
    audits,
    batches,
    committed,
    view_rows,
)
from tests.e2e.harness.waiting import until


def audit_holds(installation: Installation, platform: Platform) -> dict[str, Any]:
    """Run the platform's infrastructure DAG now; its audit, which found nothing."""
    before = len(audits(installation.sql, platform))
    dag_id = platform.infrastructure_dag_id
    if installation.airflow.dags()[dag_id]["is_paused"]:
        installation.airflow.pause(dag_id, is_paused=False)
    state = installation.airflow.wait_run(dag_id, installation.airflow.trigger(dag_id), seconds=180)
    found = audits(installation.sql, platform)
    assert len(found) > before, f"{dag_id} ended with {state} and recorded no audit"
    assert found[0]["ok"], found[0]["findings"]
    assert state == "success"
    return found[0]


def caught_up(installation: Installation, platform: Platform, *, seconds: float) -> None:
    """Wait until the platform's current views equal the source, which stands still."""
    source = {
        dataset: sorted(installation.sql.rows("customer_reader", SOURCE, SOURCE_ROWS[dataset]), key=repr)
        for dataset in DATASETS
    }

    def equal() -> bool:
        return all(
            sorted((row[: len(source[dataset][0])] for row in view_rows(installation.sql, view)), key=repr)
            == source[dataset]
            for dataset in DATASETS
            for view in [platform.view(dataset)]
        )

    until(f"the views of {platform.name} equal the source", equal, seconds=seconds, passing=(Exception,))


def batches_are_serial(installation: Installation) -> None:
    """Ids without a gap, one open batch at most, and of each run no batch twice."""
    for platform in PLATFORMS:
        rows = batches(installation.sql, platform)
        assert [row.batch_id for row in rows] == list(range(1, len(rows) + 1)), platform.name
        assert [row for row in rows[:-1] if row.status != "committed"] == [], platform.name
        assert len(committed(installation.sql, platform)) >= 1, platform.name
