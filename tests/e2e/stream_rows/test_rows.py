"""Rows of `*_airflow_dsg` are the DAGs: a new one shows in seconds, a bad one harms no other."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.harness.installation import Installation
from tests.e2e.harness.measurements import Measurements
from tests.e2e.harness.sql import MERGE
from tests.e2e.harness.streams import LIVE, STREAM
from tests.e2e.harness.waiting import until

READ = "SELECT config_json FROM public.yellowlive_airflow_dsg WHERE stream_key = %s"
ADD = (
    "WITH more AS (UPDATE public.ds_platform SET generation = generation + 1, stream_count = stream_count + 1"
    " WHERE platform = 'yellowlive' RETURNING generation)"
    " INSERT INTO public.yellowlive_airflow_dsg (stream_key, config_json, status, generation)"
    " SELECT %s, %s, 'active', generation FROM more"
)
REMOVE = (
    "WITH gone AS (DELETE FROM public.yellowlive_airflow_dsg WHERE stream_key = %s RETURNING 1)"
    " UPDATE public.ds_platform SET generation = generation + 1,"
    " stream_count = stream_count - (SELECT count(*) FROM gone) WHERE platform = 'yellowlive'"
)


@pytest.fixture
def row(installation: Installation) -> Iterator[dict[str, Any]]:
    """A row like that of the demo's stream, for a stream of another name that nothing ever runs; it goes afterwards."""
    config = json.loads(installation.sql.value("postgres", MERGE, READ, [STREAM]))
    config |= {"stream_key": "Store2", "dag_id": "yellowlive__Store2_ingestion", "schedule": None}
    yield config
    installation.sql.rows("postgres", MERGE, REMOVE, ["Store2"])
    until("the DAG is gone", lambda: config["dag_id"] not in installation.airflow.dags(), seconds=60)


@pytest.mark.row("D16", "D11", "D01")
def test_a_new_row_is_a_dag_within_five_seconds(
    installation: Installation, measurements: Measurements, row: dict[str, Any]
) -> None:
    """From the row's commit until Airflow's API knows the DAG."""
    installation.airflow.dags()
    began = time.monotonic()
    installation.sql.rows("postgres", MERGE, ADD, ["Store2", json.dumps(row)])
    until("the DAG", lambda: row["dag_id"] in installation.airflow.dags(), seconds=60, every_seconds=0.1)
    measurements.record("stream_row", round(time.monotonic() - began, 2))


@pytest.mark.row("D16", kind="refusal")
@pytest.mark.row("D11", kind="refusal")
@pytest.mark.row("D08", kind="refusal")
def test_a_bad_row_is_named_and_harms_no_other(installation: Installation, row: dict[str, Any]) -> None:
    """A row that is no configuration becomes an import error that names it; the other DAGs stay."""
    before = set(installation.airflow.dags())
    installation.sql.rows("postgres", MERGE, ADD, ["Store2", '{"dag_id": 7'])
    errors = until("the import error", installation.airflow.import_errors, seconds=30)
    assert len(errors) == 1
    assert "Store2" in errors[0]["stack_trace"]
    assert before <= set(installation.airflow.dags())
    installation.sql.rows("postgres", MERGE, REMOVE, ["Store2"])
    until("no import error", lambda: not installation.airflow.import_errors(), seconds=60)
    assert LIVE.dag_id in installation.airflow.dags()
    assert row
