"""A consumer's login reads its workspace's views and nothing else."""

from __future__ import annotations

import psycopg2
import pytest
from psycopg2 import sql

from tests.e2e.harness.installation import Installation
from tests.e2e.harness.sql import AIRFLOW, MERGE, SOURCE
from tests.e2e.harness.streams import DATASETS, PLATFORMS, READER, view_rows


@pytest.mark.row("V08", "V06")
def test_a_reader_reads_its_views(installation: Installation) -> None:
    """All four, and both histories."""
    for platform in PLATFORMS:
        for dataset in DATASETS:
            assert view_rows(installation.sql, platform.view(dataset))


@pytest.mark.row("V06", kind="refusal")
@pytest.mark.row("V08", kind="refusal")
@pytest.mark.parametrize(
    "table",
    [
        *(platform.merge_table(dataset) for platform in PLATFORMS for dataset in DATASETS),
        "yellowlive_batch_metrics",
        "yellowlive_stream_plan",
        "ds_revision",
    ],
)
def test_a_reader_reads_no_table(installation: Installation, table: str) -> None:
    """Neither merge tables nor what the platform keeps for itself."""
    statement = sql.SQL("SELECT count(*) FROM public.{}").format(sql.Identifier(table))
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        installation.sql.rows(READER, MERGE, statement)


@pytest.mark.row("V08", kind="refusal")
def test_a_reader_writes_nothing(installation: Installation) -> None:
    """Not through a view, not beside it."""
    for statement in (
        "DELETE FROM public.yellowlive_consumer1_livedsg_customers_view",
        "CREATE TABLE public.mine (id int)",
        "CREATE TEMPORARY TABLE mine (id int)",
    ):
        with pytest.raises((psycopg2.errors.InsufficientPrivilege, psycopg2.errors.ObjectNotInPrerequisiteState)):
            installation.sql.rows(READER, MERGE, statement)


@pytest.mark.row("V08", kind="refusal")
@pytest.mark.parametrize("database", [SOURCE, AIRFLOW])
def test_a_reader_enters_no_other_database(installation: Installation, database: str) -> None:
    """The source and Airflow's database are closed to it."""
    with pytest.raises(psycopg2.OperationalError, match="permission denied"):
        installation.sql.rows(READER, database, "SELECT 1")
